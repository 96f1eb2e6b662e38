//! Posts on the stream, by the clock: at a steady rate, at ever higher ones up to the ceiling, and above it.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{PipelineParams, Sitting};
use crate::bench::posts;
use crate::bench::process;
use crate::bench::server::Usage;

/// Posts are sent in groups this far apart; finer, and the load would use the processor that it measures.
const TICK: Duration = Duration::from_millis(20);

/// Ticks of a second.
const TICKS_PER_SECOND: u64 = 50;

/// Each rate that is tried is so many times the last.
const STEP: f64 = 1.15;

/// A server keeps up when it stores this part of what is offered; the rest is what was on its way at the end.
const KEEPS_UP: f64 = 0.98;

/// More steps than lie between any two machines.
const N_STEPS_MAX: usize = 16;

/// How often the gap between the highest rate that was kept up with and the lowest that was not is halved.
const N_HALVINGS: usize = 2;

/// How much more than the ceiling an overload offers.
const OVERLOAD: f64 = 1.3;

/// A steady rate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Storing {
    stored_per_second: f64,
    cpu_microseconds_per_post: CpuPerPost,
    server_resident_mebibytes: f64,
}

/// Processor time of everybody on the machine, by post.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct CpuPerPost {
    /// The server's.
    pub server: f64,
    /// PostgreSQL's.
    pub postgres: f64,
    /// Redis's.
    pub redis: f64,
    /// That of this load.
    pub load: f64,
}

/// The most posts that are stored a second.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ceiling {
    /// The most of all rates that were tried.
    pub ceiling_per_second: f64,
    /// Those rates, in the order in which they were tried.
    pub ceiling_steps: Vec<Step>,
}

/// What was stored at one rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Posts put on the stream a second.
    pub offered_per_second: f64,
    /// Posts stored a second meanwhile.
    pub stored_per_second: f64,
}

/// More than can be stored.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Overload {
    /// What was offered and stored.
    #[serde(flatten)]
    pub step: Step,
    /// What was stored, as a part of the ceiling.
    pub share_of_ceiling: f64,
}

impl Storing {
    /// For people.
    pub fn rows(&self, params: &PipelineParams) -> Vec<(&'static str, String)> {
        let CpuPerPost { server, postgres, redis, load } = self.cpu_microseconds_per_post;
        let PipelineParams { offered, seconds, .. } = params;
        vec![
            (
                "stored posts a second",
                format!("{:.0} (of {offered} offered, for {seconds} s)", self.stored_per_second),
            ),
            (
                "processor time a post",
                format!(
                    "{server:.0} µs server, {postgres:.0} µs postgres, {redis:.0} µs redis, {load:.0} µs load"
                ),
            ),
            ("server's resident memory", format!("{:.0} MiB", self.server_resident_mebibytes)),
        ]
    }
}

/// Offers posts at the steady rate.
pub async fn measure(sitting: &mut Sitting, params: &PipelineParams) -> anyhow::Result<Storing> {
    let offer = Offer::new("store", params.offered, params);
    let offered = offer.send(sitting).await?;
    Ok(Storing {
        stored_per_second: offered.step.stored_per_second,
        cpu_microseconds_per_post: offered.cpu,
        server_resident_mebibytes: offered.resident_bytes as f64 / 1_048_576.0,
    })
}

/// Offers ever more until the server does not keep up, or ever less until it does, then rates in between.
pub async fn find_ceiling(sitting: &mut Sitting, params: &PipelineParams) -> anyhow::Result<Ceiling> {
    let mut search = Search::default();
    while let Some(rate) = search.next_rate(f64::from(params.offered)) {
        let name = format!("ceiling-{}", search.steps.len());
        let length = Duration::from_secs(params.step_seconds);
        let offer = Offer { length, ..Offer::new(&name, whole(rate), params) };
        let step = offer.send(sitting).await?.step;
        eprintln!("  {:.0} of {:.0} posts a second", step.stored_per_second, step.offered_per_second);
        search.note(step);
    }
    let stored = search.steps.iter().map(|step| step.stored_per_second);
    Ok(Ceiling { ceiling_per_second: stored.fold(0.0, f64::max), ceiling_steps: search.steps })
}

/// Offers more than the ceiling.
pub async fn overload(
    sitting: &mut Sitting,
    params: &PipelineParams,
    ceiling: f64,
) -> anyhow::Result<Overload> {
    let offer = Offer::new("overload", whole(ceiling * OVERLOAD), params);
    let step = offer.send(sitting).await?.step;
    Ok(Overload { step, share_of_ceiling: step.stored_per_second / ceiling.max(1.0) })
}

/// Which rate to try next.
#[derive(Default)]
struct Search {
    steps: Vec<Step>,
    /// The highest rate that was kept up with.
    kept: Option<f64>,
    /// The lowest that was not.
    failed: Option<f64>,
    /// A rate that failed once. Only a second failure counts: a single step may have met a checkpoint.
    doubtful: Option<f64>,
    n_halvings: usize,
}

impl Search {
    fn next_rate(&mut self, first: f64) -> Option<f64> {
        if self.steps.len() >= N_STEPS_MAX {
            return None;
        }
        if let Some(rate) = self.doubtful {
            return Some(rate);
        }
        match (self.kept, self.failed) {
            (None, None) => Some(first),
            (Some(kept), None) => Some(kept * STEP),
            (None, Some(failed)) => Some(failed / STEP),
            (Some(kept), Some(failed)) => {
                self.n_halvings += 1;
                (self.n_halvings <= N_HALVINGS).then_some((kept + failed) / 2.0)
            }
        }
    }

