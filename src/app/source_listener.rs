//! Runs the sources that this process holds, each in its own task, and erases posts that their networks delete.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, warn};
use uuid::Uuid;

use super::connections::Connections;
use super::followed_topics::{Asked, FollowedTopics};
use super::supervisors::Supervisors;
use crate::actors::runtime::stage_metrics::StageMetrics;
use crate::actors::runtime::supervision_plan::SupervisionPlan;
use crate::config::Config;
use crate::connectors::access::Access;
use crate::connectors::collection::{CollectionParams, Ledger, LedgerError, collect};
use crate::connectors::networks;
use crate::connectors::{ConnectorError, Erasure, sealed_credentials};
use crate::erasure::Eraser;
use crate::metering::SourceMeter;
use crate::models::id::SourceId;
use crate::models::source::{Checkpoint, Network, SourceCounts, SourceReport, SourceState};
use crate::notify::messenger::Messenger;
use crate::store::Store;
use crate::store::sources::{self, ClaimedSource};
use crate::stream::Producer;

/// Interval between claims, which renew leases and find sources that are new, changed, or left by another process.
const CLAIM_EVERY: Duration = Duration::from_secs(2);

/// Interval between searches for posts of recently erased authors, so that posts that a network deletes are gone within
/// a minute.
const SWEEP_EVERY: Duration = Duration::from_secs(20);

/// How long each sweep searches for posts of an erased author that were on the stream at the time.
const RECENT: SignedDuration = SignedDuration::from_hours(1);

/// Interval between sweeps for posts that were on the stream longer, and the period that they cover.
const LONG_SWEEP_EVERY: Duration = Duration::from_secs(3_600);
const LONG_AGO: SignedDuration = SignedDuration::from_hours(48);

/// How long a source must run before an earlier panic no longer delays the next restart.
const STABLE_AFTER: Duration = Duration::from_secs(600);

/// Initial and maximum delay before a source that panicked is restarted.
const RESTART_DELAYS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// How long before its creation a source starts to read, because clocks differ.
const HEAD_START: SignedDuration = SignedDuration::from_secs(5);

/// Starts the task that runs sources, and the task that erases posts of erased authors. Returns the leases of this
/// process.
pub fn start(config: &Config, connections: &Connections, supervisors: &mut Supervisors) -> Leases {
    let shared = Shared {
        store: connections.alerting.clone(),
        eraser: connections.eraser.clone(),
        messenger: connections.messenger.clone(),
        producer: connections.stream.producer(),
        high_water: config.stream.high_water,
        retention: connections.store.retention(),
        holder: Uuid::now_v7(),
    };
    let leases = Leases { store: shared.store.clone(), holder: shared.holder };
    let eraser = shared.eraser.clone();
    supervisors.start_task(SupervisionPlan::task("source_listener"), None, move |stage_metrics| {
        let listener = Listener {
            shared: shared.clone(),
            runs: HashMap::new(),
            tasks: JoinSet::new(),
            topics: FollowedTopics::default(),
        };
        listener.listen(stage_metrics)
    });
    supervisors.start_task(SupervisionPlan::task("author_sweeper"), None, move |stage_metrics| {
        sweep(eraser.clone(), stage_metrics)
    });
    leases
}

/// Leases on the sources that this process holds.
pub struct Leases {
    store: Store,
    holder: Uuid,
}

impl Leases {
    /// Releases the leases, so that another process can take over at once.
    pub async fn release(&self) {
        if let Err(error) = sources::release(&self.store, self.holder).await {
            warn!(%error, "sources were not released, another process takes over once their leases end");
        }
    }
}

/// Erases the posts of erased authors that were on the stream at the time of the erasure.
async fn sweep(eraser: Eraser, stage_metrics: Arc<StageMetrics>) {
    let mut sweeps = tokio::time::interval(SWEEP_EVERY);
    sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut long_swept_at = None::<Instant>;
    loop {
        sweeps.tick().await;
        stage_metrics.begin(1);
        let is_long = long_swept_at.is_none_or(|at| at.elapsed() >= LONG_SWEEP_EVERY);
        let now = Timestamp::now();
        let since = now.saturating_sub(if is_long { LONG_AGO } else { RECENT }).unwrap_or(now);
        match eraser.sweep(since).await {
            Ok(_) if is_long => long_swept_at = Some(Instant::now()),
            Ok(_) => {}
            Err(error) => warn!(%error, "cannot erase the posts of erased authors"),
        }
        stage_metrics.finish(1);
    }
}

