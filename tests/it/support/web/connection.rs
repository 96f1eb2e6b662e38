//! One client: its requests, one after the other, and their answers.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::fault::Fault;
use super::reply::{self, Delivery, Reply, Response};
use super::request::Request;
use super::stream::{Stream, StreamParams};
use super::wire::{self, Wire};
use super::{Shared, Site};

/// How long a reset waits so that what was sent before it arrives, because a reset discards what is still under way.
pub(super) const DELIVERY: Duration = Duration::from_millis(50);

/// Size of the chunks of an answer in parts.
const N_CHUNK_BYTES: usize = 1_000;

/// Counts a connection for as long as it is open.
struct Open<S>(Arc<Shared<S>>);

impl<S> Open<S> {
    fn new(shared: &Arc<Shared<S>>) -> Self {
        shared.state().n_open += 1;
        Self(Arc::clone(shared))
    }
}

impl<S> Drop for Open<S> {
    fn drop(&mut self) {
        self.0.state().n_open -= 1;
    }
}

/// Serves a connection until it ends.
pub(super) async fn serve<S: Site>(mut stream: TcpStream, shared: Arc<Shared<S>>) {
    let _open = Open::new(&shared);
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    while let Some(request) = Request::read(&mut stream, &mut buffer).await {
        let (number, fault) = note(&shared, &request);
        let reply = match fault {
            Some(Fault::Status(status, wait_s)) => {
                Reply::Response(shared.state().site.refusal(&request, status, wait_s))
            }
            _ => shared.state().site.answer(&request),
        };
        let (response, delivery) = match reply {
            Reply::Response(response) => reply::changed(response, fault),
            Reply::Page(page) => page.response(fault),
            Reply::WebSocket(heard) => match upgrade(&request) {
                Some(head) => {
                    let params = StreamParams { wire: Wire::WebSocket, heard, fault, number, head, shared };
                    return Stream::run(params, stream, buffer).await;
                }
                None => (Response::text(426, "text/plain", "upgrade to WebSocket"), Delivery::Whole),
            },
            Reply::Lines(heard, headers) => {
                let mut head = "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\n\
                                transfer-encoding: chunked\r\nconnection: close\r\n"
                    .to_owned();
                add(&mut head, &headers);
                let params = StreamParams { wire: Wire::Lines, heard, fault, number, head, shared };
                return Stream::run(params, stream, buffer).await;
            }
        };
        if delivery == Delivery::Never {
            // Until the client hangs up.
            let _ = stream.read_buf(&mut buffer).await;
            return over(&shared, number);
        }
        shared.state().requests[number].status = response.status;
        let is_written = write(&mut stream, &response, delivery).await;
        over(&shared, number);
        if !is_written || request.header("connection").is_some_and(|it| it.eq_ignore_ascii_case("close")) {
            return;
        }
    }
}

/// Writes a request to the log. Returns its number there, and its fault.
fn note<S>(shared: &Shared<S>, request: &Request) -> (usize, Option<Fault>) {
    let mut state = shared.state();
    state.requests.push(request.clone());
    (state.requests.len() - 1, state.faults.next(&request.path))
}

fn over<S>(shared: &Shared<S>, number: usize) {
    shared.state().requests[number].is_over = true;
}

/// Returns the head that begins a WebSocket, if the client asked for one.
fn upgrade(request: &Request) -> Option<String> {
    let key = request.header("sec-websocket-key")?;
    if !request.header("upgrade")?.eq_ignore_ascii_case("websocket") {
        return None;
    }
    let mut head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-accept: {}\r\n",
        derive_accept_key(key.as_bytes())
    );
    if let Some(protocol) = request.header("sec-websocket-protocol") {
        add(&mut head, &[("sec-websocket-protocol".to_owned(), protocol.to_owned())]);
    }
    Some(head)
}

fn add(head: &mut String, headers: &[(String, String)]) {
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
}

/// Writes an answer. Returns whether the connection can be used again.
async fn write(stream: &mut TcpStream, response: &Response, delivery: Delivery) -> bool {
    let mut head = format!("HTTP/1.1 {} As told\r\n", response.status);
    add(&mut head, &response.headers);
    let body = &response.body;
    let n_announced = match delivery {
        Delivery::Broken => body.len() + 1_000,
        _ => body.len(),
    };
    let is_chunked = matches!(delivery, Delivery::Chunked | Delivery::Slow) && response.status != 304;
    if is_chunked {
        head.push_str("transfer-encoding: chunked\r\n\r\n");
    } else if response.status == 304 {
        head.push_str("\r\n");
    } else {
        head.push_str(&format!("content-length: {n_announced}\r\n\r\n"));
    }
    let mut is_written = stream.write_all(head.as_bytes()).await.is_ok();
    if !is_chunked {
        is_written &= stream.write_all(body).await.is_ok();
    } else {
        for part in body.chunks(N_CHUNK_BYTES) {
            is_written &= stream.write_all(&wire::chunk(part)).await.is_ok();
            if delivery == Delivery::Slow {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        is_written &= stream.write_all(b"0\r\n\r\n").await.is_ok();
    }
    if delivery == Delivery::Broken {
        tokio::time::sleep(DELIVERY).await;
        let _ = stream.set_zero_linger();
        return false;
    }
    is_written
}
