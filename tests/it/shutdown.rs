//! Told to stop, a server settles what it has begun, tells its sockets why they close, and leaves nothing behind.

use std::fs::{File, read_to_string};

use crate::support::process::{Process, is_running, servers_of};
use crate::support::servers::{open_folder, remove};
use crate::support::{Client, Load, Space, TestApp, posts, until};

const GOING_AWAY: u16 = 1001;

#[tokio::test]
async fn a_stop_under_load_settles_what_is_in_flight_and_a_successor_finds_the_rest() {
    let space = Space::new().await;
    let mut app = TestApp::start_on(&space, &["--batch-size=50"]).await;
    let mut socket = app.socket().await;
    for first in (0..10_000).step_by(1_000) {
        app.publish(posts(first..first + 1_000)).await;
    }
    until("some are stored", async || space.backlog().await.length < 10_000).await;
    app.ask_to_stop();
    assert_eq!(socket.close_code().await, GOING_AWAY);
    assert!(app.until_ended().await, "it ended as if a stage had failed");
    let left = space.backlog().await;
    assert_eq!(left.pending, 0, "batches in flight were not settled: {left:?}");
    let stored = groundswell::store::posts::record::counts(&space.store().await).await.unwrap();
    assert_eq!(stored.n_posts.cast_unsigned() + left.length, 10_000, "{stored:?}, {left:?}");

    let _successor = TestApp::start_on(&space, &[]).await;
    space.assert_counted_once(10_000).await;
}

#[tokio::test]
async fn a_stop_while_posts_cannot_be_stored_gives_up_in_time_and_loses_nothing() {
    let space = Space::new().await;
    let mut app = TestApp::start_on(&space, &[]).await;
    let sql = space.sql().await;
    sql.batch_execute("BEGIN; LOCK TABLE post_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
    app.publish(posts(0..300)).await;
    until("they are pending", async || space.backlog().await.pending == 300).await;
    app.ask_to_stop();
    assert!(app.until_ended().await);
    assert_eq!(space.backlog().await.pending, 300, "they stay pending, for whoever comes next");
    sql.batch_execute("ROLLBACK").await.unwrap();
    let _successor = TestApp::start_on(&space, &[]).await;
    space.assert_counted_once(300).await;
}

#[tokio::test]
async fn the_program_stops_its_private_servers_and_ends_with_success_when_terminated() {
    let folder = open_folder();
    let data_dir = folder.path().join("data");
    let options = ["--data-dir", data_dir.to_str().unwrap()];
    let mut server = Process::start(&options);
    let (_newest, address) = tokio::sync::watch::channel(server.ready().await);
    let client = Client::new(*address.borrow());
    let mut socket = client.socket().await;
    let load = Load::start(address);
    until("the load is accepted", async || load.n_accepted() > 500).await;
    let children = servers_of(&data_dir);
    assert!(children.iter().all(|pid| is_running(*pid)));
    assert_eq!(children.len(), 2);

    let pid = server.pid();
    server.terminate();
    assert_eq!(socket.close_code().await, GOING_AWAY);
    assert!(server.ended().await.success());
    assert!(!is_running(pid) && !children.iter().any(|pid| is_running(*pid)));
    assert!(!data_dir.join("run.json").exists(), "the note of a running server was left behind");

    let mut server = Process::start(&options);
    let address = server.ready().await;
    // The load has been trying all the time, at an address where nobody is.
    drop(load);
    let system = Client::new(address).system().await;
    assert_eq!((system.redis.reachable, system.postgres.reachable), (true, true));
    server.terminate();
    assert!(server.ended().await.success());
    remove(folder);
}

#[tokio::test]
async fn a_clean_stop_logs_no_warning() {
    let folder = open_folder();
    let (data_dir, log) = (folder.path().join("data"), folder.path().join("log"));
    let mut command = Process::command(&["--data-dir", data_dir.to_str().unwrap()]);
    command.env("GROUNDSWELL_LOG", "info").stderr(File::create(&log).unwrap());
    let mut server = Process::run(command);
    server.ready().await;
    server.terminate();
    assert!(server.ended().await.success());
    let log = read_to_string(log).unwrap();
    assert!(log.contains("stopped"), "{log}");
    let warnings: Vec<&str> =
        log.lines().filter(|line| ["WARN", "ERROR"].iter().any(|level| line.contains(level))).collect();
    assert!(warnings.is_empty(), "{warnings:#?}");
    remove(folder);
}
