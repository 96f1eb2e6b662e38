//! `groundswell users`: accounts on the command line, in the database of a running server.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use groundswell::auth::audit::keys::AuditKeys;
use groundswell::auth::audit::verification::VerifierParams;
use groundswell::auth::audit::verify::verify;
use groundswell::keyring::Keyring;
use serde_json::{Value, json};

use crate::support::{Client, Space, TestApp};

const PASSWORD: &str = "four unrelated words";

/// Key of the servers that tests start.
const KEY: &str = "the key that all processes of a test share";

fn run(space: &Space, arguments: &[&str], input: &str) -> Output {
    run_with(Some(KEY), space, arguments, input)
}

fn run_with(key: Option<&str>, space: &Space, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_groundswell"));
    command.env_clear().env("GROUNDSWELL_CONFIG", "/dev/null").arg("users").args(arguments);
    command.env("DATABASE_URL", &space.database_url).env("REDIS_URL", &space.redis_url);
    command.env("GROUNDSWELL_PREFIX", &space.prefix).env("GROUNDSWELL_DATA_DIR", "/nonexistent");
    if let Some(key) = key {
        command.env("GROUNDSWELL_SECRET_KEY", key);
    }
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
    let viewer = ["create", "viewer@example.com", "--role", "viewer", "--password-stdin"];
    let locked_out = run(&space, &viewer, PASSWORD);
    assert!(String::from_utf8_lossy(&locked_out.stderr).contains("must be an admin"), "{locked_out:?}");
    let create = ["create", "Ana@example.com", "--role", "admin", "--name", "Ana", "--password-stdin"];
    let refused = run(&space, &create, "password1234\n");
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("the password is among"), "{refused:?}");
    let created = lines(&run(&space, &create, &format!("{PASSWORD}\n")));
    assert_eq!((&created[0]["email"], &created[0]["role"]), (&json!("ana@example.com"), &json!("admin")));
    assert!(!created[0].to_string().contains("argon2"), "{created:?}");
    assert!(!run(&space, &create, &format!("{PASSWORD}\n")).status.success(), "the address is taken");
    assert_eq!(lines(&run(&space, &["list"], "")), created);
    // Signing in closes open access at once.
    assert_eq!(sign_in(&client, PASSWORD).await, 200);
    assert_eq!(client.try_get("/api/v1/system").await.unwrap().status, 401);
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

#[tokio::test]
async fn changes_on_the_command_line_are_sealed_entries_of_the_audit_log() {
    let space = Space::new().await;
    let app = TestApp::start_on(&space, &[]).await;
    let create = |email| ["create", email, "--role", "admin", "--password-stdin"].map(str::to_owned);
    let made = |key: Option<&str>, email| {
        let arguments = create(email);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        run_with(key, &space, &arguments, PASSWORD)
    };
    // Without the key, there could be no entry, so nothing changes.
    let refused = made(None, "ana@example.com");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("GROUNDSWELL_SECRET_KEY"), "{said}");
    assert!(lines(&run_with(None, &space, &["list"], "")).is_empty());
    let ana = lines(&made(Some(KEY), "ana@example.com")).remove(0);
    lines(&made(Some(KEY), "root@example.com"));
    for change in [&["disable", "ana@example.com"][..], &["enable", "ana@example.com"]] {
        lines(&run(&space, change, ""));
    }
    lines(&run(&space, &["passwd", "ana@example.com", "--password-stdin"], "five other unrelated words"));
    // Nothing changed, so nothing is recorded.
    assert!(!made(Some(KEY), "ana@example.com").status.success());
    const ENTRIES: &str = "
        SELECT action, actor_kind, actor_name, payload -> 'after' ->> 'is_active', payload::text
        FROM audit_logs WHERE object = $1 ORDER BY created_at";
    let id = ana["id"].as_str().unwrap();
    let rows = space.sql().await.query(ENTRIES, &[&id]).await.unwrap();
    let found: Vec<(&str, &str, Option<&str>)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(3))).collect();
    let kind = "command_line";
    assert_eq!(
        found,
        [
            ("user_created", kind, Some("true")),
            ("user_changed", kind, Some("false")),
            ("user_changed", kind, Some("true")),
            ("password_changed", kind, None)
        ]
    );
    for row in &rows {
        let (who, details): (Option<&str>, &str) = (row.get(2), row.get(4));
        assert!(who.is_some_and(|who| !who.is_empty()), "who ran the command is not named");
        assert!(!details.contains("argon2") && !details.contains(PASSWORD), "{details}");
    }
    // The server chains them.
    drop(app);
    let store = space.store().await;
    let keys = vec![AuditKeys::new(&Keyring::from_secret(KEY))];
    let verdict = verify(&store, VerifierParams { keys, ..VerifierParams::default() }).await.unwrap();
    store.close();
    assert_eq!((verdict.findings.n_total(), verdict.n_waiting), (0, 0), "{:?}", verdict.findings);
    assert!(verdict.n_links >= 5, "{}", verdict.n_links);
}