/// Dependencies that all sources share.
#[derive(Clone)]
struct Shared {
    store: Store,
    eraser: Eraser,
    messenger: Arc<Messenger>,
    producer: Producer,
    high_water: u64,
    retention: Duration,
    /// Id of this process as a holder of leases.
    holder: Uuid,
}

/// Source that this process holds.
struct Run {
    revision: i64,
    /// What the network is asked for.
    asked: Asked,
    /// Task that reads from the network; `None` while a restart is pending.
    task: Option<Id>,
    /// Stops the task when the run is dropped.
    _stop: DropGuard,
    started_at: Instant,
    /// Number of times that the task has panicked soon after its start.
    n_panics: u32,
    restart_at: Option<Instant>,
}

struct Listener {
    shared: Shared,
    runs: HashMap<SourceId, Run>,
    /// Tasks of the sources, which end when the listener is dropped.
    tasks: JoinSet<()>,
    /// Read as long as a source follows them.
    topics: FollowedTopics,
}

impl Listener {
    async fn listen(mut self, stage_metrics: Arc<StageMetrics>) {
        let mut claims = tokio::time::interval(CLAIM_EVERY);
        claims.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = claims.tick() => {
                    stage_metrics.begin(1);
                    if let Err(error) = self.claim().await {
                        warn!(%error, "cannot claim sources");
                    }
                    stage_metrics.finish(1);
                }
                Some(ended) = self.tasks.join_next_with_id() => match ended {
                    Err(error) if error.is_panic() => self.restart_later(error.id()).await,
                    Err(error) => self.forget(error.id()),
                    Ok((task, ())) => self.forget(task),
                },
            }
        }
    }

    /// Forgets a run that has ended. If this process still holds the source, the next claim restarts it.
    fn forget(&mut self, task: Id) {
        self.runs.retain(|_, run| run.task != Some(task));
    }

    /// Renews the leases, starts new and changed sources, and stops those that this process no longer holds. A source whose
    /// topics ask for something else continues with that from its position.
    async fn claim(&mut self) -> Result<(), crate::store::StoreError> {
        let claimed = sources::claim(&self.shared.store, self.shared.holder).await?;
        if claimed.iter().any(|held| held.source.settings.follow_topics == Some(true)) {
            self.topics.refresh(&self.shared.store).await?;
        }
        self.runs.retain(|id, run| {
            let held = claimed.iter().find(|held| held.source.id == *id && held.revision == run.revision);
            held.is_some_and(|held| self.topics.is_current(&held.source, &mut run.asked))
        });
        for held in claimed {
            let n_panics = match self.runs.get(&held.source.id) {
                Some(run) if run.restart_at.is_none_or(|at| at > Instant::now()) => continue,
                Some(run) => run.n_panics,
                None => 0,
            };
            self.start(held, n_panics);
        }
        Ok(())
    }

    fn start(&mut self, held: ClaimedSource, n_panics: u32) {
        let (id, revision) = (held.source.id, held.revision);
        let stop = CancellationToken::new();
        let asked = self.topics.asked_by(&held.source);
        // unsupervised: the listener sees the end of a source and starts it again
        let task = self.tasks.spawn(run(self.shared.clone(), held, asked.clone(), stop.clone()));
        let run = Run {
            revision,
            asked,
            task: Some(task.id()),
            _stop: stop.drop_guard(),
            started_at: Instant::now(),
            n_panics,
            restart_at: None,
        };
        self.runs.insert(id, run);
    }

    /// Reports that a source has panicked, and schedules a restart.
    async fn restart_later(&mut self, task: Id) {
        let Some((id, run)) = self.runs.iter_mut().find(|(_, run)| run.task == Some(task)) else {
            return;
        };
        if run.started_at.elapsed() > STABLE_AFTER {
            run.n_panics = 0;
        }
        let (first, max) = RESTART_DELAYS;
        let delay = first.saturating_mul(1 << run.n_panics.min(16)).min(max);
        run.task = None;
        run.n_panics = run.n_panics.saturating_add(1);
        run.restart_at = Some(Instant::now() + delay);
        error!(source = ?id, delay_s = delay.as_secs(), "a source panicked and will be restarted");
        let report = SourceReport {
            state: SourceState::Failed,
            reason: Some(format!("internal error; restarting in {} s", delay.as_secs())),
            checkpoint: None,
            lag_seconds: None,
            last_post_at: None,
            counts: SourceCounts::default(),
            gaps: Vec::new(),
        };
        // If the report is lost, the next one contains the later state.
        let _ = sources::report(&self.shared.store, (*id, run.revision), self.shared.holder, &report).await;
    }
}

