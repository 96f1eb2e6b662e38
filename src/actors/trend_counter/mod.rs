//! CountTerms → slices of what is spoken of, told to Redis.

pub mod feed; // the aggregator's side: hands stored posts over, never waits
pub mod missed_posts; // how many posts were stored and not counted

use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tracing::warn;
use uuid::Uuid;

use self::missed_posts::MissedPosts;
use super::messages::CountTerms;
use super::runtime::supervisor::{StageContext, stage};
use crate::stream::{StreamError, ToldSlices, TrendShelf};
use crate::trends::timeline::{News, Span, Timeline};

/// How often slices are told. What was not is lost with the process; that must be little, for nobody counts it again.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// What a trend counter is made of.
#[derive(Clone)]
pub struct TrendCounterParams {
    /// Where slices are told.
    pub shelf: TrendShelf,
    /// What was stored and did not reach it.
    pub missed: MissedPosts,
    /// The runtime on which connections live.
    pub io: Handle,
}

/// Counts what the posts that this process stored speak of, and who wrote them.
///
/// Each incarnation tells its slices under a name of its own, so that what others counted, its predecessor among them,
/// is never overwritten: the sum of all that was told is the answer.
pub struct TrendCounter {
    params: TrendCounterParams,
    name: String,
    timeline: Timeline,
    is_telling: bool,
    stage: StageContext,
}

stage!(TrendCounter, "trend_counter");

impl TrendCounter {
    /// One that has heard nothing yet.
    pub fn new(params: TrendCounterParams, stage: StageContext) -> Self {
        let name = Uuid::now_v7().simple().to_string();
        Self { params, name, timeline: Timeline::default(), is_telling: false, stage }
    }

    /// Not by `wait`: while Redis is away, posts are counted on.
    fn tell(&mut self, context: &mut Context<Self>) {
        let now = Timestamp::now().as_second();
        let n_missed = self.params.missed.take();
        if n_missed > 0 {
            warn!(n_missed, "posts were stored and not counted into trends: too many came at once");
            self.timeline.miss(n_missed, now);
        }
        if self.is_telling {
            return;
        }
        let mut all = Vec::new();
        for span in Span::ALL {
            let gone = self.timeline.forget(span, now);
            let news = self.timeline.news(span);
            if !news.is_empty() || !gone.is_empty() {
                all.push((span, news, gone));
            }
        }
        if all.is_empty() {
            return;
        }
        self.is_telling = true;
        let told = self.params.io.spawn(tell_all(self.params.shelf.clone(), self.name.clone(), all));
        context.spawn(told.into_actor(self).map(|outcome, counter, _| {
            counter.is_telling = false;
            match outcome {
                Ok((told, Ok(()))) => counter.told(told),
                Ok((told, Err(error))) => {
                    warn!(%error, "what is spoken of was not told yet, it will be");
                    counter.told(told);
                }
                Err(error) => warn!(%error, "telling what is spoken of panicked"),
            }
        }));
    }

    fn told(&mut self, told: Vec<(Span, i64, u64)>) {
        for (span, start, change) in told {
            self.timeline.told(span, start, change);
        }
    }
}

impl Actor for TrendCounter {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(TELL_EVERY, Self::tell);
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

/// Tells one span after the other, and answers which slices were told, also beside an error.
async fn tell_all(
    shelf: TrendShelf,
    counter: String,
    all: Vec<(Span, Vec<News>, Vec<i64>)>,
) -> (Vec<(Span, i64, u64)>, Result<(), StreamError>) {
    let mut told = Vec::new();
    for (span, news, gone) in all {
        let states: Vec<_> = news.iter().map(|news| (span, news.start, news.change)).collect();
        let slices = news.into_iter().map(|news| (news.start, news.packed)).collect();
        // Until the newest slice has left the period before the window.
        let keep_for = Duration::from_secs((2 * span.seconds() + 2 * span.slice_seconds()).unsigned_abs());
        let request = ToldSlices { counter: counter.clone(), span: span.as_str(), slices, gone, keep_for };
        if let Err(error) = shelf.tell(request).await {
            return (told, Err(error));
        }
        told.extend(states);
    }
    (told, Ok(()))
}
