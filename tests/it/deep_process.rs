//! The deep model runs in processes of its own, which may end at any moment and outlive nobody.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getsid};
use serde_json::Value;

use crate::support::process::{Process, is_running};
use crate::support::{Client, Space, post, until};

const OPTIONS: [&str; 3] = ["--deep-model=deep", "--latency-budget=15s", "--deep-threads=1"];

/// Every field of `/proc/<pid>/stat` after the name.
fn stat_of(pid: u32) -> Vec<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
    fields.split_whitespace().map(str::to_owned).collect()
}

/// The processes of the deep model that this server started.
fn readers_of(server: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let command = |pid: u32| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    pids.filter(|pid| stat_of(*pid).get(1) == Some(&server.to_string()))
        .filter(|pid| String::from_utf8_lossy(&command(*pid)).contains("read-deep"))
        .collect()
}

/// The process of the only thread.
fn only_reader_of(server: u32) -> u32 {
    let readers = readers_of(server);
    assert_eq!(readers.len(), 1, "one thread has one process: {readers:?}");
    readers[0]
}

async fn n_corrected(space: &Space) -> i64 {
    let sql = "SELECT count(*) FROM sentiment_analysis_history";
    space.sql().await.query_one(sql, &[]).await.unwrap().get(0)
}

fn undecided(numbers: std::ops::Range<usize>) -> Value {
    numbers.map(|n| post(n, &format!("not good, not bad, number {n} was only slow"))).collect()
}

#[tokio::test]
async fn the_deep_model_steps_back_from_everybody_and_is_started_anew_when_it_ends() {
    let space = Space::new().await;
    let mut server = Process::start_on(&space, &OPTIONS);
    let client = Client::new(server.ready().await);
    client.post("/api/v1/posts", &undecided(0..8)).await.unwrap();
    until("the deep model has read", async || n_corrected(&space).await == 8).await;

    let reader = only_reader_of(server.pid());
    let own_session = getsid(Some(Pid::from_raw(reader.cast_signed()))).unwrap();
    assert_eq!(own_session.as_raw().cast_unsigned(), reader, "it shares the session of the server");
    assert_eq!(stat_of(reader)[16], "19", "it competes with the server");

    kill(Pid::from_raw(reader.cast_signed()), Signal::SIGKILL).unwrap();
    until("it has ended", async || !is_running(reader)).await;
    client.post("/api/v1/posts", &undecided(8..16)).await.unwrap();
    until("its successor has read", async || n_corrected(&space).await == 16).await;
    space.assert_counted_once(16).await;
    space.assert_sums_exact().await;

    let reader = only_reader_of(server.pid());
    server.kill().await;
    until("the reader has ended with its server", async || !is_running(reader)).await;
}
