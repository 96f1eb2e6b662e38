//! Requests on connections that pass them one at a time, as clients send them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_server::Server;
use actix_service::map_config;
use actix_web::dev::AppConfig;
use actix_web::{App, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::TIMEOUT;
use crate::ws::{ListenParams, listen};

/// Size of a large response, which no buffer of the kernel holds ten times.
const LARGE_BYTES: usize = 1 << 20;

/// Starts a server that answers with the method, the path and the body, and counts the requests.
fn serve() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let n_requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&n_requests);
    let listening = ListenParams { listener, stall_max: Duration::from_secs(3_600) };
    let server = listen(Server::build().workers(1).disable_signals(), listening, move || {
        let n_requests = Arc::clone(&counted);
        let echo = web::to(move |request: HttpRequest, body: Bytes| {
            n_requests.fetch_add(1, Ordering::Relaxed);
            let text = match request.path() {
                "/large" => Bytes::from_static(&[b'x'; LARGE_BYTES]),
                path => format!("<{} {path} {}>", request.method(), String::from_utf8_lossy(&body)).into(),
            };
            std::future::ready(HttpResponse::Ok().body(text))
        });
        let early = web::to(async || HttpResponse::Ok().body("<early>"));
        let app = App::new().route("/early", early).default_service(echo);
        map_config(app, |_| AppConfig::default())
    });
    actix_web::rt::spawn(server.unwrap().run());
    (address, n_requests)
}

/// Sends all, in pieces of so many bytes, and returns everything that comes back until the server closes.
async fn exchange(sent: &str, piece_bytes: usize) -> String {
    let (address, _) = serve();
    let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    let mut received = Vec::new();
    let receiving = tokio::time::timeout(TIMEOUT, reader.read_to_end(&mut received));
    let sending = async {
        for piece in sent.as_bytes().chunks(piece_bytes) {
            // The server may have closed the connection by now.
            let _ = writer.write_all(piece).await;
            tokio::task::yield_now().await;
        }
    };
    let (outcome, ()) = tokio::join!(receiving, sending);
    outcome.unwrap().ok();
    String::from_utf8(received).unwrap()
}

/// Returns the bodies of all responses that have one.
fn bodies(received: &str) -> Vec<&str> {
    received
        .match_indices('<')
        .map(|(start, _)| &received[start..=start + received[start..].find('>').unwrap()])
        .collect()
}

const LAST: &str = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[actix_web::test]
async fn requests_of_every_form_may_follow_each_other_on_a_connection() {
    let check = async |requests: &[&str], expected: &[&str]| {
        let sent = requests.concat() + LAST;
        for piece_bytes in [1, 7, usize::MAX] {
            let received = exchange(&sent, piece_bytes).await;
            let expected = [expected, &["<GET /last >"]].concat();
            assert_eq!(bodies(&received), expected, "{requests:?}: {received}");
        }
    };
    let get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    check(&[get, get, get], &["<GET /a >"; 3]).await;
    check(&["\r\n\r\nGET /a HTTP/1.1\nHost: a\n\n", get], &["<GET /a >"; 2]).await;
    check(&["HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n", get], &["<GET /a >"]).await;
    let sized = "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\r\n\r\n";
    check(&[sized, get, sized], &["<POST /b \r\n\r\n>", "<GET /a >", "<POST /b \r\n\r\n>"]).await;
    check(&["POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", get], &["<POST /b >", "<GET /a >"])
        .await;
    let chunked =
        "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n";
    check(&[chunked, get, chunked], &["<POST /c abc>", "<GET /a >", "<POST /c abc>"]).await;
    let trailers =
        "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nA: b\r\n\r\n";
    check(&[trailers, get], &["<POST /c ab>", "<GET /a >"]).await;
    let expecting = "POST /d HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab";
    check(&[expecting, get], &["<POST /d ab>", "<GET /a >"]).await;
    let old = "GET /e HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    check(&[old, get], &["<GET /e >", "<GET /a >"]).await;
    // The handler reads no body.
    let unread = "POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
    check(&[unread, get], &["<early>", "<GET /a >"]).await;
}

#[actix_web::test]
async fn a_request_whose_end_is_unclear_is_refused_and_nothing_after_it_is_read() {
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    for headers in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: 3\r\nContent-Length: 3",
        "Content-Length: 3, 3",
        "Content-Length: +3",
        "Content-Length: -3",
        "Content-Length: 0x3",
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding : chunked",
        " Transfer-Encoding: chunked",
    ] {
        for piece_bytes in [1, usize::MAX] {
            let sent = format!("POST /b HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n0\r\n\r\n{smuggled}");
            let received = exchange(&sent, piece_bytes).await;
            assert!(received.starts_with("HTTP/1.1 400"), "{headers}: {received}");
            assert!(bodies(&received).is_empty(), "{headers}: {received}");
        }
    }
    for chunks in
        ["2\nab\r\n0\r\n\r\n", "2\r\nabc\r\n0\r\n\r\n", "x\r\n\r\n", "2\r\nab\r\n0\r\n\rG", "-1\r\n\r\n"]
    {
        let head = "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let received = exchange(&format!("{head}{chunks}{smuggled}"), usize::MAX).await;
        assert!(!received.contains("/smuggled"), "{chunks:?}: {received}");
    }
}

#[actix_web::test]
async fn requests_of_a_client_that_does_not_read_wait() {
    let (address, n_requests) = serve();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let large = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n".repeat(30);
    stream.write_all(large.as_bytes()).await.unwrap();
    // Another client's requests show that the server has come round to all that it does for the first.
    let mut other = TcpStream::connect(address).await.unwrap();
    for _ in 0..100 {
        other.write_all(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        super::read_until(&mut other, ">").await;
    }
    let n_large = n_requests.load(Ordering::Relaxed) - 100;
    assert!(n_large < 15, "{n_large} responses were made");
    // All of them are answered once the client reads.
    let n_bytes = 30 * LARGE_BYTES;
    let mut n_read = 0;
    let mut buffer = vec![0; 1 << 20];
    while n_read < n_bytes {
        let read = tokio::time::timeout(TIMEOUT, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert_ne!(read, 0, "the connection ended");
        n_read += buffer[..read].iter().filter(|byte| **byte == b'x').count();
    }
    assert_eq!(n_requests.load(Ordering::Relaxed), 130);
}
