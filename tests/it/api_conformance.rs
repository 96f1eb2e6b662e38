//! Conformance of the HTTP API to its OpenAPI document, checked with schemathesis: every call is tried with requests that
//! the document allows and with requests that it forbids, and without the token that the document says it requires.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::process::Process;
use crate::support::receivers::fetched;
use crate::support::{Client, Space, posts, seed};

/// Calls whose responses are endless or not HTTP; other tests cover them.
const ENDLESS: [&str; 2] = ["/ws", "/api/v1/events"];

const TOKEN: &str = "0123456789abcdef";

#[tokio::test]
async fn allowed_requests_get_documented_responses_and_forbidden_ones_are_rejected() {
    let space = Space::new().await;
    // Thousands of calls without a credential would only meet their quota.
    let mut server = Process::start_on(&space, &["--auth-token", TOKEN, "--rate-limits=false"]);
    let address = server.ready().await;
    let client = Client::with_token(address, TOKEN);
    client.publish(posts(0..2)).await;
    space.assert_counted_once(2).await;
    let listed = client.get("/api/v1/posts?limit=2").await;
    let [post, erasable] = [0, 1].map(|n| listed["items"][n]["post"]["uuid"].as_str().unwrap());

    // Reports need a channel that exists.
    let wish = json!({"name": "team", "kind": "email", "settings": {"to": ["someone@receiver.invalid"]}});
    let channel = client.post("/api/v1/notification-channels", &wish).await.unwrap().body["id"].clone();

    let ids = Ids { post, erasable, channel: channel.as_str().unwrap() };
    try_all(address, Some(TOKEN), &[], &ids).await;
    assert_eq!(client.readiness().await.unwrap().status, 200);
}

/// Callers who may do less get documented responses, too. The server does not break, however little they may do.
#[tokio::test]
async fn a_viewer_and_a_stranger_get_documented_responses_to_every_call() {
    let space = Space::new().await;
    let mut server = Process::start_on(&space, &["--auth-token", TOKEN, "--rate-limits=false"]);
    let address = server.ready().await;
    let client = Client::with_token(address, TOKEN);
    let (email, password) = ("viewer@example.com", "four unrelated words");
    for (email, role) in [("admin@example.com", "admin"), (email, "viewer")] {
        let wish = json!({"email": email, "password": password, "role": role});
        assert_eq!(client.post("/api/v1/users", &wish).await.unwrap().status, 201);
    }
    let wish = json!({"grant_type": "password", "username": email, "password": password});
    let issued = Client::new(address).post("/api/v1/auth/token", &wish).await.unwrap();
    let token = issued.body["access_token"].as_str().unwrap();

    // None of these exists.
    let id = "018f0000-0000-7000-8000-000000000000";
    let ids = Ids { post: id, erasable: id, channel: id };
    // Whether a request is accepted depends on the caller here; what the response may be does not.
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,\
        response_headers_conformance,response_schema_conformance";
    let options = ["--checks", checks, "--phases", "examples,fuzzing", "--max-examples", "5"];
    for token in [Some(token), None] {
        try_all(address, token, &options, &ids).await;
    }
    assert_eq!(client.readiness().await.unwrap().status, 200);
}

/// Ids for generated requests.
struct Ids<'a> {
    /// A stored post.
    post: &'a str,
    /// Another one, which may be erased.
    erasable: &'a str,
    /// An email channel.
    channel: &'a str,
}

/// Tries every call with generated requests, with a bearer token or without, and panics if a check fails.
async fn try_all(address: SocketAddr, token: Option<&str>, options: &[&str], ids: &Ids<'_>) {
    let program = fetched("schemathesis");
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schemathesis");
    // It writes files into its working directory.
    let folder = tempfile::tempdir().unwrap();
    // The document is for those who may read.
    let document = folder.path().join("openapi.json");
    let described = Client::with_token(address, TOKEN).get("/openapi.json").await;
    std::fs::write(&document, described.to_string()).unwrap();
    let mut schemathesis = Command::new("python3");
    schemathesis.args(["-m", "schemathesis.cli", "--no-color", "--config-file"]);
    schemathesis.arg(hooks.join("schemathesis.toml")).arg("run").arg(document);
    schemathesis.args(["--url", &format!("http://{address}/"), "--seed", &seed().to_string()]).args(options);
    if let Some(token) = token {
        schemathesis.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    for path in ENDLESS {
        schemathesis.args(["--exclude-path", path]);
    }
    schemathesis.current_dir(folder.path()).env("PYTHONDONTWRITEBYTECODE", "1");
    schemathesis.env("GROUNDSWELL_POST", ids.post).env("GROUNDSWELL_ERASABLE_POST", ids.erasable);
    schemathesis.env("GROUNDSWELL_EMAIL_CHANNEL", ids.channel);
    schemathesis.env("PYTHONPATH", std::env::join_paths([program, hooks]).unwrap());
    let tried = tokio::task::spawn_blocking(move || schemathesis.output().unwrap()).await.unwrap();
    let report = String::from_utf8_lossy(&tried.stdout);
    let complaints = String::from_utf8_lossy(&tried.stderr);
    assert!(tried.status.success(), "{report}\n{complaints}");
    assert!(report.contains("Tested: "), "nothing was tried: {report}\n{complaints}");
    println!("{}", report.lines().filter(|line| line.contains("generated")).collect::<String>());
}
