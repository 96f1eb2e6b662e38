//! Conformance of the HTTP API to its OpenAPI document, checked with schemathesis: every call is tried with requests that
//! the document allows and with requests that it forbids, and without the token that the document says it requires.

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

    let program = fetched("schemathesis");
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schemathesis");
    // It writes files into its working directory.
    let folder = tempfile::tempdir().unwrap();
    let mut schemathesis = Command::new("python3");
    schemathesis.args(["-m", "schemathesis.cli", "--no-color", "--config-file"]);
    schemathesis
        .arg(hooks.join("schemathesis.toml"))
        .arg("run")
        .arg(format!("http://{address}/openapi.json"));
    schemathesis.args(["--seed", &seed().to_string(), "--header", &format!("Authorization: Bearer {TOKEN}")]);
    for path in ENDLESS {
        schemathesis.args(["--exclude-path", path]);
    }
    schemathesis.current_dir(folder.path()).env("GROUNDSWELL_POST", post).env("PYTHONDONTWRITEBYTECODE", "1");
    schemathesis.env("GROUNDSWELL_ERASABLE_POST", erasable);
    schemathesis.env("GROUNDSWELL_EMAIL_CHANNEL", channel.as_str().unwrap());
    schemathesis.env("PYTHONPATH", std::env::join_paths([program, hooks]).unwrap());
    let tried = tokio::task::spawn_blocking(move || schemathesis.output().unwrap()).await.unwrap();
    let report = String::from_utf8_lossy(&tried.stdout);
    let complaints = String::from_utf8_lossy(&tried.stderr);
    assert!(tried.status.success(), "{report}\n{complaints}");
    assert!(report.contains("Tested: "), "nothing was tried: {report}\n{complaints}");
    println!("{}", report.lines().filter(|line| line.contains("generated")).collect::<String>());
    assert_eq!(client.readiness().await.unwrap().status, 200);
}
