//! `groundswell users`: accounts on the command line, in the database of a running server.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Client, Space, TestApp, until};

const PASSWORD: &str = "four unrelated words";

fn run(space: &Space, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_groundswell"));
    command.env_clear().env("GROUNDSWELL_CONFIG", "/dev/null").arg("users").args(arguments);
    command.env("DATABASE_URL", &space.database_url).env("REDIS_URL", &space.redis_url);
    command.env("GROUNDSWELL_PREFIX", &space.prefix);
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    // The command may refuse before it reads.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

async fn sign_in(client: &Client, password: &str) -> u16 {
    let body = json!({"email": "ana@example.com", "password": password});
    client.post("/api/v1/auth/login", &body).await.unwrap().status
}

#[tokio::test]
async fn accounts_are_created_listed_disabled_and_given_passwords() {
    let space = Space::new().await;
    let app = TestApp::start_on(&space, &[]).await;
    let client = Client::new(app.address);
    assert_eq!(client.try_get("/api/v1/system").await.unwrap().status, 200);
    let create = ["create", "Ana@example.com", "--role", "admin", "--name", "Ana", "--password-stdin"];
    let refused = run(&space, &create, "password1234\n");
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("the password is among"), "{refused:?}");
    let created = lines(&run(&space, &create, &format!("{PASSWORD}\n")));
    assert_eq!((&created[0]["email"], &created[0]["role"]), (&json!("ana@example.com"), &json!("admin")));
    assert!(!created[0].to_string().contains("argon2"), "{created:?}");
    assert!(!run(&space, &create, &format!("{PASSWORD}\n")).status.success(), "the address is taken");
    assert_eq!(lines(&run(&space, &["list"], "")), created);
    until("the server requires a credential", async || {
        client.try_get("/api/v1/system").await.unwrap().status == 401
    })
    .await;
    assert_eq!(sign_in(&client, PASSWORD).await, 200);
    let last = run(&space, &["disable", "ana@example.com"], "");
    assert!(String::from_utf8_lossy(&last.stderr).contains("is the last active admin"), "{last:?}");
    let other = ["create", "root@example.com", "--role", "admin", "--password-stdin"];
    lines(&run(&space, &other, &format!("{PASSWORD}\n")));
    let disabled = lines(&run(&space, &["disable", "ana@example.com"], ""));
    assert_eq!(disabled[0]["is_active"], false);
    assert_eq!(sign_in(&client, PASSWORD).await, 401);
    let enabled = lines(&run(&space, &["enable", "ana@example.com"], ""));
    assert_eq!(enabled[0]["is_active"], true);
    lines(&run(&space, &["passwd", "ana@example.com", "--password-stdin"], "five other unrelated words\n"));
    assert_eq!(sign_in(&client, PASSWORD).await, 401);
    assert_eq!(sign_in(&client, "five other unrelated words").await, 200);
    let missing = run(&space, &["disable", "bo@example.com"], "");
    assert!(String::from_utf8_lossy(&missing.stderr).contains("there is no account with `bo@example.com`"));
}