/// Runs one source until it is stopped.
async fn run(shared: Shared, held: ClaimedSource, asked: Asked, stop: CancellationToken) {
    let ClaimedSource { source, credentials: stored, revision } = held;
    let start = || Checkpoint::at(source.created_at.saturating_sub(HEAD_START).unwrap_or(source.created_at));
    let position = source.cursor.clone().unwrap_or_else(start);
    let account = stored.as_ref().map(|stored| stored.account.as_str());
    let meter = SourceMeter::new(shared.store.clone(), source.id, account);
    let ledger = StoredLedger {
        store: shared.store,
        eraser: shared.eraser,
        network: source.network,
        run: (source.id, revision),
        holder: shared.holder,
    };
    let params = CollectionParams {
        source: source.id,
        network: source.network,
        producer: shared.producer,
        high_water: shared.high_water,
        retention: shared.retention,
        ledger: Arc::new(ledger),
        stop,
    };
    let keyring = shared.messenger.keyring();
    let credentials =
        sealed_credentials::open(keyring, source.id, stored.as_ref().map(|stored| stored.sealed.as_slice()));
    let settings = asked.settings;
    let connector = settings.and_then(|settings| {
        let credentials = credentials?;
        let access =
            Access { egress: shared.messenger.egress().clone(), credentials, meter: Arc::new(meter) };
        networks::open(access, source.network, &settings, position)
    });
    match connector {
        Ok(mut connector) => collect(connector.as_mut(), &params).await,
        // Settings are checked before they are stored, but the allow-list or the key may have changed since.
        Err(error) => collect(&mut Unusable(error), &params).await,
    }
}

/// Connector of a source with unusable settings, which reports the error.
struct Unusable(ConnectorError);

impl crate::connectors::Connector for Unusable {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<crate::connectors::Batch, ConnectorError>> {
        std::future::ready(Err(self.0.clone())).boxed()
    }
}

/// Ledger that stores reports in PostgreSQL.
struct StoredLedger {
    store: Store,
    eraser: Eraser,
    network: Network,
    run: (SourceId, i64),
    holder: Uuid,
}

impl Ledger for StoredLedger {
    fn report<'a>(&'a self, report: &'a SourceReport) -> BoxFuture<'a, Result<bool, LedgerError>> {
        async {
            let reported = sources::report(&self.store, self.run, self.holder, report).await;
            reported.map_err(|error| LedgerError(error.to_string()))
        }
        .boxed()
    }

    fn erase<'a>(&'a self, erasures: &'a [Erasure]) -> BoxFuture<'a, Result<u64, LedgerError>> {
        async { self.erase_all(erasures).await.map_err(|error| LedgerError(error.to_string())) }.boxed()
    }
}

impl StoredLedger {
    async fn erase_all(&self, erasures: &[Erasure]) -> Result<u64, crate::store::StoreError> {
        let platform = self.network.as_str();
        let mut ids = Vec::new();
        let mut n_erased = 0;
        for erasure in erasures {
            match erasure {
                Erasure::Post(id) => ids.push(id.clone()),
                Erasure::Author { id, at } => {
                    n_erased += self.eraser.erase_author(platform, id, *at).await?;
                }
            }
        }
        let n_posts = self.eraser.erase_posts(platform, &ids).await?;
        Ok(n_erased + u64::try_from(n_posts).unwrap_or(u64::MAX))
    }
}
