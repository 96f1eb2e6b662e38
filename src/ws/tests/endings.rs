//! Tests of connections that end because their principal lost access.

use super::*;
use crate::models::principal::Identity;

const OF_OPERATOR: fn(&Principal) -> bool = |principal| principal.identity == Identity::Operator;

impl TestServer {
    async fn socket_of_operator(&self) -> Socket {
        tokio_tungstenite::connect_async(format!("{}?as=operator", self.url)).await.unwrap().0
    }

    /// Opens an event stream of the operator and returns it with its outbox.
    async fn events_of_operator(&self) -> (TcpStream, Arc<Outbox>) {
        let mut stream = self.stream().await;
        stream.write_all(b"GET /events?as=operator HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        read_until(&mut stream, "retry: ").await;
        self.until("the event stream", |received| !received.watched.is_empty()).await;
        let received = self.broadcaster.0.lock().unwrap();
        (stream, Arc::clone(&received.watched.last().unwrap().outbox))
    }
}

#[actix_web::test]
async fn ended_sockets_get_their_code_and_those_of_others_stay_open() {
    let server = TestServer::open(10).await;
    let mut other = server.socket().await;
    let (mut silent, mut subscriber) = (server.socket_of_operator().await, server.socket_of_operator().await);
    send(&mut subscriber, r#"{"op":"subscribe","feeds":["alerts"]}"#).await;
    assert_eq!(frame(&mut subscriber).await["event"], "subscribed");
    server.until("three sessions and a subscription", |received| received.watched.len() == 4).await;
    let n_of_operator = {
        let received = server.broadcaster.0.lock().unwrap();
        received.watched.iter().filter(|watch| OF_OPERATOR(&watch.principal)).count()
    };
    assert_eq!(n_of_operator, 3, "the broadcaster knows whose sessions they are");

    server.sockets.end(OF_OPERATOR);
    for ended in [&mut silent, &mut subscriber] {
        assert_eq!(close_code(ended).await, close_codes::ACCESS_ENDED);
    }
    server.until("both sessions to end", |received| received.disconnected.len() == 2).await;
    server.until_n_open(1).await;
    send(&mut other, r#"{"op":"ping"}"#).await;
    assert_eq!(frame(&mut other).await["event"], "pong");
    // It is for authentication to refuse the principal from now on.
    let _again = server.socket_of_operator().await;
    server.until_n_open(2).await;
}

/// The session of such a peer does not run, so it cannot end itself.
#[actix_web::test]
async fn an_ended_socket_that_is_blocked_by_its_peer_is_aborted() {
    let server = TestServer::open(10).await;
    let mut other = server.socket().await;
    let mut unread = server.socket_of_operator().await;
    stall(&server, &mut unread).await;
    server.sockets.end(OF_OPERATOR);
    server.until_n_open(1).await;
    server.until("its session to end", |received| received.disconnected.len() == 1).await;
    send(&mut other, r#"{"op":"ping"}"#).await;
    assert_eq!(frame(&mut other).await["event"], "pong");
}

#[actix_web::test]
async fn an_ended_event_stream_ends_with_the_code_and_without_what_was_queued() {
    let server = TestServer::open(10).await;
    let (mut stream, outbox) = server.events_of_operator().await;
    // The stub broadcaster does not release the outbox of a stream before it has subscribed.
    outbox.begin();
    server.sockets.end(OF_OPERATOR);
    outbox.post(&text("too late"));
    let mut rest = String::new();
    let reading = stream.read_to_string(&mut rest);
    tokio::time::timeout(TIMEOUT, reading).await.expect("it stays open").unwrap();
    assert!(rest.contains(": 4401 ") && !rest.contains("too late"), "{rest}");
    server.until_n_open(0).await;
}

#[actix_web::test]
async fn an_ended_event_stream_that_is_blocked_by_its_peer_is_aborted() {
    let server = TestServer::open(10).await;
    let (_unread, outbox) = server.events_of_operator().await;
    // 128 MiB, several times what the kernel and the outbox hold together.
    let frame = text(&"x".repeat(64 * 1024));
    (0..2_000).for_each(|_| outbox.post(&frame));
    server.sockets.end(OF_OPERATOR);
    server.until_n_open(0).await;
    server.until("its session to end", |received| received.disconnected.len() == 1).await;
}
