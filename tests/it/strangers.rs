//! What strangers send is counted, and does not fill the log.

use std::path::Path;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::process::Process;
use crate::support::{Client, Space, until};

const TOKEN: &str = "0123456789abcdef";

/// A credential that must not appear in the log.
const GUESS: &str = "a-wrong-guess-at-the-token";

const N_REQUESTS: usize = 200;

/// Lines of the log, of which more would be a flood. On a slow machine, more than one minute may pass.
const N_LINES_MAX: usize = 20;

/// Starts a server that writes its log to this file.
fn start(space: &Space, log: &Path) -> Process {
    let mut command = Process::command_on(space, &["--auth-token", TOKEN]);
    command.env("GROUNDSWELL_LOG", "info").stderr(std::fs::File::create(log).unwrap());
    Process::run(command)
}

/// Lines of the log that contain this text.
fn lines(log: &Path, text: &str) -> usize {
    std::fs::read_to_string(log).unwrap().lines().filter(|line| line.contains(text)).count()
}

#[tokio::test]
async fn malformed_requests_are_counted_and_do_not_fill_the_log() {
    let (space, folder) = (Space::new().await, tempfile::tempdir().unwrap());
    let log = folder.path().join("log");
    let mut server = start(&space, &log);
    let address = server.ready().await;
    for _ in 0..N_REQUESTS {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nno colon\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    }
    let client = Client::with_token(address, TOKEN);
    let counted = format!("groundswell_http_broken_requests_total{{why=\"malformed\"}} {N_REQUESTS}");
    until("all are counted", async || client.text("/metrics").await.contains(&counted)).await;
    until("the log says how many", async || lines(&log, "requests were broken") > 0).await;
    assert_eq!(lines(&log, "stream error"), 0);
    assert!(lines(&log, "requests were broken") <= N_LINES_MAX);
    server.kill().await;
}

#[tokio::test]
async fn refused_credentials_are_counted_and_logged_with_the_address_but_never_themselves() {
    let (space, folder) = (Space::new().await, tempfile::tempdir().unwrap());
    let log = folder.path().join("log");
    let mut server = start(&space, &log);
    let address = server.ready().await;
    let guesser = Client::with_token(address, GUESS);
    for _ in 0..N_REQUESTS {
        assert_eq!(guesser.try_get("/api/v1/posts").await.unwrap().status, 401);
    }
    let ticket = format!("/api/v1/events?ticket={GUESS}");
    assert_eq!(Client::new(address).try_get(&ticket).await.unwrap().status, 401);
    // A stranger who presents nothing has guessed nothing.
    assert_eq!(Client::new(address).try_get("/api/v1/posts").await.unwrap().status, 401);
    let client = Client::with_token(address, TOKEN);
    // Nor has a client that presents its secret, in the header or not; who presents a wrong one has.
    let wish = json!({"name": "Importer", "role": "viewer"});
    let made = client.post("/api/v1/clients", &wish).await.unwrap().body;
    let exchange = async |secret: &str| {
        let request = reqwest::Client::new().post(format!("http://{address}/api/v1/auth/token"));
        let request = request.basic_auth(made["id"].as_str().unwrap(), Some(secret));
        let form = request.header("content-type", "application/x-www-form-urlencoded");
        form.body("grant_type=client_credentials").send().await.unwrap().status().as_u16()
    };
    assert_eq!(exchange(made["client_secret"].as_str().unwrap()).await, 200);
    assert_eq!(exchange(GUESS).await, 401);
    let counted = format!("groundswell_http_refused_credentials_total {}", N_REQUESTS + 2);
    let metrics = client.text("/metrics").await;
    assert!(metrics.contains(&counted), "{metrics}");
    until("a line names the address", async || {
        let text = std::fs::read_to_string(&log).unwrap();
        text.lines().any(|line| line.contains("a credential was refused") && line.contains("127.0.0.1"))
    })
    .await;
    assert!(lines(&log, "a credential was refused") <= N_LINES_MAX);
    assert_eq!(lines(&log, GUESS), 0);
    server.kill().await;
}
