//! Whom notifications are sent to, and who judges them: receivers that answer as told, a mail server and a verifier that
//! others wrote.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout};

use super::{PATIENCE, until};

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its headers, with names in lower case.
    pub headers: HashMap<String, String>,
    /// Its body as it was sent.
    pub body: String,
}

impl Received {
    /// The value of a header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What a receiver answers.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Further headers, each with its line end.
    pub headers: String,
    /// What is said with it.
    pub body: &'static str,
    /// How long it thinks.
    pub after: Duration,
}

impl Answer {
    /// At once, with nothing else.
    pub fn status(status: u16) -> Self {
        Self { status, headers: String::new(), body: "", after: Duration::ZERO }
    }
}

/// Takes requests and answers them in turn; the last answer stays.
pub struct Receiver {
    /// Where it listens.
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    /// Starts one that answers so.
    pub async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log), answers.clone()));
            }
        });
        Self { url, received }
    }

    /// One to whom everything is welcome.
    pub async fn content() -> Self {
        Self::start(vec![Answer::status(204)]).await
    }

    /// What has arrived so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until so many have arrived.
    pub async fn wait_for(&self, n: usize) -> Vec<Received> {
        until(&format!("{n} requests arrive"), async || self.received().len() >= n).await;
        self.received()
    }
}

async fn serve(stream: TcpStream, log: Arc<Mutex<Vec<Received>>>, answers: Vec<Answer>) {
    let mut stream = BufReader::new(stream);
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    if stream.read_exact(&mut body).await.is_err() {
        return;
    }
    let answer = {
        let mut log = log.lock().unwrap();
        log.push(Received { headers, body: String::from_utf8(body).unwrap_or_default() });
        answers[(log.len() - 1).min(answers.len() - 1)].clone()
    };
    tokio::time::sleep(answer.after).await;
    let text = format!(
        "HTTP/1.1 {} Status\r\ncontent-length: {}\r\nconnection: close\r\n{}\r\n{}",
        answer.status,
        answer.body.len(),
        answer.headers,
        answer.body
    );
    let _ = stream.write_all(text.as_bytes()).await;
}

/// Where Python finds what others wrote. Fetched when it is missing, as `make setup` does, for one test at a time.
pub fn fetched(folder: &str) -> PathBuf {
    static FETCHING: Mutex<()> = Mutex::new(());
    let _one = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let fetched = Command::new(root.join("scripts/fetch-verifiers.sh")).status().unwrap();
    assert!(fetched.success(), "scripts/fetch-verifiers.sh failed");
    root.join(".groundswell").join(folder)
}

/// Whether the reference verifier of Standard Webhooks, in Python, takes it for genuine.
pub fn is_genuine(secret: &str, received: &Received) -> bool {
    const PROGRAM: &str = "
import json, sys
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
it = json.load(sys.stdin)
try:
    Webhook(it['secret']).verify(it['body'], it['headers'])
    print('genuine')
except WebhookVerificationError:
    print('forged')
";
    let mut python = Command::new("python3");
    python.args(["-c", PROGRAM]).env("PYTHONPATH", fetched("verifiers"));
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let asked = json!({"secret": secret, "body": received.body, "headers": received.headers});
    serde_json::to_writer(child.stdin.take().unwrap(), &asked).unwrap();
    let output = child.wait_with_output().unwrap();
    match String::from_utf8_lossy(&output.stdout).trim() {
        "genuine" => true,
        "forged" => false,
        other => panic!("the verifier said `{other}`"),
    }
}

/// A mail server (aiosmtpd) that keeps nothing and tells everything.
pub struct MailServer {
    /// For `--smtp-url`.
    pub url: String,
    lines: tokio::io::Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl MailServer {
    /// Starts one on a port that it chooses, so that no other test can take the port before it.
    pub async fn start() -> Self {
        const PROGRAM: &str = "
import asyncio, sys
from aiosmtpd.handlers import Debugging
from aiosmtpd.smtp import SMTP
async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Debugging(sys.stdout), loop=loop), '127.0.0.1', 0)
    print(server.sockets[0].getsockname()[1])
    await server.serve_forever()
asyncio.run(serve())
";
        let mut command = tokio::process::Command::new("python3");
        command.args(["-u", "-c", PROGRAM]).env("PYTHONPATH", fetched("verifiers"));
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let port =
            listening.expect("the mail server does not listen").unwrap().expect("the mail server ended");
        Self { url: format!("smtp://127.0.0.1:{port}"), lines, _child: child }
    }

    /// Waits for the next mail, and answers it as it arrived.
    pub async fn next(&mut self) -> String {
        let whole = async {
            let mut mail = Vec::new();
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if line.contains("END MESSAGE") {
                    return mail.join("\n");
                }
                mail.push(line);
            }
            panic!("the mail server ended");
        };
        tokio::time::timeout(PATIENCE, whole).await.expect("no mail arrived")
    }
}
