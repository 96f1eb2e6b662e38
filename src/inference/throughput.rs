//! How many texts a second a model reads by itself: the figure behind `groundswell bench inference`.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use super::{InferenceError, Scorer, ScorerFactory};

/// What to measure.
pub struct ThroughputParams<'a> {
    /// The model.
    pub factory: &'a dyn ScorerFactory,
    /// Real texts; every thread reads its share of all of them in each run.
    pub texts: &'a [String],
    /// One scorer each.
    pub n_threads: usize,
    /// Texts handed over at once, as the pipeline does.
    pub batch_size: usize,
    /// Timed runs, after one that is not timed.
    pub n_runs: usize,
}

/// Texts a second, tokenization included: the whole way from text to reading.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Throughput {
    /// Threads that read at once.
    pub n_threads: usize,
    /// Texts read in each run.
    pub n_texts: usize,
    /// The middle of the runs.
    pub texts_per_second_median: f64,
    /// The slowest run.
    pub texts_per_second_min: f64,
    /// The fastest run.
    pub texts_per_second_max: f64,
}

/// Reads all texts `n_runs` times on `n_threads` threads and tells how fast.
///
/// Scorers are built before the clock starts, and one run warms them. Zero threads or runs count as one.
///
/// # Errors
/// When a scorer cannot be built or fails.
pub fn measure(params: &ThroughputParams<'_>) -> Result<Throughput, InferenceError> {
    let n_threads = params.n_threads.max(1);
    let mut scorers = Vec::with_capacity(n_threads);
    for _ in 0..n_threads {
        scorers.push(params.factory.build()?);
    }
    let mut rates = Vec::new();
    for run in 0..=params.n_runs.max(1) {
        let elapsed = run_once(params, &mut scorers)?;
        // The first run fills the tokenizers' caches and the runtime's arenas.
        if run > 0 {
            rates.push(rate(params.texts.len(), elapsed));
        }
    }
    rates.sort_unstable_by(f64::total_cmp);
    let at = |index: usize| rates.get(index).copied().unwrap_or_default();
    Ok(Throughput {
        n_threads,
        n_texts: params.texts.len(),
        texts_per_second_median: at(rates.len() / 2),
        texts_per_second_min: at(0),
        texts_per_second_max: at(rates.len().saturating_sub(1)),
    })
}

/// The time from the moment every thread is ready to the end of the slowest.
fn run_once(
    params: &ThroughputParams<'_>,
    scorers: &mut [Box<dyn Scorer>],
) -> Result<Duration, InferenceError> {
    let share = params.texts.len().div_ceil(scorers.len()).max(1);
    let shares: Vec<&[String]> = params.texts.chunks(share).collect();
    let ready = Barrier::new(shares.len() + 1);
    thread::scope(|scope| {
        let workers: Vec<_> = shares
            .iter()
            .zip(scorers)
            .map(|(share, scorer)| {
                let ready = &ready;
                scope.spawn(move || {
                    ready.wait();
                    for texts in share.chunks(params.batch_size.max(1)) {
                        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                        scorer.score(&texts)?;
                    }
                    Ok(())
                })
            })
            .collect();
        ready.wait();
        let start = Instant::now();
        for worker in workers {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(start.elapsed())
    })
}

fn rate(n_texts: usize, elapsed: Duration) -> f64 {
    u32::try_from(n_texts).map_or(f64::INFINITY, f64::from) / elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::super::Tier;
    use super::super::fake::FakeFactory;
    use super::*;

    #[test]
    fn every_thread_reads_its_share() {
        let texts: Vec<String> = (0..101).map(|i| format!("text {i}")).collect();
        let params = ThroughputParams {
            factory: &FakeFactory { tier: Tier::Swift },
            texts: &texts,
            n_threads: 2,
            batch_size: 10,
            n_runs: 3,
        };
        let measured = measure(&params).unwrap();
        assert_eq!((measured.n_threads, measured.n_texts), (2, 101));
        assert!(measured.texts_per_second_min > 0.0);
        assert!(measured.texts_per_second_min <= measured.texts_per_second_median);
        assert!(measured.texts_per_second_median <= measured.texts_per_second_max);
    }

    #[test]
    fn nothing_to_read_is_no_error() {
        let params = ThroughputParams {
            factory: &FakeFactory { tier: Tier::Swift },
            texts: &[],
            n_threads: 0,
            batch_size: 0,
            n_runs: 0,
        };
        assert_eq!(measure(&params).unwrap().n_texts, 0);
    }

    #[test]
    fn a_failing_model_fails_the_measurement() {
        let texts = vec!["poison-error".to_owned()];
        let params = ThroughputParams {
            factory: &FakeFactory { tier: Tier::Swift },
            texts: &texts,
            n_threads: 1,
            batch_size: 1,
            n_runs: 1,
        };
        assert!(measure(&params).is_err());
    }
}
