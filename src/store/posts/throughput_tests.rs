//! Measures how fast batches are stored, and how much of the server's processor time that takes. Prints figures;
//! asserts only that nothing is lost.

use std::io::Read;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::record::{Counts, counts};
use crate::embedded::{Embedded, EmbeddedParams, RedisFsync};
use crate::models::post::ScoredPost;
use crate::store::testing::{self, record};

/// Number of posts, large enough to make a tenfold slowdown visible in the output. Use ten times as many for figures
/// worth quoting.
const N_POSTS: usize = 4_000;

fn texts() -> Vec<String> {
    let file = std::fs::File::open("data/mayweather-mcgregor_tweets.csv.gz").unwrap();
    let mut plain = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut plain).unwrap();
    csv::Reader::from_reader(plain.as_bytes()).records().map(|record| record.unwrap()[4].to_owned()).collect()
}

/// Returns the processor time that a process has used so far, or nothing if it has ended.
fn cpu(pid: u32) -> Duration {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return Duration::ZERO };
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn children(pid: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|child| {
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            stat.rsplit_once(')')
                .is_some_and(|(_, rest)| rest.split_whitespace().nth(1) == Some(&pid.to_string()))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_throughput_of_storing_batches_is_printed() {
    let texts = texts();
    let folder = testing::open_folder();
    let data_dir = folder.path().to_owned();
    let params = EmbeddedParams { data_dir, redis_fsync: RedisFsync::EverySec, durable: true };
    let embedded = Embedded::start(params).await.unwrap();
    let store = testing::connect(&embedded.endpoints().postgres_url).await;
    store.migrate().await.unwrap();
    let server = embedded.postgres_pid().unwrap();
    let start = Timestamp::now() - SignedDuration::from_secs(30);
    let mut total = 0;
    for (size, n_writers) in [(500, 1), (500, 2), (1_000, 2), (100, 2), (20, 2)] {
        let n_posts = if size < 100 { N_POSTS / 5 } else { N_POSTS };
        let batches: Vec<Vec<ScoredPost>> = (0..n_posts / size)
            .map(|b| {
                (0..size)
                    .map(|k| {
                        let n = total + b * size + k;
                        let mut scored = testing::post(n, start + SignedDuration::from_millis(n as i64 / 10));
                        scored.post.text = texts[n % texts.len()].clone();
                        scored.post.city = Some(format!("City {}", n % 20));
                        scored
                    })
                    .collect()
            })
            .collect();
        total += batches.len() * size;
        let before: Duration = children(server).into_iter().map(cpu).sum();
        let asked_at = Instant::now();
        let mut tasks = Vec::new();
        for writer in 0..n_writers {
            let store = store.clone();
            let mine: Vec<_> = batches.iter().skip(writer).step_by(n_writers).cloned().collect();
            tasks.push(tokio::spawn(async move {
                let mut times = Vec::new();
                for batch in &mine {
                    let asked_at = Instant::now();
                    assert_eq!(record(&store, batch).await.unwrap().inserted.len(), batch.len());
                    times.push(asked_at.elapsed());
                }
                times
            }));
        }
        let mut times: Vec<Duration> = Vec::new();
        for task in tasks {
            times.extend(task.await.unwrap());
        }
        let took = asked_at.elapsed();
        let after: Duration = children(server).into_iter().map(cpu).sum();
        times.sort();
        println!(
            "{n_writers} writers, batches of {size}: {:.0} posts/s, server cpu {:.0} us/post, p50 {:?} p99 {:?} max {:?}",
            n_posts as f64 / took.as_secs_f64(),
            after.saturating_sub(before).as_secs_f64() * 1e6 / n_posts as f64,
            times[times.len() / 2],
            times[times.len() * 99 / 100],
            times[times.len() - 1],
        );
    }
    let n = total as i64;
    assert_eq!(counts(&store).await.unwrap(), Counts { n_posts: n, n_rolled_up: n, n_keys: n });
    embedded.stop().await.unwrap();
}
