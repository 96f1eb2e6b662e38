//! `kill -9` of the server, its private servers and all, under load.

use std::time::{Duration, Instant};

use groundswell::embedded::RunInfo;
use rand::RngExt as _;
use tokio::sync::watch;

use crate::support::process::{Process, is_running, servers_of};
use crate::support::servers::{open_folder, remove};
use crate::support::{Load, Space, dice, in_soak, judge_in_soak, until};

/// Posts accepted in one life before it ends, at most; a few seconds' worth.
const POSTS_IN_A_LIFE_MAX: u64 = 3_000;

/// What is promised; on a machine that runs other tests meanwhile it is only printed.
const BACK_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_server_killed_again_and_again_under_load_loses_nothing_and_counts_nothing_twice() {
    let n_kills = in_soak(20, 4);
    let folder = open_folder();
    let data_dir = folder.path().join("data");
    let options = ["--data-dir", data_dir.to_str().unwrap()];
    let mut server = Process::start(&options);
    let (newest, address) = watch::channel(server.ready().await);
    let load = Load::start(address);
    let (mut slowest, mut dice) = (Duration::ZERO, dice(0));
    for n in 1..=n_kills {
        let enough = load.n_accepted() + dice.random_range(1..POSTS_IN_A_LIFE_MAX);
        until("the load is accepted", async || load.n_accepted() >= enough).await;
        let orphans = servers_of(&data_dir);
        server.kill().await;
        if n % 4 == 0 {
            // Its successor dies as soon as it listens, in the middle of taking over.
            let mut successor = Process::start(&options);
            successor.address().await;
            successor.kill().await;
        }
        let killed_at = Instant::now();
        server = Process::start(&options);
        newest.send(server.ready().await).unwrap();
        let away = killed_at.elapsed();
        println!("crash: kill {n} of {n_kills}: ready again after {:.1} s", away.as_secs_f64());
        slowest = slowest.max(away);
        assert!(!orphans.iter().any(|pid| is_running(*pid)), "servers of a dead process still run");
    }
    let n_sent = load.stop().await;
    let info = RunInfo::read(&data_dir).unwrap();
    let space = Space { database_url: info.postgres_url, redis_url: info.redis_url, prefix: info.prefix };
    space.assert_counted_once(n_sent).await;
    assert_eq!(space.backlog().await.dead, 0, "innocent posts are among the dead letters");
    let measured = format!("crash: {n_sent} posts over {n_kills} kills; back after {slowest:.1?} at most");
    judge_in_soak(slowest <= BACK_WITHIN, &measured);

    let children = servers_of(&data_dir);
    server.terminate();
    assert!(server.ended().await.success());
    assert!(!children.iter().any(|pid| is_running(*pid)), "private servers outlive the server");
    remove(folder);
}
