//! What every host promises, with a site that repeats what it is told.

use std::time::Duration;

use serde_json::{Value, json};

use super::plain::{http, send};
use super::{End, Fault, Reply, Request, Response, Site, WebHost};
use crate::support::{PATIENCE, until};

/// Has lines for everybody, and repeats bodies.
struct Echo {
    lines: Vec<String>,
    n_streams: u32,
}

impl Site for Echo {
    type Stream = usize;

    fn answer(&mut self, request: &Request) -> Reply<usize> {
        if request.path == "/lines" {
            self.n_streams += 1;
            return Reply::Lines(0, vec![("x-streams".to_owned(), self.n_streams.to_string())]);
        }
        let said = json!({"said": request.json(), "by": request.bearer(), "in": request.params("in")});
        Response::json(201, &said).into()
    }

    fn refusal(&self, _: &Request, status: u16, _: Option<u64>) -> Response {
        Response::text(status, "text/plain", "no")
    }

    fn next_message(&mut self, stream: &mut usize) -> Option<String> {
        *stream += 1;
        let line = self.lines.get(*stream - 1).cloned();
        *stream = (*stream).min(self.lines.len());
        line
    }

    fn ended(&mut self, _: &mut usize) {
        self.n_streams -= 1;
    }

    fn failure(&self) -> String {
        "failed".to_owned()
    }
}

async fn start(ping_every: Duration) -> WebHost<Echo> {
    let site = Echo { lines: Vec::new(), n_streams: 0 };
    WebHost::start(ping_every, |_| site).await
}

/// Reads lines until they end. Returns them, and whether they ended in good order.
async fn read(mut response: reqwest::Response) -> (String, bool) {
    let mut text = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) => text.extend(bytes),
            Ok(None) => return (String::from_utf8(text).unwrap(), true),
            Err(_) => return (String::from_utf8_lossy(&text).into_owned(), false),
        }
    }
}

#[tokio::test]
async fn requests_arrive_whole_on_connections_that_are_kept() {
    let host = start(Duration::from_secs(30)).await;
    let client = http();
    for n in 0..3 {
        let said = Value::String("é".repeat(100_000));
        let request = client.post(format!("{}/echo?in=a%20b&in=c", host.url())).bearer_auth(n).json(&said);
        let answer = send(request).await.unwrap();
        assert_eq!(answer.status, 201);
        assert_eq!(answer.json(), json!({"said": said, "by": n.to_string(), "in": ["a b", "c"]}));
    }
    assert_eq!((host.n_open(), host.requests().len()), (1, 3));
    let closing = client.get(host.url()).header("connection", "close");
    assert_eq!(send(closing).await.unwrap().json()["said"], Value::Null);
    drop(client);
    until("all are closed", async || host.n_open() == 0).await;
}

#[tokio::test]
async fn lines_come_in_chunks_with_their_faults() {
    let host = start(Duration::from_millis(20)).await;
    let url = format!("{}/lines", host.url());
    for (fault, expected, is_orderly) in [
        (Fault::Closes(2), "0\r\n1\r\n", true),
        (Fault::Fails(1), "0\r\nfailed\r\n", true),
        (Fault::BreaksInside(2), "0\r\n1\r\n2", false),
    ] {
        host.fault("/lines", fault);
        let response = http().get(&url).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["x-streams"]),
            (200, &"1".parse().unwrap())
        );
        host.change(|site| site.lines = vec!["0".to_owned(), "1".to_owned(), "2".to_owned()]);
        assert_eq!(read(response).await, (expected.to_owned(), is_orderly), "{fault:?}");
        until("it is noted", async || host.change(|site| site.n_streams) == 0).await;
    }
    let mut response = http().get(&url).send().await.unwrap();
    // An empty line keeps the connection alive.
    let mut text = String::new();
    while !text.contains("2\r\n\r\n") {
        let chunk = tokio::time::timeout(PATIENCE, response.chunk()).await.expect("nothing comes");
        text.push_str(std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap());
    }
    host.disconnect(End::Error);
    let (rest, is_orderly) = read(response).await;
    text.push_str(&rest);
    assert!(
        is_orderly && text.starts_with("0\r\n1\r\n2\r\n\r\n") && text.ends_with("\r\nfailed\r\n"),
        "{text}"
    );
}
