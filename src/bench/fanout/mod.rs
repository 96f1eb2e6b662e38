//! What a delivery costs, how long it takes and what an idle connection weighs; the same load on nchan and socket.io.

pub mod client; // the subscribers, in a process of their own
mod crowd; // the subscribers, as the bench commands them
mod report; // medians and ratios
mod subject; // the systems that are compared
mod wire; // what each system's clients say and hear

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use self::crowd::Crowd;
use self::report::{Missing, Report, Run};
use self::subject::{Subject, SubjectParams, System, obstacle};
use self::wire::Stamp;
use super::print;
use crate::app::open_files;

/// Deliveries a second at every size: a thousand subscribers with the usual twenty messages.
const DELIVERIES_PER_SECOND: usize = 20_000;

/// Files a process needs besides one for each connection.
const FILES_BESIDES: u64 = 200;

/// Until a fresh system has done what it does once, and until connections have settled.
const SETTLING: Duration = Duration::from_secs(2);

/// How long an idle system is watched.
const IDLE: Duration = Duration::from_secs(3);

/// A load whose figures are thrown away, so that every system has compiled and cached what it will.
const WARM_UP: Duration = Duration::from_secs(2);

/// After the last message, until nothing more can come: a hundred times what a delivery takes.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct FanoutParams {
    /// How many subscribers, one size after the other
    #[arg(long, value_delimiter = ',', default_value = "1000,5000,10000")]
    connections: Vec<usize>,
    /// Messages a second; by default as many as make 20,000 deliveries a second
    #[arg(long)]
    rate: Option<u32>,
    /// Bytes of a message; the frame of a post is never shorter than 720
    #[arg(long, default_value_t = 200)]
    bytes: usize,
    /// How long a load lasts
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How often everything is measured, the systems by turns
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// What to compare with
    #[arg(long, value_enum, value_delimiter = ',', default_value = "nchan,socket-io")]
    peers: Vec<Peer>,
    /// Where the peers' files are
    #[arg(long, default_value = "bench/peers")]
    peers_dir: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Peer {
    /// nginx with the module nchan
    Nchan,
    /// socket.io on Node.js
    SocketIo,
    /// Nothing
    None,
}

/// Measures and prints.
///
/// # Errors
/// When a system does not start, or a connection breaks.
pub async fn run(params: FanoutParams) -> anyhow::Result<()> {
    let n_most = params.connections.iter().copied().max().unwrap_or(0);
    let files = open_files::raise_limit().unwrap_or(u64::MAX);
    let needed = u64::try_from(n_most)? + FILES_BESIDES;
    anyhow::ensure!(
        files >= needed,
        "a process may have {files} files open and needs {needed}: see `ulimit -Hn`"
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
                eprintln!("not compared with {}: {why}", system.name());
                missing.push(Missing { system, why });
            }
        }
    }
    let mut runs = Vec::new();
    for n_connections in &params.connections {
        for round in 0..params.rounds.max(1) {
            // Whoever is first has the emptiest machine, so each is first in its turn.
            systems.rotate_left(usize::from(round > 0));
            for system in &systems {
                let load = Load::of(&params, *n_connections);
                let run = measure(*system, load, &subject_params).await?;
                eprintln!("{}", run.in_words());
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

/// One system, fresh, from its start to its end.
async fn measure(system: System, load: Load, params: &SubjectParams) -> anyhow::Result<Run> {
    let subject = Subject::start(system, params).await?;
    sleep(SETTLING).await;
    let resident_before = subject.resident_bytes();
    let mut crowd = Crowd::gather(&subject.door(), load.n_connections).await?;
    sleep(SETTLING).await;
    let resident_bytes = subject.resident_bytes();
    let idle_before = subject.cpu_seconds();
    sleep(IDLE).await;
    let idle_cpu = subject.cpu_seconds() - idle_before;

    publish(&subject, Load { seconds: WARM_UP.as_secs(), ..load }).await?;
    sleep(LAST_WORDS).await;
    crowd.count().await?;
    let before = (subject.cpu_seconds(), subject.broker_cpu_seconds(), crowd.cpu_seconds());
    let n_sent = publish(&subject, load).await?;
    sleep(LAST_WORDS).await;
    let after = (subject.cpu_seconds(), subject.broker_cpu_seconds(), crowd.cpu_seconds());
    let tally = crowd.report().await?;
    crowd.disperse().await?;
    subject.stop().await?;

    let n_expected = n_sent * u64::try_from(load.n_connections)?;
    let per_delivery = |after: f64, before: f64| (after - before) * 1e6 / (tally.n_heard.max(1) as f64);
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

/// Publishes by the clock, each message as soon as it is due, and answers how many.
async fn publish(subject: &Subject, load: Load) -> anyhow::Result<u64> {
    let mut ticks = interval(Duration::from_secs(1) / load.per_second.max(1));
    // A message that is late is made up for at once: the load does not shrink with the system's patience.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let until = Instant::now() + Duration::from_secs(load.seconds);
    let mut number = 0;
    loop {
        let due = ticks.tick().await;
        if due >= until {
            return Ok(number);
        }
        subject.publish(Stamp { sent_at: client::now_us(), number }).await?;
        number += 1;
    }
}