    fn note(&mut self, step: Step) {
        let rate = step.offered_per_second;
        if step.stored_per_second >= rate * KEEPS_UP {
            self.kept = Some(self.kept.map_or(rate, |kept| kept.max(rate)));
            self.doubtful = None;
        } else if self.doubtful.take().is_some() {
            self.failed = Some(self.failed.map_or(rate, |failed| failed.min(rate)));
        } else {
            self.doubtful = Some(rate);
        }
        self.steps.push(step);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of posts is small")]
fn whole(rate: f64) -> u32 {
    rate.round() as u32
}

/// A load.
struct Offer<'a> {
    run: &'a str,
    per_second: u32,
    warm_up: Duration,
    length: Duration,
}

/// What came of it.
struct Offered {
    step: Step,
    cpu: CpuPerPost,
    resident_bytes: u64,
}

impl<'a> Offer<'a> {
    fn new(run: &'a str, per_second: u32, params: &PipelineParams) -> Self {
        Self { run, per_second, warm_up: params.warm_up(), length: params.length() }
    }

    /// Puts the posts on the stream, and waits until all of them are stored.
    async fn send(&self, sitting: &mut Sitting) -> anyhow::Result<Offered> {
        let per_tick = usize::try_from(u64::from(self.per_second) / TICKS_PER_SECOND)?.max(1);
        let n_ticks = |length: Duration| usize::try_from(length.as_secs() * TICKS_PER_SECOND);
        let n_warm_up_ticks = n_ticks(self.warm_up)?;
        let n_ticks = n_warm_up_ticks + n_ticks(self.length)?;
        // Made before the clock starts: the load shares the processor that it measures.
        let texts = sitting.supply.take(n_ticks * per_tick)?;
        let server = &sitting.server;
        let mut ticks = tokio::time::interval(TICK);
        // A tick that is late is made up for at once: the loop is open.
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        let mut before = None;
        for (tick, texts) in texts.chunks(per_tick).enumerate() {
            ticks.tick().await;
            if tick == n_warm_up_ticks {
                before = Some((server.n_stored().await?, Instant::now(), Moment::of(server.usage())));
            }
            let numbered = texts.iter().zip(tick * per_tick..);
            let posts: Vec<_> = numbered.map(|(text, n)| posts::accepted(self.run, n, text)).collect();
            sitting.producer.publish(&posts).await?;
        }
        let (stored_before, started, usage_before) =
            before.ok_or_else(|| anyhow::anyhow!("the load was over before it began"))?;
        let n_stored = (server.n_stored().await? - stored_before) as f64;
        let seconds = started.elapsed().as_secs_f64();
        let usage = Moment::of(server.usage());
        sitting.n_sent += n_ticks * per_tick;
        sitting.drain().await?;
        let n_offered = ((n_ticks - n_warm_up_ticks) * per_tick) as f64;
        Ok(Offered {
            step: Step { offered_per_second: n_offered / seconds, stored_per_second: n_stored / seconds },
            cpu: usage.per_post(&usage_before, n_stored),
            resident_bytes: usage.of_server.resident_bytes,
        })
    }
}

/// Processor time so far.
struct Moment {
    of_server: Usage,
    of_load: f64,
}

impl Moment {
    fn of(of_server: Usage) -> Self {
        Self { of_server, of_load: process::cpu_seconds(std::process::id()) }
    }

    fn per_post(&self, before: &Self, n_posts: f64) -> CpuPerPost {
        let per_post = |after: f64, before: f64| (after - before) * 1_000_000.0 / n_posts.max(1.0);
        let (after, earlier) = (&self.of_server, &before.of_server);
        CpuPerPost {
            server: per_post(after.server, earlier.server),
            postgres: per_post(after.postgres, earlier.postgres),
            redis: per_post(after.redis, earlier.redis),
            load: per_post(self.of_load, before.of_load),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rates that are tried of a server that stores so many a second.
    fn tried(first: f64, ceiling: f64) -> Vec<u32> {
        let (mut search, mut rates) = (Search::default(), Vec::new());
        while let Some(rate) = search.next_rate(first) {
            rates.push(whole(rate));
            search.note(Step { offered_per_second: rate, stored_per_second: rate.min(ceiling) });
        }
        rates
    }

    #[test]
    fn rates_rise_until_the_server_does_not_keep_up_and_then_close_in() {
        assert_eq!(tried(1_000.0, 1_400.0), [1_000, 1_150, 1_323, 1_521, 1_521, 1_422, 1_471, 1_471]);
    }

    #[test]
    fn rates_fall_where_the_first_is_too_high() {
        assert_eq!(tried(1_000.0, 800.0), [1_000, 1_000, 870, 870, 756, 813, 841, 841]);
    }

    #[test]
    fn a_rate_that_fails_once_is_tried_again_and_may_be_kept() {
        let mut search = Search::default();
        let rate = search.next_rate(1_000.0).unwrap();
        search.note(Step { offered_per_second: rate, stored_per_second: rate / 2.0 });
        assert_eq!(search.next_rate(1_000.0), Some(rate));
        search.note(Step { offered_per_second: rate, stored_per_second: rate });
        assert_eq!(search.next_rate(1_000.0), Some(rate * STEP));
    }

    #[test]
    fn the_search_ends_whatever_the_server_does() {
        assert_eq!(tried(1_000.0, f64::INFINITY).len(), N_STEPS_MAX);
        assert_eq!(tried(1_000.0, 0.0).len(), N_STEPS_MAX);
    }
}
