//! Tests with real sockets and a stub broadcaster.

mod endings;
mod requests; // requests before and instead of sessions

use std::sync::Mutex;
use std::time::{Duration, Instant};

use actix::{Actor, Context, Handler};
use actix_server::Server;
use actix_service::map_config;
use actix_web::dev::AppConfig;
use actix_web::{App, web};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::*;
use crate::actors::runtime::downstream::{Redirect, downstream};
use crate::live::encode;
use crate::live::frame::{Frame, LiveFrame, SubscriptionState};
use crate::live::outbox_batch::CloseReason;
use crate::models::subscription::Feed;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Timeout for every step, far longer than any step takes even on a busy machine.
pub(super) const TIMEOUT: Duration = Duration::from_secs(60);

/// Messages that the broadcaster received from sessions.
#[derive(Default)]
struct Received {
    watched: Vec<Watch>,
    disconnected: Vec<SessionId>,
}

#[derive(Clone, Default)]
struct StubBroadcaster(Arc<Mutex<Received>>);

impl Actor for StubBroadcaster {
    type Context = Context<Self>;
}

impl Handler<Watch> for StubBroadcaster {
    type Result = ();

    /// Responds like a broadcaster that cannot recover missed updates.
    fn handle(&mut self, watch: Watch, _: &mut Self::Context) {
        if watch.is_requested {
            watch.outbox.begin();
            let standing =
                SubscriptionState { subscription: &watch.subscription, recovered: false, since: None };
            let nowhere = FrameId { epoch: "none".to_owned(), offset: 0 };
            let response = encode::live(&nowhere, LiveFrame::Subscribed(standing)).unwrap();
            watch.outbox.replay(Arc::new(response));
        }
        self.0.lock().unwrap().watched.push(watch);
    }
}

impl Handler<Disconnect> for StubBroadcaster {
    type Result = ();

    fn handle(&mut self, Disconnect { id }: Disconnect, _: &mut Self::Context) {
        self.0.lock().unwrap().disconnected.push(id);
    }
}

pub(super) fn text(text: &str) -> Arc<Frame> {
    Arc::new(Frame::new("message:new", None, text.into()))
}

/// Returns the principal that a test's request names, `?as=operator` or else the local operator.
fn principal_of(request: &HttpRequest) -> Principal {
    match request.query_string() {
        "as=operator" => Principal::operator(),
        _ => Principal::local_operator(),
    }
}

/// Server with live connections and a stub broadcaster.
struct TestServer {
    url: String,
    sockets: Sockets,
    broadcaster: StubBroadcaster,
    _redirects: (Redirect<Watch>, Redirect<Disconnect>),
}

impl TestServer {
    async fn open(limit: u64) -> Self {
        Self::with_stall_timeout(limit, Duration::from_secs(3_600)).await
    }

    async fn with_stall_timeout(limit: u64, stall_max: Duration) -> Self {
        let broadcaster = StubBroadcaster::default();
        let address = broadcaster.clone().start();
        let (to_watch, watch) = downstream("broadcaster");
        let (to_disconnect, disconnect) = downstream("broadcaster");
        to_watch.follow(Some(&address));
        to_disconnect.follow(Some(&address));
        let sockets = Sockets::new(SocketsParams { watch, disconnect, limit, stall_max });
        actix_web::rt::spawn(sockets.clone().watch());
        let shared = sockets.clone();
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("ws://{}/ws", listener.local_addr().unwrap());
        let server = Server::build().workers(1).disable_signals();
        let server = listen(server, ListenParams { listener, stall_max }, move || {
            let (sockets, listening) = (shared.clone(), shared.clone());
            let open = web::get().to(move |request: HttpRequest| {
                let response = sockets
                    .open(&request, principal_of(&request))
                    .unwrap_or_else(|refusal| HttpResponse::ServiceUnavailable().body(refusal.to_string()));
                std::future::ready(response)
            });
            let events = web::get().to(move |request: HttpRequest| {
                let query = EventsQuery { subscription: Subscription::default(), since: None };
                let events = listening.events(&request, principal_of(&request), query).unwrap();
                std::future::ready(HttpResponse::Ok().streaming(events))
            });
            map_config(App::new().route("/ws", open).route("/events", events), |_| AppConfig::default())
        });
        actix_web::rt::spawn(server.unwrap().run());
        Self { url, sockets, broadcaster, _redirects: (to_watch, to_disconnect) }
    }

