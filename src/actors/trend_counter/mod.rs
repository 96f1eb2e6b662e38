//! CountTerms → slices of trending terms, published in Redis.

pub mod feed; // the aggregator's side: hands stored posts over, never waits
pub mod missed_count; // how many posts were stored and not counted

use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tracing::warn;
use uuid::Uuid;

use self::missed_count::MissedPosts;
use super::messages::CountTerms;
use super::runtime::exclusive_task::ExclusiveTask;
use super::runtime::supervisor::{StageContext, stage};
use crate::stream::{PublishedSlices, StreamError, TrendSlices};
use crate::trends::slice_windows::{SliceUpdate, Timeline, TrendWindow};

/// Interval between publications. If the process dies, posts counted since the last publication are missing from the
/// trends, so the interval is short.
const PUBLISH_EVERY: Duration = Duration::from_secs(2);

/// Dependencies of a trend counter.
#[derive(Clone)]
pub struct TrendCounterParams {
    /// Trend slices in Redis, where this counter publishes its own.
    pub shelf: TrendSlices,
    /// Shared count of stored posts that did not reach the counter.
    pub missed: MissedPosts,
    /// Runtime on which the stage's queries and other I/O run.
    pub io: Handle,
}

/// Stage that counts the terms and authors of the posts stored by this process.
///
/// Each incarnation publishes its slices under a new name, so it never overwrites slices of another process or of its
/// predecessor. Readers add up the slices of all counters.
pub struct TrendCounter {
    params: TrendCounterParams,
    name: String,
    timeline: Timeline,
    publication: ExclusiveTask,
    stage: StageContext,
}

stage!(TrendCounter, "trend_counter");

impl TrendCounter {
    /// Creates a counter that has not counted any posts.
    pub fn new(params: TrendCounterParams, stage: StageContext) -> Self {
        let name = Uuid::now_v7().simple().to_string();
        let publication = ExclusiveTask::new(&params.io);
        Self { params, name, timeline: Timeline::default(), publication, stage }
    }

    /// Publishes the slices that have changed. Counting goes on in the meantime, even if Redis is down.
    fn publish(&mut self, context: &mut Context<Self>) {
        let now = Timestamp::now().as_second();
        let n_missed = self.params.missed.take();
        if n_missed > 0 {
            warn!(n_missed, "posts were stored but not counted into trends: too many arrived at once");
            self.timeline.record_missed(n_missed, now);
        }
        if self.publication.is_under_way() {
            return;
        }
        let mut all = Vec::new();
        for span in TrendWindow::ALL {
            let gone = self.timeline.forget(span, now);
            let news = self.timeline.updates(span);
            if !news.is_empty() || !gone.is_empty() {
                all.push((span, news, gone));
            }
        }
        if all.is_empty() {
            return;
        }
        let work = publish_all(self.params.shelf.clone(), self.name.clone(), all);
        self.publication.start(work, context, |counter, outcome, _| match outcome {
            Ok((published, Ok(()))) => counter.published(published),
            Ok((published, Err(error))) => {
                warn!(%error, "trends were not published, retrying");
                counter.published(published);
            }
            Err(error) => warn!(%error, "the publication of trends panicked"),
        });
    }

    fn published(&mut self, published: Vec<(TrendWindow, i64, u64)>) {
        for (span, start, change) in published {
            self.timeline.published(span, start, change);
        }
    }
}

impl Actor for TrendCounter {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(PUBLISH_EVERY, Self::publish);
    }
}

impl Handler<CountTerms> for TrendCounter {
    type Result = ();

    fn handle(&mut self, CountTerms { posts, uncounted }: CountTerms, _: &mut Self::Context) {
        self.stage.metrics.begin(1);
        self.timeline.record(&posts, Timestamp::now().as_second());
        uncounted.counted();
        self.stage.metrics.finish(1);
    }
}

/// Publishes one span after another. Returns which slices were published, even if an error occurs.
async fn publish_all(
    shelf: TrendSlices,
    counter: String,
    all: Vec<(TrendWindow, Vec<SliceUpdate>, Vec<i64>)>,
) -> (Vec<(TrendWindow, i64, u64)>, Result<(), StreamError>) {
    let mut published = Vec::new();
    for (span, news, gone) in all {
        let states: Vec<_> = news.iter().map(|news| (span, news.start, news.change)).collect();
        let slices = news.into_iter().map(|news| (news.start, news.packed)).collect();
        // The slice is kept until the newest one has left the period before the window.
        let keep_for = Duration::from_secs((2 * span.seconds() + 2 * span.slice_seconds()).unsigned_abs());
        let request =
            PublishedSlices { counter: counter.clone(), span: span.as_str(), slices, gone, keep_for };
        if let Err(error) = shelf.publish(request).await {
            return (published, Err(error));
        }
        published.extend(states);
    }
    (published, Ok(()))
}
