//! Benchmark of the fan-out: CPU and latency per delivery, and memory per idle connection, compared with nchan and
//! socket.io.

pub mod subscribers; // the subscribers, in a separate process
mod subscriber_process; // control of that process
mod report; // medians and ratios
mod subject; // the compared systems
mod websocket_protocol; // the protocols of the systems

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use self::report::{Missing, Report, Run};
use self::subject::{Subject, SubjectParams, System, obstacle};
use self::subscriber_process::SubscriberProcess;
use self::websocket_protocol::Stamp;
use super::print;
use crate::app::open_files;

/// Default number of deliveries per second, whatever the number of subscribers: for example, twenty messages to each of
/// a thousand subscribers.
const DELIVERIES_PER_SECOND: usize = 20_000;

/// Number of open files that a process needs in addition to one per connection.
const FILES_BESIDES: u64 = 200;

/// How long a fresh system runs before the measurement: enough for one-off work to finish and connections to settle.
const SETTLE_DELAY: Duration = Duration::from_secs(2);

/// How long an idle system is measured.
const IDLE: Duration = Duration::from_secs(3);

/// Duration of a discarded load, during which every system compiles code and fills caches.
const WARM_UP: Duration = Duration::from_secs(2);

/// How long to wait for messages still in flight after the last one is sent: a hundred times as long as a delivery
/// takes.
const TRAILING_MESSAGES: Duration = Duration::from_secs(2);

/// Options for `bench fanout`.
#[derive(Debug, Clone, clap::Args)]
pub struct FanoutParams {
    /// Numbers of subscribers to measure with, one after another
    #[arg(long, value_delimiter = ',', default_value = "1000,5000,10000")]
    connections: Vec<usize>,
    /// Messages per second; by default, as many as add up to 20,000 deliveries per second
    #[arg(long)]
    rate: Option<u32>,
    /// Bytes per message; Groundswell's frame of a post is never shorter than 720 bytes
    #[arg(long, default_value_t = 200)]
    bytes: usize,
    /// Duration of each load, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Number of rounds; the systems take turns in each
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Systems to compare Groundswell with
    #[arg(long, value_enum, value_delimiter = ',', default_value = "nchan,socket-io")]
    peers: Vec<Peer>,
    /// Folder that holds the peers' files
    #[arg(long, default_value = "bench/peers")]
    peers_dir: PathBuf,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Systems to compare Groundswell with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Peer {
    /// nginx with the nchan module
    Nchan,
    /// socket.io on Node.js
    SocketIo,
    /// No other system
    None,
}

/// Measures the systems in turn and prints the results.
///
/// # Errors
/// If a system fails to start, or a connection breaks.
pub async fn run(params: FanoutParams) -> anyhow::Result<()> {
    let n_most = params.connections.iter().copied().max().unwrap_or(0);
    let files = open_files::raise_limit().unwrap_or(u64::MAX);
    let needed = u64::try_from(n_most)? + FILES_BESIDES;
    anyhow::ensure!(
        files >= needed,
        "the limit of open files is {files}, but {needed} are needed: see `ulimit -Hn`"
    );
    let subject_params =
        SubjectParams { peers_dir: params.peers_dir.clone(), n_connections: n_most, n_bytes: params.bytes };
    let mut systems = vec![System::Groundswell];
    let mut missing = Vec::new();
    for peer in &params.peers {
        let system = match peer {
            Peer::Nchan => System::Nchan,
            Peer::SocketIo => System::SocketIo,
            Peer::None => continue,
        };
        match obstacle(system, &subject_params) {
            None => systems.push(system),
            Some(why) => {
                eprintln!("skipping {}: {why}", system.name());
                missing.push(Missing { system, why });
            }
        }
    }
    let mut runs = Vec::new();
    for n_connections in &params.connections {
        for round in 0..params.rounds.max(1) {
            // The first system has the machine most to itself, so each round starts with another one.
            systems.rotate_left(usize::from(round > 0));
            for system in &systems {
                let load = Load::of(&params, *n_connections);
                let run = measure(*system, load, &subject_params).await?;
                eprintln!("{}", run.summary());
                runs.push(run);
            }
        }
    }
    let report = Report::of(&runs, missing);
    print(&report, &report.rows(), params.json)
}

#[derive(Debug, Clone, Copy)]
struct Load {
    n_connections: usize,
    per_second: u32,
    seconds: u64,
}

impl Load {
    fn of(params: &FanoutParams, n_connections: usize) -> Self {
        let bounded = u32::try_from(DELIVERIES_PER_SECOND / n_connections.max(1)).unwrap_or(u32::MAX).max(1);
        Self { n_connections, per_second: params.rate.unwrap_or(bounded), seconds: params.seconds }
    }
}

/// Starts a system, measures it, and stops it.
async fn measure(system: System, load: Load, params: &SubjectParams) -> anyhow::Result<Run> {
    let subject = Subject::start(system, params).await?;
    sleep(SETTLE_DELAY).await;
    let resident_before = subject.resident_bytes();
    let mut subscribers = SubscriberProcess::connect(&subject.endpoint(), load.n_connections).await?;
    sleep(SETTLE_DELAY).await;
    let resident_bytes = subject.resident_bytes();
    let idle_before = subject.cpu_seconds();
    sleep(IDLE).await;
    let idle_cpu = subject.cpu_seconds() - idle_before;

    publish(&subject, Load { seconds: WARM_UP.as_secs(), ..load }).await?;
    sleep(TRAILING_MESSAGES).await;
    subscribers.count().await?;
    let before = (subject.cpu_seconds(), subject.broker_cpu_seconds(), subscribers.cpu_seconds());
    let n_sent = publish(&subject, load).await?;
    sleep(TRAILING_MESSAGES).await;
    let after = (subject.cpu_seconds(), subject.broker_cpu_seconds(), subscribers.cpu_seconds());
    let tally = subscribers.report().await?;
    subscribers.disconnect().await?;
    subject.stop().await?;

    let n_expected = n_sent * u64::try_from(load.n_connections)?;
    let per_delivery = |after: f64, before: f64| (after - before) * 1e6 / (tally.n_received.max(1) as f64);
    let gained = resident_bytes.saturating_sub(resident_before);
    Ok(Run {
        system,
        connections: load.n_connections,
        messages_per_second: load.per_second,
        cpu_us_per_delivery: per_delivery(after.0, before.0),
        broker_cpu_us_per_delivery: per_delivery(after.1, before.1),
        client_cpu_us_per_delivery: per_delivery(after.2, before.2),
        idle_cpu_ms_per_second: idle_cpu * 1e3 / IDLE.as_secs_f64(),
        resident_bytes_per_connection: gained as f64 / (load.n_connections.max(1) as f64),
        n_expected,
        tally,
    })
}

/// Publishes messages when they are due, and returns how many were published.
async fn publish(subject: &Subject, load: Load) -> anyhow::Result<u64> {
    let mut ticks = interval(Duration::from_secs(1) / load.per_second.max(1));
    // Sends a late message at once, because the load must not decrease if the system is slow.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let until = Instant::now() + Duration::from_secs(load.seconds);
    let mut number = 0;
    loop {
        let due = ticks.tick().await;
        if due >= until {
            return Ok(number);
        }
        subject.publish(Stamp { sent_at: subscribers::now_us(), number }).await?;
        number += 1;
    }
}
