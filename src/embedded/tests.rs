//! Both private servers, started for real. The tests query them with minimal clients, because this module uses nothing
//! else from the crate.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};
use tokio_postgres::NoTls;

use super::*;

/// Timeout for every step, far longer than any step takes even on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Name of the file that marks the folder of a re-executed test; see [`serve_until_killed`].
const MARK: &str = "groundswell-embedded-test";

/// Secret in the server's environment, which the private servers must not inherit.
const SECRET: &str = "the secret of the server";

fn params(data_dir: &Path) -> EmbeddedParams {
    EmbeddedParams { data_dir: data_dir.to_owned(), redis_fsync: RedisFsync::Always, durable: false }
}

/// Returns a folder that PostgreSQL's user can reach.
fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

async fn query_postgres(embedded: &Embedded, statement: &str) -> Option<String> {
    let url = &embedded.endpoints().postgres_url;
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let rows = client.simple_query(statement).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    rows.iter().find_map(|row| match row {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    })
}

/// Sends a command and returns the first line of the response, or the second line if the response is a string.
fn send_redis(embedded: &Embedded, command: &str) -> String {
    let path = embedded.endpoints().redis_url.strip_prefix("redis+unix://").unwrap();
    let mut socket = UnixStream::connect(path).unwrap();
    writeln!(socket, "{command}\r").unwrap();
    let mut lines = BufReader::new(socket).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    if first.starts_with('$') { lines.next().unwrap() } else { first }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !holds() {
        assert!(Instant::now() < deadline, "timed out waiting until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn exists(pid: u32) -> bool {
    // A zombie has ended; collecting its status is not this test's concern.
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.cast_signed()), signal).unwrap();
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_stop_and_a_start() {
    let folder = open_folder();
    let embedded = Embedded::start(params(folder.path())).await.unwrap();
    let first_endpoints = embedded.endpoints().clone();
    query_postgres(&embedded, "CREATE TABLE kept AS SELECT 'in postgresql' AS place").await;
    assert_eq!(send_redis(&embedded, "SET kept in-redis"), "+OK");
    let pids = [embedded.postgres_pid().unwrap(), embedded.redis_pid().unwrap()];
    embedded.stop().await.unwrap();
    assert!(!pids.into_iter().any(exists));

    let embedded = Embedded::start(params(folder.path())).await.unwrap();
    assert_eq!(*embedded.endpoints(), first_endpoints);
    assert_eq!(query_postgres(&embedded, "SELECT place FROM kept").await.as_deref(), Some("in postgresql"));
    assert_eq!(send_redis(&embedded, "GET kept"), "in-redis");
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn what_was_promised_of_the_servers_is_set() {
    let folder = open_folder();
    let durable = EmbeddedParams { durable: true, ..params(folder.path()) };
    let embedded = Embedded::start(durable).await.unwrap();
    for (setting, value) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("server_encoding", "UTF8"),
        ("lc_collate", "C.UTF-8"),
        ("TimeZone", "UTC"),
        ("listen_addresses", ""),
        ("jit", "off"),
    ] {
        let found = query_postgres(&embedded, &format!("SELECT current_setting('{setting}')")).await;
        assert_eq!(found.as_deref(), Some(value), "{setting}");
    }
    for (setting, value) in
        [("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "noeviction"), ("save", "")]
    {
        let path = embedded.endpoints().redis_url.strip_prefix("redis+unix://").unwrap();
        let mut socket = UnixStream::connect(path).unwrap();
        writeln!(socket, "CONFIG GET {setting}\r").unwrap();
        let found = BufReader::new(socket).lines().nth(4).unwrap().unwrap();
        assert_eq!(found, value, "{setting}");
    }
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_killed_is_started_again_on_the_same_endpoint_with_its_data() {
    let folder = open_folder();
    let embedded = Embedded::start(params(folder.path())).await.unwrap();
    query_postgres(&embedded, "CREATE TABLE kept AS SELECT 1 AS one").await;
    send_redis(&embedded, "SET kept 1");
    let (postgres, redis) = (embedded.postgres_pid().unwrap(), embedded.redis_pid().unwrap());
    signal(postgres, Signal::SIGKILL);
    signal(redis, Signal::SIGKILL);
    until("both are running again", || {
        embedded.postgres_pid().is_some_and(|pid| pid != postgres)
            && embedded.redis_pid().is_some_and(|pid| pid != redis)
    })
    .await;
    assert_eq!(query_postgres(&embedded, "SELECT one FROM kept").await.as_deref(), Some("1"));
    assert_eq!(send_redis(&embedded, "GET kept"), "1");
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_was_stopped_on_purpose_stays_stopped_until_it_is_started() {
    let folder = open_folder();
    let embedded = Embedded::start(params(folder.path())).await.unwrap();
    embedded.stop_redis().await.unwrap();
    embedded.stop_postgres().await.unwrap();
    let socket = embedded.endpoints().redis_url.strip_prefix("redis+unix://").unwrap().to_owned();
    // Longer than the supervisor's first restart delay; the supervisor must not restart the servers.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(UnixStream::connect(&socket).is_err());
    assert_eq!((embedded.postgres_pid(), embedded.redis_pid()), (None, None));
    embedded.start_postgres().await.unwrap();
    embedded.start_redis().await.unwrap();
    embedded.restart_redis().await.unwrap();
    assert_eq!(send_redis(&embedded, "PING"), "+PONG");
    assert_eq!(query_postgres(&embedded, "SELECT 2").await.as_deref(), Some("2"));
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_start_on_the_same_data_directory_is_refused() {
    let folder = open_folder();
    let embedded = Embedded::start(params(folder.path())).await.unwrap();
    let Err(EmbeddedError::Locked { pid, .. }) = Embedded::start(params(folder.path())).await else {
        panic!("two servers shared a data directory");
    };
    assert_eq!(pid, std::process::id().to_string());
    assert_eq!(send_redis(&embedded, "PING"), "+PONG");
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_start_is_an_error_with_its_last_words_and_leaves_nothing_running() {
    let folder = open_folder();
    Embedded::start(params(folder.path())).await.unwrap().stop().await.unwrap();
    let home = Paths::prepare(&folder.path().canonicalize().unwrap()).unwrap().postgres;
    std::fs::write(home.join("local.conf"), "max_connections = 'many'\n").unwrap();
    let Err(error) = Embedded::start(params(folder.path())).await else {
        panic!("a broken setting was ignored");
    };
    assert!(error.to_string().contains("max_connections"), "{error}");
    std::fs::remove_file(home.join("local.conf")).unwrap();
    Embedded::start(params(folder.path())).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn a_data_directory_that_others_cannot_reach_works_as_well() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let data_dir = folder.path().join("data");
    check_elsewhere(&data_dir).await;
    // If the test runs as root, the database must be where PostgreSQL's user can reach it.
    assert_eq!(data_dir.join("postgres").exists(), !geteuid().is_root());
}

#[tokio::test]
async fn a_data_directory_with_a_long_and_odd_path_works_as_well() {
    let folder = open_folder();
    let data_dir = folder.path().join("it's a \"long\" päth").join("x".repeat(120));
    check_elsewhere(&data_dir).await;
}

/// Starts the servers, stores something, starts them again, and removes the files outside `data_dir`.
async fn check_elsewhere(data_dir: &Path) {
    let embedded = Embedded::start(params(data_dir)).await.unwrap();
    query_postgres(&embedded, "CREATE TABLE kept AS SELECT 3 AS three").await;
    send_redis(&embedded, "SET kept 3");
    embedded.stop().await.unwrap();
    let embedded = Embedded::start(params(data_dir)).await.unwrap();
    assert_eq!(query_postgres(&embedded, "SELECT three FROM kept").await.as_deref(), Some("3"));
    assert_eq!(send_redis(&embedded, "GET kept"), "3");
    embedded.stop().await.unwrap();
    paths::remove_outside(&data_dir.canonicalize().unwrap());
}

#[tokio::test]
async fn the_servers_end_when_their_parent_is_killed_and_the_next_start_finds_everything() {
    let folder = open_folder();
    for round in 0..2 {
        let (mut parent, pids) = start_in_another_process(folder.path());
        parent.kill().unwrap();
        parent.wait().unwrap();
        if round == 0 {
            until("the orphans have ended", || !pids.iter().copied().any(exists)).await;
        }
        // In the second round, this start overlaps with the previous servers' shutdown.
        let embedded = Embedded::start(params(&data_dir_in(folder.path()))).await.unwrap();
        assert_eq!(send_redis(&embedded, "GET from-child"), "here");
        assert_eq!(query_postgres(&embedded, "SELECT max(n) FROM from_child").await.as_deref(), Some("7"));
        embedded.stop().await.unwrap();
    }
}

#[tokio::test]
async fn the_environment_of_the_servers_holds_no_secret_of_ours() {
    let folder = open_folder();
    let (mut parent, pids) = start_in_another_process(folder.path());
    let environment = |pid: u32| {
        let variables = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
        String::from_utf8(variables).unwrap().split('\0').map(str::to_owned).collect::<Vec<_>>()
    };
    let (of_postgres, of_redis) = (environment(pids[0]), environment(pids[1]));
    let of_parent = environment(parent.id());
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(of_parent.iter().any(|variable| variable.ends_with(SECRET)), "the parent had no secret to leak");
    // Redis overwrites its environment with its title; PostgreSQL keeps it, which shows that this test can read it.
    assert!(of_postgres.iter().any(|variable| variable.starts_with("PATH=")), "{of_postgres:?}");
    let strays = ["GROUNDSWELL_", "CARGO", "PGOPTIONS", "HOME"];
    let is_stray = |variable: &&String| {
        variable.contains(SECRET) || strays.iter().any(|stray| variable.starts_with(stray))
    };
    let leaked: Vec<_> = of_postgres.iter().chain(&of_redis).filter(is_stray).collect();
    assert!(leaked.is_empty(), "children inherited {leaked:?}");
    until("the orphans have ended", || !pids.iter().copied().any(exists)).await;
}

#[tokio::test]
async fn leftovers_that_nothing_ended_are_stopped_cleanly_at_the_next_start() {
    let folder = open_folder();
    let embedded = Embedded::start(params(folder.path())).await.unwrap();
    send_redis(&embedded, "SET kept 4");
    let socket = embedded.endpoints().redis_url.strip_prefix("redis+unix://").unwrap().to_owned();
    embedded.stop().await.unwrap();
    // A Redis that is not a child of any server, as if it had outlived its parent.
    let settings = folder.path().join("redis/redis.conf");
    let mut orphan =
        Command::new(find_redis().unwrap().server).arg(settings).stdout(Stdio::null()).spawn().unwrap();
    until("the orphan listens", || UnixStream::connect(&socket).is_ok()).await;
    // A pid in the file that now belongs to another process.
    let cluster = Paths::prepare(&folder.path().canonicalize().unwrap()).unwrap().cluster;
    std::fs::write(cluster.join("postmaster.pid"), format!("{}\n", std::process::id())).unwrap();
    // The process disappears only once its status is collected.
    let reaper = std::thread::spawn(move || orphan.wait().unwrap());
    let embedded = Embedded::start(params(folder.path())).await.unwrap();
    assert!(reaper.join().unwrap().success(), "the orphan was not stopped cleanly");
    assert_eq!(send_redis(&embedded, "GET kept"), "4");
    embedded.stop().await.unwrap();
}

fn data_dir_in(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// Runs [`serve_until_killed`] alone, in a process that can be killed, with [`SECRET`] in its environment. Returns the
/// process and the process ids of its two servers.
fn start_in_another_process(folder: &Path) -> (std::process::Child, Vec<u32>) {
    std::fs::write(folder.join(MARK), "").unwrap();
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "embedded::tests::serve_until_killed", "--nocapture"])
        .current_dir(folder)
        .env("GROUNDSWELL_AUTH_TOKEN", SECRET)
        .env("GROUNDSWELL_SECRET_KEY", SECRET)
        .env("PGOPTIONS", "-c jit=on")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(parent.stdout.take().unwrap());
    let line = stdout.lines().map(Result::unwrap).find(|line| line.starts_with("pids ")).unwrap();
    (parent, line.split(' ').skip(1).map(|pid| pid.parse().unwrap()).collect())
}

/// The body of [`start_in_another_process`] rather than a test of its own. Does nothing without the mark.
#[tokio::test]
async fn serve_until_killed() {
    let here = std::env::current_dir().unwrap();
    if !here.join(MARK).exists() {
        return;
    }
    let embedded = Embedded::start(params(&data_dir_in(&here))).await.unwrap();
    send_redis(&embedded, "SET from-child here");
    query_postgres(&embedded, "CREATE TABLE IF NOT EXISTS from_child (n int)").await;
    query_postgres(&embedded, "INSERT INTO from_child VALUES (7)").await;
    // On a line of its own: on a single core, the test's name stands before what it prints.
    println!("\npids {} {}", embedded.postgres_pid().unwrap(), embedded.redis_pid().unwrap());
    std::future::pending::<()>().await;
}
