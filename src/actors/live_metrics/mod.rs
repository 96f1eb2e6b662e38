//! ApplyUpdate → live windows → PublishMetrics, Prometheus gauges, and figures in Redis.

mod metrics_cache; // the latest figures, as other programs read them from Redis
mod gauges; // the live window, as Prometheus reads it
pub(crate) mod windows; // the last minutes as sums of committed deltas

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tracing::warn;

use self::windows::LiveWindows;
use super::messages::{ApplyUpdate, PublishMetrics};
use super::runtime::downstream::Downstream;
use super::runtime::supervisor::{StageContext, stage};
use crate::models::live::{FrameId, LiveUpdate, SequencedUpdate};
use crate::models::metrics::LiveWindow;
use crate::models::rollup::{RollupKey, Sums};
use crate::store::metrics::{city_locations, rollups};
use crate::store::{Store, StoreError};
use crate::stream::{Cache, UpdateEvent};
use crate::telemetry::WINDOW_HEALS_TOTAL;

/// Minimum interval between two publications of the live window, because people cannot read numbers that change faster.
const PUBLISH_EVERY: Duration = Duration::from_millis(250);

/// Interval at which the latest figures are written to Redis.
const CACHE_EVERY: Duration = Duration::from_secs(1);

/// Interval at which the windows are rebuilt even without a gap, because a process killed between committing and
/// publishing the delta leaves no gap.
const REBUILD_EVERY: Duration = Duration::from_secs(60);

/// Pause before another attempt after a rebuild has failed.
const REBUILD_RETRY: Duration = Duration::from_secs(1);

/// Maximum number of deltas held back during a rebuild. A rebuild that exceeds it has taken too long and starts over.
const HELD_BACK_MAX: usize = 4_096;

/// Dependencies of a live metrics publisher.
#[derive(Clone)]
pub struct LiveMetricsParams {
    /// Store that holds the rollups from which windows are rebuilt.
    pub store: Store,
    /// Cache in Redis that receives the latest figures.
    pub cache: Cache,
    /// Stage that sends the live window to sessions.
    pub broadcaster: Downstream<PublishMetrics>,
    /// Runtime on which the stage's queries and other I/O run.
    pub io: Handle,
    /// Length of the live window, as configured.
    pub live_window: LiveWindow,
}

/// Stage that keeps the live windows of this process.
///
/// The windows are sums of the committed deltas of all processes, which arrive over `sentiment_updates`. Whenever a
/// delta may be missing, the windows are rebuilt from PostgreSQL.
pub struct LiveMetricsPublisher {
    params: LiveMetricsParams,
    windows: LiveWindows,
    rebuild: Option<Rebuild>,
    /// Id of the last frame whose delta is in the windows.
    as_of: Option<FrameId>,
    /// Last published state: the starts of the trend and of the window, and `as_of`.
    published: Option<(Timestamp, Timestamp, Option<FrameId>)>,
    stage: StageContext,
}

/// Rebuild in progress, with the deltas held back for it.
#[derive(Default)]
struct Rebuild {
    held_back: Vec<Vec<(RollupKey, Sums)>>,
    /// Whether another gap occurred in the meantime; if so, the rebuild must be repeated.
    again: bool,
}

stage!(LiveMetricsPublisher, "live_metrics");

impl LiveMetricsPublisher {
    /// Creates a publisher, which starts by rebuilding its windows.
    pub fn new(params: LiveMetricsParams, stage: StageContext) -> Self {
        let windows = LiveWindows::new(params.live_window);
        Self { params, windows, rebuild: None, as_of: None, published: None, stage }
    }

    fn apply(&mut self, update: &SequencedUpdate, context: &mut Context<Self>) {
        let last = update.first.offset.saturating_add(update.update.n_frames().saturating_sub(1));
        self.as_of = Some(FrameId { epoch: update.first.epoch.clone(), offset: last });
        match &update.update {
            LiveUpdate::Committed { delta, posts, n_posts, places } => {
                let now = Timestamp::now();
                self.windows.locate(places.iter().map(|(city, place)| (city.clone(), *place)));
                self.windows.count(now, *n_posts, u64::try_from(posts.len()).unwrap_or(*n_posts));
                self.add(delta.clone(), now, context);
            }
            LiveUpdate::Corrected { delta, .. } => self.add(delta.clone(), Timestamp::now(), context),
            LiveUpdate::Missed => self.start_rebuild(context),
            LiveUpdate::Alert { .. } => {}
        }
    }

