//! A session that is ended, an account that is disabled and a role that is taken away in one process end requests and live
//! connections in every other.

use std::time::Instant;

use groundswell::models::principal::Role;
use groundswell::store::accounts::users;
use jiff::Timestamp;
use reqwest::Response;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::people::Person;
use crate::support::{Client, PATIENCE, Space, TestApp, judge_in_soak, refusal_of, until};

/// What a person has open in one process.
struct Open {
    socket: crate::support::client::Socket,
    events: Response,
    client: Client,
}

impl Open {
    async fn new(app: &TestApp, person: &Person) -> Self {
        let client = Client::with_session(app.address, &person.cookie);
        until("the process lets the person in", async || {
            client.try_get("/api/v1/auth/me").await.is_ok_and(|answer| answer.body["identity"] == "user")
        })
        .await;
        let mut socket = app.socket_with_session(&person.cookie).await;
        socket.subscribe(&["alerts"]).await;
        let request =
            reqwest::Client::new().get(format!("http://{}/api/v1/events?feeds=alerts", app.address));
        let request = request.header("cookie", format!("groundswell_session={}", person.cookie));
        let events = request.send().await.unwrap();
        assert_eq!(events.status(), 200);
        Self { socket, events, client }
    }

    /// Waits until everything has ended, and returns the status of requests.
    async fn ended(mut self) -> u16 {
        assert_eq!(self.socket.close_code().await, 4401);
        let mut text = String::new();
        let reading = async {
            while let Some(chunk) = self.events.chunk().await.unwrap() {
                text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("the event stream does not end");
        assert!(text.contains(": 4401 "), "{text}");
        let mut status = 200;
        until("requests are refused", async || {
            status = self.client.try_get("/api/v1/dead-letters").await.unwrap().status;
            status != 200
        })
        .await;
        status
    }
}

#[tokio::test]
async fn what_ends_in_one_process_ends_in_the_other() {
    let space = Space::new().await;
    let (store, stream) = (space.store().await, space.stream().await);
    let mut one = TestApp::start_on(&space, &[]).await;
    let other = TestApp::start_on(&space, &[]).await;
    one.leaves_others = true;
    let admin = Person::new(&store, &stream, Role::Admin).await;
    let bystander = Open::new(&other, &admin).await;
    let acting = Client::with_session(one.address, &admin.cookie);
    until("the process lets the administrator in", async || {
        acting.try_get("/api/v1/auth/me").await.is_ok_and(|answer| answer.body["identity"] == "user")
    })
    .await;

    let signed_out = Person::new(&store, &stream, Role::Analyst).await;
    let open = Open::new(&other, &signed_out).await;
    let began_at = Instant::now();
    assert_eq!(acting.delete(&format!("/api/v1/sessions/{}", signed_out.session.id)).await, 204);
    assert_eq!(open.ended().await, 401);
    let session = began_at.elapsed();

    let disabled = Person::new(&store, &stream, Role::Analyst).await;
    let open = Open::new(&other, &disabled).await;
    let began_at = Instant::now();
    users::set_active(&store, disabled.user.id, false, Timestamp::now()).await.unwrap();
    assert_eq!(open.ended().await, 401);
    let account = began_at.elapsed();

    let demoted = Person::new(&store, &stream, Role::Analyst).await;
    let open = Open::new(&other, &demoted).await;
    let began_at = Instant::now();
    let demote = format!("UPDATE users SET rbac_roles = ARRAY['viewer'] WHERE id = '{}'", demoted.user.id);
    space.sql().await.batch_execute(&demote).await.unwrap();
    assert_eq!(open.ended().await, 403);
    let role = began_at.elapsed();

    let slowest = session.max(account).max(role);
    judge_in_soak(
        slowest.as_secs_f64() < 5.0,
        &format!(
            "a session ended after {session:.1?}, an account after {account:.1?}, a role after {role:.1?}"
        ),
    );
    // Nobody else is cut off.
    assert_eq!(bystander.client.try_get("/api/v1/dead-letters").await.unwrap().status, 200);
    let mut socket = bystander.socket;
    socket.say(json!({"op": "ping"})).await;
    assert_eq!(socket.next_of("pong").await["event"], "pong");
}

#[tokio::test]
async fn the_first_account_ends_what_was_open_to_everyone_in_every_process() {
    let space = Space::new().await;
    let (store, stream) = (space.store().await, space.stream().await);
    let mut one = TestApp::start_on(&space, &[]).await;
    let other = TestApp::start_on(&space, &[]).await;
    one.leaves_others = true;
    let mut sockets = [one.socket().await, other.socket().await];
    for socket in &mut sockets {
        socket.subscribe(&["alerts"]).await;
    }
    let code = stream.setup_code().show().await.unwrap();
    let body = json!({"code": code, "email": "ana@example.com", "password": "four unrelated words"});
    assert_eq!(one.post("/api/v1/auth/setup", &body).await.unwrap().status, 201);
    assert_eq!(one.try_get("/api/v1/system").await.unwrap().status, 401);
    for socket in &mut sockets {
        assert_eq!(socket.close_code().await, 4401);
    }
    for app in [&one, &other] {
        until("strangers are refused", async || {
            app.try_get("/api/v1/system").await.is_ok_and(|answer| answer.status == 401)
        })
        .await;
        assert_eq!(app.readiness().await.unwrap().status, 200);
    }
    assert_eq!(users::list(&store).await.unwrap().len(), 1);
}

/// Requests all posts in a session, and reads the beginning of the response.
async fn begin_export(app: &TestApp, cookie: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut line = socket.connect(app.address).await.unwrap();
    let request = format!(
        "GET /api/v1/posts/export?format=ndjson HTTP/1.1\r\nhost: {}\r\ncookie: groundswell_session={cookie}\r\n\r\n",
        app.address
    );
    line.write_all(request.as_bytes()).await.unwrap();
    let mut status_line = [0; 12];
    line.read_exact(&mut status_line).await.unwrap();
    assert_eq!(&status_line, b"HTTP/1.1 200");
    line
}

#[tokio::test]
async fn an_export_breaks_off_when_the_session_ends() {
    // More than the kernel buffers for a connection.
    const N_POSTS: usize = 6_000;
    const POST_BYTES: usize = 2_000;
    let app = TestApp::start().await;
    let text = "x".repeat(POST_BYTES);
    for first in (0..N_POSTS).step_by(1_000) {
        let of = |n: usize| json!({"id": n.to_string(), "platform": "web", "text": format!("{n} {text}")});
        app.publish((first..first + 1_000).map(of).collect()).await;
    }
    app.space.assert_counted_once(N_POSTS as u64).await;
    let (store, stream) = (app.space.store().await, app.space.stream().await);
    let person = Person::new(&store, &stream, Role::Viewer).await;
    let mut open = Open::new(&app, &person).await;
    let mut export = begin_export(&app, &person.cookie).await;
    stream.sessions().end(person.session.id).await.unwrap();
    // The sweep that ends the socket ends the export.
    assert_eq!(open.socket.close_code().await, 4401);
    let mut rest = Vec::new();
    let reading = tokio::time::timeout(PATIENCE, export.read_to_end(&mut rest)).await;
    let outcome = reading.expect("the export does not end");
    assert!(outcome.is_err() || rest.len() < N_POSTS * POST_BYTES, "{} bytes came", rest.len());
}

#[tokio::test]
async fn other_machines_reach_a_server_without_a_token_once_there_is_an_account() {
    let space = Space::new().await;
    let servers = ["--database-url", &space.database_url, "--redis-url", &space.redis_url];
    let everywhere = ["--prefix", &space.prefix, "--listen=0.0.0.0:0"];
    let refusal = refusal_of(&[&servers[..], &everywhere].concat());
    assert!(refusal.contains("create an account first"), "{refusal}");
    let (store, stream) = (space.store().await, space.stream().await);
    let person = Person::new(&store, &stream, Role::Viewer).await;
    let app = TestApp::start_on(&space, &["--listen=0.0.0.0:0"]).await;
    assert_eq!(app.try_get("/api/v1/system").await.unwrap().status, 401);
    let client = Client::with_session(app.address, &person.cookie);
    assert_eq!(client.try_get("/api/v1/system").await.unwrap().status, 200);
    // Even when the last account is gone, the server does not open.
    space.sql().await.batch_execute("UPDATE users SET archived_at = now()").await.unwrap();
    until("the person is refused", async || client.try_get("/api/v1/system").await.unwrap().status == 401)
        .await;
    until("the server knows that there are no accounts", async || {
        app.get("/api/v1/auth/state").await["setup_required"] == true
    })
    .await;
    assert_eq!(app.try_get("/api/v1/system").await.unwrap().status, 401);
}

#[tokio::test]
async fn a_ticket_is_worth_what_its_holder_may_do_when_it_is_redeemed() {
    let space = Space::new().await;
    let (store, stream) = (space.store().await, space.stream().await);
    let app = TestApp::start_on(&space, &[]).await;
    let person = Person::new(&store, &stream, Role::Analyst).await;
    let client = Client::with_session(app.address, &person.cookie);
    until("the process lets the person in", async || {
        client.try_get("/api/v1/auth/me").await.is_ok_and(|answer| answer.body["identity"] == "user")
    })
    .await;
    let ticket = async || {
        let answer = client.post("/api/v1/live/tickets", &json!({})).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["ticket"].as_str().unwrap().to_owned()
    };
    app.socket_with_ticket(&ticket().await).await.subscribe(&["alerts"]).await;
    let kept = ticket().await;
    stream.sessions().end(person.session.id).await.unwrap();
    // The process may remember for two seconds that the session lives; then the sweep ends what opened meanwhile.
    let address = format!("ws://{}/ws?ticket={kept}", app.address);
    if let Ok((opened, _)) = tokio_tungstenite::connect_async(address).await {
        assert_eq!(crate::support::client::Socket::from(opened).close_code().await, 4401);
    }
}
