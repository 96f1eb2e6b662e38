//! Real sockets against a stand-in for the broadcaster.

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
use crate::live::frame::{Frame, LiveFrame, Standing};
use crate::live::outbox::CloseReason;
use crate::models::subscription::Feed;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What the sessions told their broadcaster.
#[derive(Default)]
struct Heard {
    watched: Vec<Watch>,
    disconnected: Vec<SessionId>,
}

#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Heard>>);

impl Actor for Ear {
    type Context = Context<Self>;
}

impl Handler<Watch> for Ear {
    type Result = ();

    /// Answers as the broadcaster does, where it knows nothing of what was missed.
    fn handle(&mut self, watch: Watch, _: &mut Self::Context) {
        if watch.is_asked {
            watch.outbox.begin();
            let standing = Standing { subscription: &watch.subscription, recovered: false, since: None };
            let nowhere = FrameId { epoch: "none".to_owned(), offset: 0 };
            let answer = encode::live(&nowhere, LiveFrame::Subscribed(standing)).unwrap();
            watch.outbox.owe(Arc::new(answer));
        }
        self.0.lock().unwrap().watched.push(watch);
    }
}

impl Handler<Disconnect> for Ear {
    type Result = ();

    fn handle(&mut self, Disconnect { id }: Disconnect, _: &mut Self::Context) {
        self.0.lock().unwrap().disconnected.push(id);
    }
}

pub(super) fn text(text: &str) -> Arc<Frame> {
    Arc::new(Frame::new("message:new", None, text.into()))
}

/// A server with sockets, and what their sessions said to the broadcaster.
struct House {
    url: String,
    sockets: Sockets,
    ear: Ear,
    _redirects: (Redirect<Watch>, Redirect<Disconnect>),
}

impl House {
    async fn open(limit: u64) -> Self {
        Self::with_patience(limit, Duration::from_secs(30)).await
    }

    async fn with_patience(limit: u64, stall_max: Duration) -> Self {
        let ear = Ear::default();
        let address = ear.clone().start();
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
        let server = listen(server, listener, move || {
            let (sockets, listening) = (shared.clone(), shared.clone());
            let open = web::get().to(move |request: HttpRequest| {
                let answer = sockets
                    .open(&request)
                    .unwrap_or_else(|refusal| HttpResponse::ServiceUnavailable().body(refusal.to_string()));
                std::future::ready(answer)
            });
            let events = web::get().to(move |request: HttpRequest| {
                let wish = EventsWish { subscription: Subscription::default(), since: None };
                let events = listening.events(&request, wish).unwrap();
                std::future::ready(HttpResponse::Ok().streaming(events))
            });
            map_config(App::new().route("/ws", open).route("/events", events), |_| AppConfig::default())
        });
        actix_web::rt::spawn(server.unwrap().run());
        Self { url, sockets, ear, _redirects: (to_watch, to_disconnect) }
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
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.sockets.n_open() != n_open {
            assert!(Instant::now() < deadline, "{} are open", self.sockets.n_open());
            tokio::task::yield_now().await;
        }
    }

    async fn until(&self, what: &str, holds: impl Fn(&Heard) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(5);
        while !holds(&self.ear.0.lock().unwrap()) {
            assert!(Instant::now() < deadline, "it never happened that {what}");
            tokio::task::yield_now().await;
        }
    }
}

/// A connection's wire with its outbox, and the peer at its other end.
pub(super) async fn wire_to_a_peer() -> (socket_writer::Wire, Arc<Outbox>, TcpStream) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let outbox = Arc::new(Outbox::new(Instant::now()));
    let wire = socket_writer::Wire::new(listener.accept().await.unwrap().0, Arc::clone(&outbox));
    (wire, outbox, peer)
}

async fn say(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text)).await.unwrap();
}

async fn next(socket: &mut Socket) -> Message {
    tokio::time::timeout(Duration::from_secs(5), socket.next()).await.unwrap().unwrap().unwrap()
}

async fn frame(socket: &mut Socket) -> serde_json::Value {
    serde_json::from_str(next(socket).await.to_text().unwrap()).unwrap()
}