    async fn socket(&self) -> Socket {
        tokio_tungstenite::connect_async(&self.url).await.unwrap().0
    }

    async fn stream(&self) -> TcpStream {
        TcpStream::connect(self.url.strip_prefix("ws://").unwrap().strip_suffix("/ws").unwrap())
            .await
            .unwrap()
    }

    async fn until_n_open(&self, n_open: u64) {
        let deadline = Instant::now() + TIMEOUT;
        while self.sockets.n_open() != n_open {
            assert!(Instant::now() < deadline, "{} are open", self.sockets.n_open());
            tokio::task::yield_now().await;
        }
    }

    async fn until(&self, what: &str, holds: impl Fn(&Received) -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        while !holds(&self.broadcaster.0.lock().unwrap()) {
            assert!(Instant::now() < deadline, "timed out waiting for: {what}");
            tokio::task::yield_now().await;
        }
    }
}

/// Subscribes to a feed and returns the session's outbox. Of the sessions before this one, each must have subscribed.
async fn subscribed(server: &TestServer, socket: &mut Socket, feed: &str) -> Arc<Outbox> {
    let of_all = |received: &Received| -> Vec<Arc<Outbox>> {
        let requested = received.watched.iter().filter(|watch| watch.is_requested);
        requested.map(|watch| Arc::clone(&watch.outbox)).collect()
    };
    let n_before = of_all(&server.broadcaster.0.lock().unwrap()).len();
    send(socket, &format!(r#"{{"op":"subscribe","feeds":["{feed}"]}}"#)).await;
    server.until("a subscription", |received| of_all(received).len() > n_before).await;
    of_all(&server.broadcaster.0.lock().unwrap()).pop().unwrap()
}

/// Returns a writer, its outbox, and the peer at the other end.
pub(super) async fn writer_with_peer() -> (socket_writer::SocketWriter, Arc<Outbox>, TcpStream) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let outbox = Arc::new(Outbox::new(Instant::now()));
    let writer = socket_writer::SocketWriter::new(listener.accept().await.unwrap().0, Arc::clone(&outbox));
    (writer, outbox, peer)
}

async fn send(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text)).await.unwrap();
}

async fn next(socket: &mut Socket) -> Message {
    tokio::time::timeout(TIMEOUT, socket.next()).await.unwrap().unwrap().unwrap()
}

async fn frame(socket: &mut Socket) -> serde_json::Value {
    serde_json::from_str(next(socket).await.to_text().unwrap()).unwrap()
}

async fn read_until(stream: &mut TcpStream, what: &str) {
    let mut response = String::new();
    while !response.contains(what) {
        let mut buffer = [0; 1_024];
        let reading = tokio::time::timeout(TIMEOUT, stream.read(&mut buffer));
        let n_bytes = reading.await.unwrap_or_else(|_| panic!("no {what} in {response}")).unwrap();
        assert_ne!(n_bytes, 0, "{response}");
        response.push_str(&String::from_utf8_lossy(&buffer[..n_bytes]));
    }
}

async fn close_code(socket: &mut Socket) -> u16 {
    loop {
        if let Message::Close(reason) = next(socket).await {
            return reason.unwrap().code.into();
        }
    }
}

#[actix_web::test]
async fn a_client_without_a_subscription_gets_the_default_feeds() {
    let server = TestServer::open(10).await;
    let mut socket = server.socket().await;
    server.until("a session to begin", |received| received.watched.len() == 1).await;
    let outbox = {
        let received = server.broadcaster.0.lock().unwrap();
        assert_eq!(
            (&received.watched[0].subscription, received.watched[0].is_requested),
            (&Subscription::default(), false)
        );
        Arc::clone(&received.watched[0].outbox)
    };
    outbox.post(&text("hello"));
    assert_eq!(next(&mut socket).await.to_text().unwrap(), "hello");
}

