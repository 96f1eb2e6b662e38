//! Open-loop load of posts on the stream: at a fixed rate, at increasing rates up to the ceiling, and above it.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{FreshServers, PipelineParams, ServerUnderLoad};
use crate::bench::posts;
use crate::bench::process;
use crate::bench::server::Usage;

/// Interval between groups of posts; a shorter one would itself use too much of the CPU time that is being measured.
const TICK: Duration = Duration::from_millis(20);

/// Number of [`TICK`]s per second.
const TICKS_PER_SECOND: u64 = 50;

/// Factor between successive rates in the search for the ceiling.
const STEP: f64 = 1.15;

/// Share of the offered posts that a server must have stored at the end of the load to count as keeping up. The rest
/// are in flight.
const SUSTAINED_SHARE: f64 = 0.98;

/// Maximum number of steps, more than the search needs on any machine.
const N_STEPS_MAX: usize = 16;

/// Number of times to halve the gap between the highest sustained rate and the lowest failed one.
const N_HALVINGS: usize = 2;

/// Rate offered in the overload part, as a multiple of the ceiling.
const OVERLOAD: f64 = 1.3;

/// Throughput, CPU time per post and server memory while posts are offered at a fixed rate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Storing {
    stored_per_second: f64,
    cpu_microseconds_per_post: CpuPerPost,
    server_resident_mebibytes: f64,
}

/// CPU time per post in microseconds, for each of the processes involved.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct CpuPerPost {
    /// CPU time of the Groundswell server.
    pub server: f64,
    /// CPU time of PostgreSQL.
    pub postgres: f64,
    /// CPU time of Redis, which queues the posts.
    pub redis: f64,
    /// CPU time of this load generator.
    pub load: f64,
}

/// Maximum number of posts that a server can store per second.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ceiling {
    /// Highest rate at which posts were stored in any step.
    pub ceiling_per_second: f64,
    /// Results of the steps, in the order they ran.
    pub ceiling_steps: Vec<Step>,
}

/// Throughput while posts are offered at one rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Posts put on the stream per second.
    pub offered_per_second: f64,
    /// Posts stored per second during the load.
    pub stored_per_second: f64,
}

/// Result of offering more posts than the server can store.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Overload {
    /// Rates at which posts were offered and stored.
    #[serde(flatten)]
    pub step: Step,
    /// Rate at which posts were stored, as a fraction of the ceiling.
    pub share_of_ceiling: f64,
    /// CPU time per stored post. Under overload the load generator and Redis also spend it on posts that are not stored
    /// yet.
    pub cpu_microseconds_per_post: CpuPerPost,
}

impl CpuPerPost {
    fn summary(self) -> String {
        let Self { server, postgres, redis, load } = self;
        format!("{server:.0} µs server, {postgres:.0} µs postgres, {redis:.0} µs redis, {load:.0} µs load")
    }
}

impl Overload {
    /// Formats the figures as table rows.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let Self { step: Step { offered_per_second, stored_per_second }, share_of_ceiling, .. } = self;
        let percent = share_of_ceiling * 100.0;
        let stored = format!(
            "{stored_per_second:.0} of {offered_per_second:.0} offered, {percent:.0}% of the maximum"
        );
        vec![
            ("stored under overload", stored),
            ("CPU per post under overload", self.cpu_microseconds_per_post.summary()),
        ]
    }
}

impl Storing {
    /// Formats the figures as table rows.
    pub fn rows(&self, params: &PipelineParams) -> Vec<(&'static str, String)> {
        let PipelineParams { offered, seconds, .. } = params;
        vec![
            (
                "posts stored per second",
                format!("{:.0} (of {offered} offered, for {seconds} s)", self.stored_per_second),
            ),
            ("CPU per post", self.cpu_microseconds_per_post.summary()),
            ("server's resident memory", format!("{:.0} MiB", self.server_resident_mebibytes)),
        ]
    }
}

/// Offers posts at the fixed rate.
pub async fn measure(under_load: &mut ServerUnderLoad, params: &PipelineParams) -> anyhow::Result<Storing> {
    let load = Load::new("store", params.offered, params);
    let result = load.send(under_load).await?;
    Ok(Storing {
        stored_per_second: result.step.stored_per_second,
        cpu_microseconds_per_post: result.cpu,
        server_resident_mebibytes: result.resident_bytes as f64 / 1_048_576.0,
    })
}

/// Raises the rate until the server fails to keep up, or lowers it until the server keeps up, then tries rates in
/// between.
///
/// Each rate runs on a fresh server, because the millions of rows from previous rates would slow it down.
pub async fn find_ceiling(servers: &mut FreshServers<'_>) -> anyhow::Result<Ceiling> {
    let params = servers.params;
    let mut search = Search::default();
    while let Some(rate) = search.next_rate(f64::from(params.offered)) {
        let length = Duration::from_secs(params.step_seconds);
        let load = Load { length, ..Load::new("ceiling", whole(rate), params) };
        let mut under_load = servers.start().await?;
        let step = load.send(&mut under_load).await?.step;
        servers.settle(under_load).await?;
        eprintln!("  {:.0} of {:.0} posts per second", step.stored_per_second, step.offered_per_second);
        search.note(step);
    }
    let stored = search.steps.iter().map(|step| step.stored_per_second);
    Ok(Ceiling { ceiling_per_second: stored.fold(0.0, f64::max), ceiling_steps: search.steps })
}