async fn until_it_says(stream: &mut TcpStream, what: &str) {
    let mut answer = String::new();
    while !answer.contains(what) {
        let mut buffer = [0; 1_024];
        let reading = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut buffer));
        let n_bytes = reading.await.unwrap_or_else(|_| panic!("no {what} in {answer}")).unwrap();
        assert_ne!(n_bytes, 0, "{answer}");
        answer.push_str(&String::from_utf8_lossy(&buffer[..n_bytes]));
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
async fn a_silent_client_gets_the_default_feeds_after_a_while_and_hears_what_is_delivered() {
    let house = House::open(10).await;
    let mut socket = house.socket().await;
    house.until("a session begins", |heard| heard.watched.len() == 1).await;
    let outbox = {
        let heard = house.ear.0.lock().unwrap();
        assert_eq!(
            (&heard.watched[0].subscription, heard.watched[0].is_asked),
            (&Subscription::default(), false)
        );
        Arc::clone(&heard.watched[0].outbox)
    };
    outbox.post(&text("hello"));
    assert_eq!(next(&mut socket).await.to_text().unwrap(), "hello");
}

#[actix_web::test]
async fn what_was_missed_is_asked_for_in_the_first_subscription_of_a_connection_only() {
    let house = House::open(10).await;
    let mut socket = house.socket().await;
    for _ in 0..2 {
        say(&mut socket, r#"{"op":"subscribe","feeds":["alerts"],"since":"e:17"}"#).await;
        assert_eq!(frame(&mut socket).await["event"], "subscribed");
    }
    let heard = house.ear.0.lock().unwrap();
    let since = |n: usize| heard.watched[n].since.as_ref().map(ToString::to_string).unwrap();
    assert_eq!([since(1), since(2)], ["e:17", ":0"], "the second can only be a fresh start");
}

#[actix_web::test]
async fn the_first_subscription_replaces_the_default_and_later_ones_add() {
    let house = House::open(10).await;
    let mut socket = house.socket().await;
    say(&mut socket, r#"{"op":"subscribe","feeds":["system"],"filter":{"city":"Oslo"},"since":"e:1"}"#).await;
    let answer = frame(&mut socket).await;
    assert_eq!((&answer["event"], &answer["data"]["recovered"]), (&"subscribed".into(), &false.into()));
    assert_eq!(answer["data"]["feeds"], serde_json::json!(["system"]));
    say(&mut socket, r#"{"op":"subscribe","feeds":["alerts"]}"#).await;
    let answer = frame(&mut socket).await;
    assert_eq!(answer["data"]["feeds"], serde_json::json!(["alerts", "system"]));
    assert_eq!(answer["data"]["filter"]["city"], "Oslo");
    say(&mut socket, r#"{"op":"unsubscribe","feeds":["system"]}"#).await;
    assert_eq!(frame(&mut socket).await["data"]["feeds"], serde_json::json!(["alerts"]));
    house.until("three wishes follow the beginning", |heard| heard.watched.len() == 4).await;
    let heard = house.ear.0.lock().unwrap();
    let feeds = heard.watched[3].subscription.feeds;
    assert!(feeds.contains(Feed::Alerts) && !feeds.contains(Feed::System));
}

#[actix_web::test]
async fn a_mistake_is_answered_and_the_socket_stays() {
    let house = House::open(10).await;
    let mut socket = house.socket().await;
    say(&mut socket, r#"{"op":"subscribe","feeds":["weather"]}"#).await;
    let answer = frame(&mut socket).await;
    assert_eq!((&answer["event"], &answer["data"]["code"]), (&"error".into(), &"unknown_feed".into()));
    say(&mut socket, r#"{"op":"ping"}"#).await;
    assert_eq!(frame(&mut socket).await["event"], "pong");
}

#[actix_web::test]
async fn too_long_binary_and_too_frequent_messages_end_the_socket_with_their_code() {
    let house = House::open(10).await;
    let mut socket = house.socket().await;
    say(&mut socket, &"x".repeat(MESSAGE_BYTES_MAX + 1)).await;
    assert_eq!(close_code(&mut socket).await, close_codes::TOO_BIG);
    let mut socket = house.socket().await;
    socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(close_code(&mut socket).await, close_codes::UNSUPPORTED);
    let mut socket = house.socket().await;
    for _ in 0..=2 * rate_limit::BURST {
        // The server may have hung up already.
        let _ = socket.send(Message::text(r#"{"op":"ping"}"#)).await;
    }
    assert_eq!(close_code(&mut socket).await, close_codes::TOO_MANY_OPERATIONS);
}

#[actix_web::test]
async fn one_socket_more_than_allowed_is_refused_until_another_leaves() {
    let house = House::open(1).await;
    let mut first = house.socket().await;
    let refused = tokio_tungstenite::connect_async(&house.url).await;
    assert!(refused.is_err());
    assert_eq!(house.sockets.n_open(), 1);
    first.close(None).await.unwrap();
    house.until("the first session leaves", |heard| heard.disconnected.len() == 1).await;
    house.until_n_open(0).await;
    house.socket().await;
}

#[actix_web::test]
async fn a_stopping_server_says_so_and_a_session_that_must_go_is_told_why() {
    let house = House::open(10).await;
    for (close_reason, code) in [
        (CloseReason::TryAgainLater, close_codes::TRY_AGAIN_LATER),
        (CloseReason::PositionLost, close_codes::POSITION_LOST),
        (CloseReason::TooSlow, close_codes::TOO_SLOW),
    ] {
        let mut forgotten = house.socket().await;
        let n_before = house.ear.0.lock().unwrap().watched.len();
        say(&mut forgotten, r#"{"op":"subscribe","feeds":["alerts"]}"#).await;
        house.until("a session begins", |heard| heard.watched.len() > n_before).await;
        house.ear.0.lock().unwrap().watched[n_before].outbox.close(close_reason);
        assert_eq!(close_code(&mut forgotten).await, code);
    }
    let mut socket = house.socket().await;
    house.sockets.close_all();
    assert_eq!(close_code(&mut socket).await, close_codes::GOING_AWAY);
    assert!(tokio_tungstenite::connect_async(&house.url).await.is_err());
}

#[actix_web::test]
async fn a_browser_that_shows_its_token_as_a_protocol_gets_that_protocol_back() {
    let house = House::open(10).await;
    let mut request = house.url.as_str().into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "bearer, s3cret".parse().unwrap());
    let (_, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "bearer");
}

/// A session whose peer never reads, and more for it than the kernel takes.
async fn jammed(house: &House) -> (Socket, Arc<Outbox>) {
    let mut unread = house.socket().await;
    say(&mut unread, r#"{"op":"subscribe","feeds":["messages"]}"#).await;
    let has_asked = |watch: &&Watch| watch.is_asked;
    house.until("a session begins", |heard| heard.watched.iter().any(|watch| watch.is_asked)).await;
    let outbox = Arc::clone(&house.ear.0.lock().unwrap().watched.iter().rfind(has_asked).unwrap().outbox);
    let frame = text(&"x".repeat(64 * 1024));
    let deadline = Instant::now() + Duration::from_secs(20);
    // Until nothing has been taken for a while.
    while outbox.stalled_for(Instant::now()) < Duration::from_millis(300) {
        outbox.post(&frame);
        assert!(Instant::now() < deadline, "it is never jammed");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(Arc::strong_count(&frame) < 600, "{} frames are held", Arc::strong_count(&frame));
    (unread, outbox)
}

/// The timers of a jammed session stand still, as in actix-web issue 2441: nothing in it can give up its place.
#[actix_web::test]
async fn a_jammed_socket_is_ended_from_outside_and_gives_its_place_back() {
    let house = House::with_patience(2, Duration::from_secs(1)).await;
    let mut reading = house.socket().await;
    let (_unread, _) = jammed(&house).await;
    assert_eq!(house.sockets.n_open(), 2);
    let deadline = Instant::now() + Duration::from_secs(10);
    while house.sockets.n_open() > 1 {
        assert!(Instant::now() < deadline, "the jammed socket holds its place");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    house.until("its session leaves", |heard| heard.disconnected.len() == 1).await;
    say(&mut reading, r#"{"op":"ping"}"#).await;
    assert_eq!(frame(&mut reading).await["event"], "pong", "whoever reads is not touched");
    house.socket().await;
}

#[actix_web::test]
async fn a_socket_that_reads_again_in_time_is_told_how_many_posts_it_missed() {
    let house = House::open(10).await;
    let (mut unread, outbox) = jammed(&house).await;
    let frame_of_little = text("x");
    (0..1_000).for_each(|_| outbox.post(&frame_of_little));
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
async fn frames_reach_a_slow_reader_whole_and_in_their_order() {
    let house = House::open(10).await;
    let mut slow = house.socket().await;
    say(&mut slow, r#"{"op":"subscribe","feeds":["messages"]}"#).await;
    assert_eq!(frame(&mut slow).await["event"], "subscribed");
    let outbox = Arc::clone(&house.ear.0.lock().unwrap().watched.last().unwrap().outbox);
    // Lengths with every form of head, and more in all than the kernel takes at once.
    let of_number = |n: usize| format!("{n}:{}", "y".repeat([0, 1, 110, 130, 4_000, 65_530, 70_000][n % 7]));
    for n in 0..400 {
        outbox.owe(text(&of_number(n)));
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

/// The codec refuses a message for its length only once it is there.
#[actix_web::test]
async fn a_message_that_never_ends_is_not_waited_for() {
    let house = House::open(10).await;
    let mut stream = house.stream().await;
    let head = [&[0x81, 0x80 | 127][..], &(1_u64 << 40).to_be_bytes(), &[0; 4]].concat();
    stream.write_all(&[HANDSHAKE, &head[..], &[b'x'; 2 * MESSAGE_BYTES_MAX]].concat()).await.unwrap();
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(5), reading).await.expect("it is waited for").unwrap();
    let code = close_codes::TOO_BIG.to_be_bytes();
    assert!(answer.windows(4).any(|bytes| bytes[0] == 0x88 && bytes[2..] == code), "{answer:?}");
}

#[actix_web::test]
async fn events_asked_for_with_an_upgrade_come_at_once_and_end_when_nobody_listens() {
    let house = House::open(10).await;
    let mut stream = house.stream().await;
    let request = "GET /events HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    until_it_says(&mut stream, "retry: ").await;
    house.until_n_open(1).await;
    drop(stream);
    house.until_n_open(0).await;
}

#[actix_web::test]
async fn events_of_a_stopping_server_end_with_its_code() {
    let house = House::open(10).await;
    let mut stream = house.stream().await;
    stream.write_all(b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    until_it_says(&mut stream, "retry: ").await;
    house.sockets.close_all();
    until_it_says(&mut stream, "\n: 1001 ").await;
    house.until_n_open(0).await;
}

#[actix_web::test]
async fn what_comes_together_with_the_handshake_is_heard() {
    let house = House::open(10).await;
    let mut stream = house.stream().await;
    // A text message under a mask of zeros.
    let ping = br#"{"op":"ping"}"#;
    let early = [HANDSHAKE, &[0x81, 0x80 | ping.len() as u8, 0, 0, 0, 0], ping].concat();
    stream.write_all(&early).await.unwrap();
    until_it_says(&mut stream, r#""event":"pong""#).await;
}

#[actix_web::test]
async fn whoever_asks_for_another_protocol_elsewhere_is_answered_and_hung_up_on() {
    let house = House::open(10).await;
    for (request, status) in [
        ("GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", "404"),
        ("CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n", "404"),
        ("GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", "503"),
        (std::str::from_utf8(HANDSHAKE).unwrap().replace("HTTP/1.1", "HTTP/1.0").as_str(), "503"),
    ] {
        let mut stream = house.stream().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let reading = stream.read_to_string(&mut answer);
        tokio::time::timeout(Duration::from_secs(5), reading).await.expect(request).unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(status), "{request}: {answer}");
    }
    assert_eq!(house.sockets.n_open(), 0);
}

/// A peer that answers pings and never takes what it is told last: neither its outbox nor its silence tells of it.
#[actix_web::test]
async fn whoever_is_to_go_and_does_not_take_its_last_words_is_overdue() {
    let (wire, outbox, _unread) = wire_to_a_peer().await;
    outbox.begin();
    // More than the kernel takes.
    outbox.owe(text(&"x".repeat(32 << 20)));
    let bell = std::task::Context::from_waker(std::task::Waker::noop());
    wire.pump(&bell);
    assert!(wire.n_unsent() > 0);
    assert_eq!(wire.overdue(), Duration::ZERO, "it may stay");
    let (wire, outbox, _unread) = wire_to_a_peer().await;
    outbox.begin();
    outbox.owe(text(&"x".repeat(32 << 20)));
    outbox.close(CloseReason::TooSlow);
    wire.pump(&bell);
    assert!(wire.overdue() > Duration::ZERO);
    assert_eq!(wire.take_close_reason(), None, "its last words come before the end");
}
