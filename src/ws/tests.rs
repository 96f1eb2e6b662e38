//! Real sockets against a stand-in for the broadcaster.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use actix::{Actor, Context, Handler};
use actix_web::{App, HttpServer};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::*;
use crate::actors::downstream::{Redirect, downstream};
use crate::actors::messages::{CloseSession, Deliver};
use crate::models::subscription::{Feed, Subscription};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What the sessions told their broadcaster.
#[derive(Default)]
struct Heard {
    connected: Vec<Connect>,
    watched: Vec<Subscription>,
    disconnected: Vec<SessionId>,
}

#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Heard>>);

impl Actor for Ear {
    type Context = Context<Self>;
}

macro_rules! hears {
    ($message:ident, $note:expr) => {
        impl Handler<$message> for Ear {
            type Result = ();
            fn handle(&mut self, message: $message, _: &mut Self::Context) {
                let note: fn(&mut Heard, $message) = $note;
                note(&mut self.0.lock().unwrap(), message);
            }
        }
    };
}

hears!(Connect, |heard, message| heard.connected.push(message));
hears!(Watch, |heard, message| heard.watched.push(message.subscription));
hears!(Disconnect, |heard, message| heard.disconnected.push(message.id));

/// A server with sockets, and what their sessions said to the broadcaster.
struct House {
    url: String,
    sockets: Sockets,
    ear: Ear,
    _redirects: (Redirect<Connect>, Redirect<Watch>, Redirect<Disconnect>),
}

impl House {
    async fn open(limit: u64) -> Self {
        let ear = Ear::default();
        let address = ear.clone().start();
        let (to_connect, connect) = downstream("broadcaster");
        let (to_watch, watch) = downstream("broadcaster");
        let (to_disconnect, disconnect) = downstream("broadcaster");
        to_connect.follow(Some(&address));
        to_watch.follow(Some(&address));
        to_disconnect.follow(Some(&address));
        let sockets = Sockets::new(SocketsParams { connect, watch, disconnect, limit });
        let shared = sockets.clone();
        let server = HttpServer::new(move || {
            let sockets = shared.clone();
            App::new().route(
                "/ws",
                web::get().to(move |request: HttpRequest, payload: web::Payload| {
                    let answer = sockets.open(&request, payload).unwrap_or_else(|refusal| {
                        HttpResponse::ServiceUnavailable().body(refusal.to_string())
                    });
                    std::future::ready(answer)
                }),
            )
        });
        let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let url = format!("ws://{}/ws", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self { url, sockets, ear, _redirects: (to_connect, to_watch, to_disconnect) }
    }

    async fn socket(&self) -> Socket {
        tokio_tungstenite::connect_async(&self.url).await.unwrap().0
    }

    async fn until(&self, what: &str, holds: impl Fn(&Heard) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(5);
        while !holds(&self.ear.0.lock().unwrap()) {
            assert!(Instant::now() < deadline, "it never happened that {what}");
            tokio::task::yield_now().await;
        }
    }
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

async fn close_code(socket: &mut Socket) -> u16 {
    loop {
        if let Message::Close(reason) = next(socket).await {
            return reason.unwrap().code.into();
        }
    }
}

#[actix_web::test]
async fn a_silent_client_is_connected_with_the_default_feeds_and_hears_what_is_delivered() {
    let house = House::open(10).await;
    let mut socket = house.socket().await;
    house.until("a session connects", |heard| heard.connected.len() == 1).await;
    let deliver = {
        let heard = house.ear.0.lock().unwrap();
        assert_eq!(heard.connected[0].subscription, Subscription::default());
        heard.connected[0].deliver.clone()
    };
    deliver.try_send(Deliver(Arc::from("hello"))).unwrap();
    assert_eq!(next(&mut socket).await.to_text().unwrap(), "hello");
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
    house.until("three wishes arrive", |heard| heard.watched.len() == 3).await;
    let heard = house.ear.0.lock().unwrap();
    assert!(heard.watched[2].feeds.contains(Feed::Alerts) && !heard.watched[2].feeds.contains(Feed::System));
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
    let deadline = Instant::now() + Duration::from_secs(5);
    while house.sockets.n_open() > 0 {
        assert!(Instant::now() < deadline, "the place was not given back");
        tokio::task::yield_now().await;
    }
    house.socket().await;
}

#[actix_web::test]
async fn a_stopping_server_says_so_and_a_forgetful_broadcaster_says_try_again() {
    let house = House::open(10).await;
    let mut forgotten = house.socket().await;
    house.until("a session connects", |heard| heard.connected.len() == 1).await;
    let close = house.ear.0.lock().unwrap().connected[0].close.clone();
    close.do_send(CloseSession);
    assert_eq!(close_code(&mut forgotten).await, close_codes::TRY_AGAIN_LATER);
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

#[actix_web::test]
async fn a_jammed_socket_fills_its_mailbox_and_nothing_else() {
    let house = House::open(10).await;
    let _unread = house.socket().await;
    house.until("a session connects", |heard| heard.connected.len() == 1).await;
    let deliver = house.ear.0.lock().unwrap().connected[0].deliver.clone();
    let frame: Arc<str> = Arc::from("x".repeat(64 * 1024));
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut n_taken = 0_usize;
    while deliver.try_send(Deliver(Arc::clone(&frame))).is_ok() {
        n_taken += 1;
        assert!(Instant::now() < deadline, "{n_taken} frames were taken and it still takes more");
        tokio::task::yield_now().await;
    }
    // The socket's own buffers in the kernel take a few megabytes; the mailbox holds the rest by reference.
    assert!(Arc::strong_count(&frame) < 600, "{} frames are held", Arc::strong_count(&frame));
}