/// Offers more posts than the ceiling, and measures how many are stored.
pub async fn overload(
    under_load: &mut ServerUnderLoad,
    params: &PipelineParams,
    ceiling: f64,
) -> anyhow::Result<Overload> {
    let load = Load::new("overload", whole(ceiling * OVERLOAD), params);
    let LoadResult { step, cpu, .. } = load.send(under_load).await?;
    let share_of_ceiling = step.stored_per_second / ceiling.max(1.0);
    Ok(Overload { step, share_of_ceiling, cpu_microseconds_per_post: cpu })
}

/// Search for the ceiling, which decides on the next rate to try.
#[derive(Default)]
struct Search {
    steps: Vec<Step>,
    /// Highest sustained rate so far.
    sustained: Option<f64>,
    /// Lowest rate that failed twice.
    failed: Option<f64>,
    /// Rate that has failed once. A rate counts as failed only after a second attempt, because a single step may
    /// coincide with a checkpoint.
    failed_once: Option<f64>,
    n_halvings: usize,
}

impl Search {
    fn next_rate(&mut self, first: f64) -> Option<f64> {
        if self.steps.len() >= N_STEPS_MAX {
            return None;
        }
        if let Some(rate) = self.failed_once {
            return Some(rate);
        }
        match (self.sustained, self.failed) {
            (None, None) => Some(first),
            (Some(sustained), None) => Some(sustained * STEP),
            (None, Some(failed)) => Some(failed / STEP),
            (Some(sustained), Some(failed)) => {
                self.n_halvings += 1;
                (self.n_halvings <= N_HALVINGS).then_some((sustained + failed) / 2.0)
            }
        }
    }

    fn note(&mut self, step: Step) {
        let rate = step.offered_per_second;
        if step.stored_per_second >= rate * SUSTAINED_SHARE {
            self.sustained = Some(self.sustained.map_or(rate, |sustained| sustained.max(rate)));
            self.failed_once = None;
        } else if self.failed_once.take().is_some() {
            self.failed = Some(self.failed.map_or(rate, |failed| failed.min(rate)));
        } else {
            self.failed_once = Some(rate);
        }
        self.steps.push(step);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of posts is small")]
fn whole(rate: f64) -> u32 {
    rate.round() as u32
}

/// Rate at which to offer posts, and for how long.
struct Load<'a> {
    run: &'a str,
    per_second: u32,
    warm_up: Duration,
    length: Duration,
}

/// Rates and CPU use under one load.
struct LoadResult {
    step: Step,
    cpu: CpuPerPost,
    resident_bytes: u64,
}

impl<'a> Load<'a> {
    fn new(run: &'a str, per_second: u32, params: &PipelineParams) -> Self {
        Self { run, per_second, warm_up: params.warm_up(), length: params.length() }
    }

    /// Puts the posts on the stream and waits until all of them are stored.
    async fn send(&self, under_load: &mut ServerUnderLoad) -> anyhow::Result<LoadResult> {
        let per_tick = usize::try_from(u64::from(self.per_second) / TICKS_PER_SECOND)?.max(1);
        let n_ticks = |length: Duration| usize::try_from(length.as_secs() * TICKS_PER_SECOND);
        let n_warm_up_ticks = n_ticks(self.warm_up)?;
        let n_ticks = n_warm_up_ticks + n_ticks(self.length)?;
        // Built before the clock starts, because the load shares the CPU that it measures.
        let texts = under_load.supply.take(n_ticks * per_tick)?;
        let server = &under_load.server;
        let mut ticks = tokio::time::interval(TICK);
        // Makes up for a late tick at once, because the loop is open.
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        let mut before = None;
        for (tick, texts) in texts.chunks(per_tick).enumerate() {
            ticks.tick().await;
            if tick == n_warm_up_ticks {
                before = Some((server.n_stored().await?, Instant::now(), CpuSample::of(server.usage())));
            }
            let numbered = texts.iter().zip(tick * per_tick..);
            let posts: Vec<_> = numbered.map(|(text, n)| posts::accepted(self.run, n, text)).collect();
            under_load.producer.publish(&posts).await?;
        }
        let (stored_before, started, usage_before) =
            before.ok_or_else(|| anyhow::anyhow!("the load ended before it began"))?;
        let n_stored = (server.n_stored().await? - stored_before) as f64;
        let seconds = started.elapsed().as_secs_f64();
        let usage = CpuSample::of(server.usage());
        under_load.n_sent += n_ticks * per_tick;
        under_load.drain().await?;
        let n_offered = ((n_ticks - n_warm_up_ticks) * per_tick) as f64;
        Ok(LoadResult {
            step: Step { offered_per_second: n_offered / seconds, stored_per_second: n_stored / seconds },
            cpu: usage.per_post(&usage_before, n_stored),
            resident_bytes: usage.of_server.resident_bytes,
        })
    }
}

/// CPU time that each process has used up to one moment.
struct CpuSample {
    of_server: Usage,
    of_load: f64,
}

impl CpuSample {
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

    /// Returns the rates that the search tries on a server with the given ceiling.
    fn tried(first: f64, ceiling: f64) -> Vec<u32> {
        let (mut search, mut rates) = (Search::default(), Vec::new());
        while let Some(rate) = search.next_rate(first) {
            rates.push(whole(rate));
            search.note(Step { offered_per_second: rate, stored_per_second: rate.min(ceiling) });
        }
        rates
    }

    #[test]
    fn rates_rise_until_the_server_does_not_keep_up_and_then_converge() {
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