#[actix_web::test]
async fn missed_updates_are_requested_in_the_first_subscription_of_a_connection_only() {
    let server = TestServer::open(10).await;
    let mut socket = server.socket().await;
    for _ in 0..2 {
        send(&mut socket, r#"{"op":"subscribe","feeds":["alerts"],"since":"e:17"}"#).await;
        assert_eq!(frame(&mut socket).await["event"], "subscribed");
    }
    let received = server.broadcaster.0.lock().unwrap();
    let since = |n: usize| received.watched[n].since.as_ref().map(ToString::to_string).unwrap();
    assert_eq!([since(1), since(2)], ["e:17", ":0"], "the second can only be a fresh start");
}

#[actix_web::test]
async fn the_first_subscription_replaces_the_default_and_later_ones_add() {
    let server = TestServer::open(10).await;
    let mut socket = server.socket().await;
    send(&mut socket, r#"{"op":"subscribe","feeds":["system"],"filter":{"city":"Oslo"},"since":"e:1"}"#)
        .await;
    let response = frame(&mut socket).await;
    assert_eq!((&response["event"], &response["data"]["recovered"]), (&"subscribed".into(), &false.into()));
    assert_eq!(response["data"]["feeds"], serde_json::json!(["system"]));
    send(&mut socket, r#"{"op":"subscribe","feeds":["alerts"]}"#).await;
    let response = frame(&mut socket).await;
    assert_eq!(response["data"]["feeds"], serde_json::json!(["alerts", "system"]));
    assert_eq!(response["data"]["filter"]["city"], "Oslo");
    send(&mut socket, r#"{"op":"unsubscribe","feeds":["system"]}"#).await;
    assert_eq!(frame(&mut socket).await["data"]["feeds"], serde_json::json!(["alerts"]));
    server.until("three subscriptions after the first", |received| received.watched.len() == 4).await;
    let received = server.broadcaster.0.lock().unwrap();
    let feeds = received.watched[3].subscription.feeds;
    assert!(feeds.contains(Feed::Alerts) && !feeds.contains(Feed::System));
}

#[actix_web::test]
async fn an_invalid_operation_gets_an_error_and_the_socket_stays_open() {
    let server = TestServer::open(10).await;
    let mut socket = server.socket().await;
    send(&mut socket, r#"{"op":"subscribe","feeds":["weather"]}"#).await;
    let response = frame(&mut socket).await;
    assert_eq!((&response["event"], &response["data"]["code"]), (&"error".into(), &"unknown_feed".into()));
    send(&mut socket, r#"{"op":"ping"}"#).await;
    assert_eq!(frame(&mut socket).await["event"], "pong");
}

#[actix_web::test]
async fn oversized_binary_and_too_frequent_messages_close_the_socket_with_their_code() {
    let server = TestServer::open(10).await;
    let mut socket = server.socket().await;
    send(&mut socket, &"x".repeat(MESSAGE_BYTES_MAX + 1)).await;
    assert_eq!(close_code(&mut socket).await, close_codes::TOO_BIG);
    let mut socket = server.socket().await;
    socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(close_code(&mut socket).await, close_codes::UNSUPPORTED);
    let mut socket = server.socket().await;
    for _ in 0..=2 * rate_limit::BURST {
        socket.feed(Message::text(r#"{"op":"ping"}"#)).await.unwrap();
    }
    // All at once, because the limit grows with time.
    socket.flush().await.unwrap();
    assert_eq!(close_code(&mut socket).await, close_codes::TOO_MANY_OPERATIONS);
}

#[actix_web::test]
async fn a_socket_over_the_limit_is_rejected_until_another_closes() {
    let server = TestServer::open(1).await;
    let mut first = server.socket().await;
    let refused = tokio_tungstenite::connect_async(&server.url).await;
    assert!(refused.is_err());
    assert_eq!(server.sockets.n_open(), 1);
    first.close(None).await.unwrap();
    server.until("the first session to end", |received| received.disconnected.len() == 1).await;
    server.until_n_open(0).await;
    server.socket().await;
}

#[actix_web::test]
async fn a_stopping_server_and_a_closed_session_send_their_codes() {
    let server = TestServer::open(10).await;
    for (close_reason, code) in [
        (CloseReason::TryAgainLater, close_codes::TRY_AGAIN_LATER),
        (CloseReason::PositionLost, close_codes::POSITION_LOST),
        (CloseReason::TooSlow, close_codes::TOO_SLOW),
    ] {
        let mut forgotten = server.socket().await;
        subscribed(&server, &mut forgotten, "alerts").await.close(close_reason);
        assert_eq!(close_code(&mut forgotten).await, code);
    }
    let mut socket = server.socket().await;
    server.sockets.close_all();
    assert_eq!(close_code(&mut socket).await, close_codes::GOING_AWAY);
    assert!(tokio_tungstenite::connect_async(&server.url).await.is_err());
}

#[actix_web::test]
async fn a_browser_that_offers_the_token_protocol_gets_it_selected() {
    let server = TestServer::open(10).await;
    let mut request = server.url.as_str().into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "bearer, s3cret".parse().unwrap());
    let (_, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "bearer");
}

/// Subscribes a session whose peer does not read, and posts more than the kernel accepts. The outbox must hold no more
/// of that than its limit.
async fn stall(server: &TestServer, unread: &mut Socket) {
    let outbox = subscribed(server, unread, "messages").await;
    // 128 MiB, several times what the kernel and the outbox hold together.
    let frame = text(&"x".repeat(64 * 1024));
    (0..2_000).for_each(|_| outbox.post(&frame));
    assert!(Arc::strong_count(&frame) < 600, "{} frames are held", Arc::strong_count(&frame));
}

/// The timers of a stalled session stop, as described in actix-web issue 2441, so the session cannot release its own
/// permit.
#[actix_web::test]
async fn a_stalled_socket_is_aborted_from_outside_and_releases_its_permit() {
    let server = TestServer::with_stall_timeout(2, Duration::from_secs(1)).await;
    let mut reading = server.socket().await;
    let mut unread = server.socket().await;
    assert_eq!(server.sockets.n_open(), 2);
    stall(&server, &mut unread).await;
    server.until_n_open(1).await;
    server.until("its session to end", |received| received.disconnected.len() == 1).await;
    send(&mut reading, r#"{"op":"ping"}"#).await;
    assert_eq!(frame(&mut reading).await["event"], "pong", "a reading peer is not affected");
    server.socket().await;
}

#[actix_web::test]
async fn a_socket_that_resumes_reading_in_time_learns_how_many_posts_it_missed() {
    let server = TestServer::open(10).await;
    let mut unread = server.socket().await;
    stall(&server, &mut unread).await;
    assert_eq!(frame(&mut unread).await["event"], "subscribed");
    loop {
        let message = next(&mut unread).await;
        if let Ok(frame) = serde_json::from_str::<serde_json::Value>(message.to_text().unwrap()) {
            assert_eq!(frame["event"], "message:skipped");
            assert!(frame["data"]["too_slow"].as_u64().unwrap() > 0, "{frame}");
            return;
        }
    }
}

#[actix_web::test]
async fn frames_reach_a_slow_reader_complete_and_in_order() {
    let server = TestServer::open(10).await;
    let mut slow = server.socket().await;
    send(&mut slow, r#"{"op":"subscribe","feeds":["messages"]}"#).await;
    assert_eq!(frame(&mut slow).await["event"], "subscribed");
    let outbox = Arc::clone(&server.broadcaster.0.lock().unwrap().watched.last().unwrap().outbox);
    // Texts of lengths that need every form of header, together more than the kernel takes at once.
    let of_number = |n: usize| format!("{n}:{}", "y".repeat([0, 1, 110, 130, 4_000, 65_530, 70_000][n % 7]));
    for n in 0..400 {
        outbox.replay(text(&of_number(n)));
    }
    for n in 0..400 {
        if n % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(next(&mut slow).await.to_text().unwrap() == of_number(n), "frame {n}");
    }
}

const HANDSHAKE: &[u8] = b"GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The codec rejects an oversized message only once it is complete.
#[actix_web::test]
async fn an_endless_message_closes_the_socket() {
    let server = TestServer::open(10).await;
    let mut stream = server.stream().await;
    let head = [&[0x81, 0x80 | 127][..], &(1_u64 << 40).to_be_bytes(), &[0; 4]].concat();
    stream.write_all(&[HANDSHAKE, &head[..], &[b'x'; 2 * MESSAGE_BYTES_MAX]].concat()).await.unwrap();
    let mut response = Vec::new();
    let reading = stream.read_to_end(&mut response);
    tokio::time::timeout(TIMEOUT, reading).await.expect("the socket stayed open").unwrap();
    let code = close_codes::TOO_BIG.to_be_bytes();
    assert!(response.windows(4).any(|bytes| bytes[0] == 0x88 && bytes[2..] == code), "{response:?}");
}

#[actix_web::test]
async fn events_requested_with_an_upgrade_are_streamed_and_end_when_the_client_leaves() {
    let server = TestServer::open(10).await;
    let mut stream = server.stream().await;
    let request = "GET /events HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    read_until(&mut stream, "retry: ").await;
    server.until_n_open(1).await;
    drop(stream);
    server.until_n_open(0).await;
}

#[actix_web::test]
async fn events_of_a_stopping_server_end_with_its_code() {
    let server = TestServer::open(10).await;
    let mut stream = server.stream().await;
    stream.write_all(b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut stream, "retry: ").await;
    server.sockets.close_all();
    read_until(&mut stream, "\n: 1001 ").await;
    server.until_n_open(0).await;
}

#[actix_web::test]
async fn an_operation_sent_together_with_the_handshake_is_handled() {
    let server = TestServer::open(10).await;
    let mut stream = server.stream().await;
    // A text message masked with zeros.
    let ping = br#"{"op":"ping"}"#;
    let early = [HANDSHAKE, &[0x81, 0x80 | ping.len() as u8, 0, 0, 0, 0], ping].concat();
    stream.write_all(&early).await.unwrap();
    read_until(&mut stream, r#""event":"pong""#).await;
}

#[actix_web::test]
async fn other_upgrade_requests_are_answered_and_closed() {
    let server = TestServer::open(10).await;
    for (request, status) in [
        ("GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", "404"),
        ("CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n", "404"),
        ("GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", "503"),
        (std::str::from_utf8(HANDSHAKE).unwrap().replace("HTTP/1.1", "HTTP/1.0").as_str(), "503"),
    ] {
        let mut stream = server.stream().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        let reading = stream.read_to_string(&mut response);
        tokio::time::timeout(TIMEOUT, reading).await.expect(request).unwrap();
        assert_eq!(response.split(' ').nth(1), Some(status), "{request}: {response}");
    }
    assert_eq!(server.sockets.n_open(), 0);
}

/// Such a peer answers pings but never reads the last frames. Neither its outbox nor silence reveals that.
#[actix_web::test]
async fn a_closing_peer_that_does_not_read_the_last_frames_is_overdue() {
    let (writer, outbox, _unread) = writer_with_peer().await;
    outbox.begin();
    // More than the kernel accepts at once.
    outbox.replay(text(&"x".repeat(32 << 20)));
    let context = std::task::Context::from_waker(std::task::Waker::noop());
    writer.pump(&context);
    assert!(writer.n_unsent() > 0);
    assert_eq!(writer.overdue(), Duration::ZERO, "the session is not closing");
    let (writer, outbox, _unread) = writer_with_peer().await;
    outbox.begin();
    outbox.replay(text(&"x".repeat(32 << 20)));
    outbox.close(CloseReason::TooSlow);
    writer.pump(&context);
    assert!(writer.overdue() > Duration::ZERO);
    assert_eq!(writer.take_close_reason(), None, "unsent frames come before the close reason");
}