    fn add(&mut self, delta: Vec<(RollupKey, Sums)>, now: Timestamp, context: &mut Context<Self>) {
        if let Some(rebuild) = &mut self.rebuild {
            if rebuild.held_back.len() < HELD_BACK_MAX {
                rebuild.held_back.push(delta);
            } else {
                rebuild.again = true;
            }
            return;
        }
        if self.windows.apply(delta, now).is_err() {
            self.start_rebuild(context);
        }
    }

    /// Rebuilds the windows from PostgreSQL. Deltas that arrive in the meantime are held back and added afterwards; the
    /// revisions of their rows show which ones the windows already contain.
    fn start_rebuild(&mut self, context: &mut Context<Self>) {
        if let Some(rebuild) = &mut self.rebuild {
            rebuild.again = true;
            return;
        }
        self.rebuild = Some(Rebuild::default());
        metrics::counter!(WINDOW_HEALS_TOTAL).increment(1);
        let oldest = self.windows.horizon(Timestamp::now());
        let bounds = (oldest, self.windows.n_rows_max());
        // unsupervised: reading the windows ends, and the actor waits for it
        let reading = self.params.io.spawn(read_windows(self.params.store.clone(), bounds));
        context.spawn(reading.into_actor(self).map(|outcome, publisher, context| match outcome {
            Ok(Ok((rows, places))) => {
                publisher.windows.rebuild(rows, places);
                publisher.finish_rebuild(context);
            }
            Ok(Err(error)) => publisher.retry_rebuild(&error, context),
            Err(error) => publisher.retry_rebuild(&error, context),
        }));
    }

    fn retry_rebuild(&mut self, error: &dyn std::error::Error, context: &mut Context<Self>) {
        warn!(%error, "the live windows could not be rebuilt, retrying");
        context.run_later(REBUILD_RETRY, |publisher, context| {
            publisher.rebuild = None;
            publisher.start_rebuild(context);
        });
    }

    fn finish_rebuild(&mut self, context: &mut Context<Self>) {
        let Some(rebuild) = self.rebuild.take() else {
            return;
        };
        let now = Timestamp::now();
        let mut missed = rebuild.again;
        for delta in rebuild.held_back {
            missed |= self.windows.apply(delta, now).is_err();
        }
        if missed {
            self.start_rebuild(context);
        }
    }

    /// Publishes the window if its contents have changed or it has moved forward in time.
    fn publish(&mut self) {
        let now = Timestamp::now();
        let state = (self.windows.horizon(now), self.windows.window(now).from, self.as_of.clone());
        if self.rebuild.is_some() || self.published.as_ref() == Some(&state) {
            return;
        }
        let metrics = Arc::new(self.windows.live(now));
        gauges::set(&metrics, self.params.live_window);
        if self.params.broadcaster.try_send(PublishMetrics { metrics }).is_ok() {
            self.published = Some(state);
        }
    }

    fn write_cache(&mut self) {
        let now = Timestamp::now();
        self.windows.forget(now);
        if self.rebuild.is_some() {
            return;
        }
        let entries = metrics_cache::entries(&self.windows.live(now));
        let cache = self.params.cache.clone();
        // unsupervised: writing to the cache ends
        self.params.io.spawn(async move {
            if let Err(error) = cache.put(&entries, metrics_cache::TTL).await {
                tracing::debug!(%error, "the latest figures were not cached");
            }
        });
    }
}

impl Actor for LiveMetricsPublisher {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.start_rebuild(context);
        context.run_interval(PUBLISH_EVERY, |publisher, _| publisher.publish());
        context.run_interval(REBUILD_EVERY, Self::start_rebuild);
        context.run_interval(CACHE_EVERY, |publisher, _| publisher.write_cache());
    }
}

impl Handler<ApplyUpdate> for LiveMetricsPublisher {
    type Result = ();

    fn handle(&mut self, ApplyUpdate(event): ApplyUpdate, context: &mut Self::Context) {
        match event.as_ref() {
            UpdateEvent::Update(update) => self.apply(update, context),
            UpdateEvent::Gap => self.start_rebuild(context),
        }
        self.stage.metrics.finish(1);
    }
}

async fn read_windows(
    store: Store,
    (oldest, n_rows_max): (Timestamp, usize),
) -> Result<(Vec<(RollupKey, Sums)>, Vec<(String, (f64, f64))>), StoreError> {
    let rows = rollups::live(&store, oldest, n_rows_max).await?;
    Ok((rows, city_locations::all(&store).await?))
}
