//! HTTP and WebSockets, as anybody uses them.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use groundswell::models::system_health::SystemHealth;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue, ORIGIN};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::PATIENCE;

/// A client of one server.
#[derive(Debug, Clone)]
pub struct Client {
    address: SocketAddr,
    http: reqwest::Client,
}

/// What a call was answered.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null when it is not JSON.
    pub body: Value,
}

impl Client {
    /// A client of the server that listens there.
    pub fn new(address: SocketAddr) -> Self {
        Self::with_headers(address, HeaderMap::new())
    }

    /// The same, of a server that requires this token.
    pub fn with_token(address: SocketAddr, token: &str) -> Self {
        let bearer = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
        Self::with_headers(address, HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
    }

    /// The same, of somebody who signed in with a browser.
    pub fn with_session(address: SocketAddr, cookie: &str) -> Self {
        let cookie = HeaderValue::try_from(format!("groundswell_session={cookie}")).unwrap();
        let origin = HeaderValue::try_from(format!("http://{address}")).unwrap();
        Self::with_headers(address, HeaderMap::from_iter([(COOKIE, cookie), (ORIGIN, origin)]))
    }

    fn with_headers(address: SocketAddr, headers: HeaderMap) -> Self {
        // A test of the program itself has no server in its own process that would have done so.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The server hangs up on connections that are idle for five seconds, and what is sent at that moment is lost.
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .default_headers(headers)
            .pool_idle_timeout(Duration::from_secs(2))
            .build()
            .unwrap();
        Self { address, http }
    }

    /// Asks. An error means that nobody answered.
    pub async fn try_get(&self, path: &str) -> Result<Answer, reqwest::Error> {
        answer(self.http.get(self.url(path)).send().await?).await
    }

    /// Asks, and must be answered 200.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.try_get(path).await.unwrap();
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.body);
        answer.body
    }

    /// Asks for a text, and must be answered 200.
    pub async fn text(&self, path: &str) -> String {
        let response = self.http.get(self.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 200, "GET {path}");
        response.text().await.unwrap()
    }

    /// Asks for a file, and must be answered 200.
    pub async fn bytes(&self, path: &str) -> Vec<u8> {
        let response = self.http.get(self.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 200, "GET {path}");
        response.bytes().await.unwrap().to_vec()
    }

    /// Sends JSON. An error means that nobody answered.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer, reqwest::Error> {
        answer(self.http.post(self.url(path)).json(body).send().await?).await
    }

    /// Sends a body with these headers, and must be answered.
    pub async fn post_raw(&self, path: &str, headers: &[(&str, String)], body: Vec<u8>) -> Answer {
        let mut request = self.http.post(self.url(path)).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        answer(request.send().await.unwrap()).await.unwrap()
    }

    /// Changes something in the name of a person, with any method.
    pub async fn act(&self, (method, path): (&str, &str), body: &Value, actor: &str) -> Answer {
        self.try_act((method, path), body, actor).await.unwrap()
    }

    /// The same. An error means that nobody answered.
    pub async fn try_act(
        &self,
        (method, path): (&str, &str),
        body: &Value,
        actor: &str,
    ) -> Result<Answer, reqwest::Error> {
        let request = self.http.request(method.parse().unwrap(), self.url(path));
        answer(request.header("x-groundswell-actor", actor).json(body).send().await?).await
    }

    /// Removes something. Answers the HTTP status.
    pub async fn delete(&self, path: &str) -> u16 {
        self.http.delete(self.url(path)).send().await.unwrap().status().as_u16()
    }

    /// Sends posts, all of which must be accepted.
    pub async fn publish(&self, posts: Vec<Value>) {
        let n_posts = posts.len();
        let answer = self.post("/api/v1/posts", &Value::Array(posts)).await.unwrap();
        assert_eq!((answer.status, answer.body), (202, json!({"accepted": n_posts, "rejected": []})));
    }

    /// How the pipeline says it is. `None` when nobody answers.
    pub async fn try_system(&self) -> Option<SystemHealth> {
        let answer = self.try_get("/api/v1/system").await.ok()?;
        serde_json::from_value(answer.body).ok()
    }

    /// How the pipeline says it is.
    pub async fn system(&self) -> SystemHealth {
        serde_json::from_value(self.get("/api/v1/system").await).unwrap()
    }

    /// Whether it is ready, and if not, what for. `None` when nobody answers.
    pub async fn readiness(&self) -> Option<Answer> {
        self.try_get("/readyz?verbose").await.ok()
    }

    /// Connects a live socket, which gets the default feeds.
    pub async fn socket(&self) -> Socket {
        let (stream, _) =
            tokio_tungstenite::connect_async(format!("ws://{}/ws", self.address)).await.unwrap();
        Socket { stream }
    }

    /// Connects a live socket with a bearer token.
    pub async fn socket_with_token(&self, token: &str) -> Socket {
        let mut request = format!("ws://{}/ws", self.address).into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        Socket { stream: tokio_tungstenite::connect_async(request).await.unwrap().0 }
    }

    /// Connects a live socket with the cookie of a session.
    pub async fn socket_with_session(&self, cookie: &str) -> Socket {
        let mut request = format!("ws://{}/ws", self.address).into_client_request().unwrap();
        request.headers_mut().insert("cookie", format!("groundswell_session={cookie}").parse().unwrap());
        Socket { stream: tokio_tungstenite::connect_async(request).await.unwrap().0 }
    }

    /// Connects a live socket with a ticket.
    pub async fn socket_with_ticket(&self, ticket: &str) -> Socket {
        let address = format!("ws://{}/ws?ticket={ticket}", self.address);
        Socket { stream: tokio_tungstenite::connect_async(address).await.unwrap().0 }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn answer(response: reqwest::Response) -> Result<Answer, reqwest::Error> {
    let status = response.status().as_u16();
    let body = response.bytes().await?;
    Ok(Answer { status, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
}

/// A live socket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl From<WebSocketStream<MaybeTlsStream<TcpStream>>> for Socket {
    fn from(stream: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        Self { stream }
    }
}

impl Socket {
    /// Asks for these feeds and waits until that is acknowledged.
    pub async fn subscribe(&mut self, feeds: &[&str]) {
        let wish = json!({"op": "subscribe", "feeds": feeds}).to_string();
        self.stream.send(Message::text(wish)).await.unwrap();
        self.next_of("subscribed").await;
    }

    /// Says something, sense or not.
    pub async fn say(&mut self, text: impl ToString) {
        self.stream.send(Message::text(text.to_string())).await.unwrap();
    }

    /// The next frame; the code when the server has closed the socket instead.
    pub async fn next(&mut self) -> Result<Value, u16> {
        // Over all that is received: a socket that only gets pings gets no frame.
        tokio::time::timeout(PATIENCE, self.receive()).await.expect("no frame came")
    }

    async fn receive(&mut self) -> Result<Value, u16> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(reason))) => return Err(reason.map_or(1005, |it| it.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }

    /// The next frame of this event, passing over others.
    pub async fn next_of(&mut self, event: &str) -> Value {
        loop {
            let frame = self.next().await.unwrap_or_else(|code| panic!("closed with {code}"));
            if frame["event"] == event {
                return frame;
            }
        }
    }

    /// Reads until the live window counts so many posts. Answers the window.
    pub async fn window_of(&mut self, n_posts: u64) -> Value {
        self.window_where(&format!("counts {n_posts}"), |live| live["overall"]["count"] == n_posts).await
    }

    /// Reads until the live window is like this. Answers the window.
    pub async fn window_where(&mut self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let reached = async {
            while last.is_null() || !is_so(&last) {
                last = self.next_of("metrics:update").await["data"].take();
            }
        };
        let outcome = tokio::time::timeout(PATIENCE, reached).await;
        assert!(outcome.is_ok(), "the window never {what}: {last}");
        last
    }

    /// Reads until the server closes the socket, and answers with which code.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}
