//! Measures the throughput of models by themselves, for `groundswell bench inference`.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::inference::{InferenceError, Scorer, ScorerFactory};

/// A model and how to run it, to be compared with other configurations.
pub struct Configuration<'a> {
    /// Builds scorers for the model.
    pub factory: &'a dyn ScorerFactory,
    /// Number of concurrent threads, each with its own scorer.
    pub n_threads: usize,
    /// Texts per call to the scorer.
    pub batch_size: usize,
}

/// Configurations to measure, and the texts to measure them with.
pub struct ThroughputParams<'a> {
    /// Configurations to compare, run in alternation.
    pub configurations: &'a [Configuration<'a>],
    /// Texts for each run, which every configuration scores. The first run warms up and is not timed.
    pub runs: &'a [&'a [String]],
}

/// Speed of one configuration, tokenization included.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Throughput {
    /// Number of threads that scored concurrently.
    pub n_threads: usize,
    /// Texts per call to the scorer.
    pub batch_size: usize,
    /// Number of texts that each run scored.
    pub n_texts: usize,
    /// Median speed of the runs.
    pub texts_per_second_median: f64,
    /// Speed in the slowest run.
    pub texts_per_second_min: f64,
    /// Speed in the fastest run.
    pub texts_per_second_max: f64,
}

/// Scores the texts of all runs with every configuration, and returns the speeds in the order of the configurations.
///
/// The configurations alternate, so that other load on the machine affects all of them alike. Scorers are built before
/// the clock starts, and the first run warms them up. Zero threads count as one.
///
/// # Errors
/// If a scorer cannot be built or fails.
pub fn measure(params: &ThroughputParams<'_>) -> Result<Vec<Throughput>, InferenceError> {
    let mut readers = Vec::new();
    for configuration in params.configurations {
        readers.push(Readers::build(configuration)?);
    }
    for (run, texts) in params.runs.iter().enumerate() {
        for readers in &mut readers {
            let elapsed = readers.read(texts)?;
            // The first run fills the tokenizers' caches and the runtime's arenas.
            if run > 0 {
                readers.rates.push(rate(texts.len(), elapsed));
            }
        }
    }
    let n_texts = params.runs.last().map_or(0, |texts| texts.len());
    Ok(readers.into_iter().map(|readers| readers.summary(n_texts)).collect())
}

/// Scorers of one configuration, and their measured times.
struct Readers {
    scorers: Vec<Box<dyn Scorer>>,
    batch_size: usize,
    rates: Vec<f64>,
}

impl Readers {
    fn build(configuration: &Configuration<'_>) -> Result<Self, InferenceError> {
        let mut scorers = Vec::new();
        for _ in 0..configuration.n_threads.max(1) {
            scorers.push(configuration.factory.build()?);
        }
        Ok(Self { scorers, batch_size: configuration.batch_size.max(1), rates: Vec::new() })
    }

    /// Returns the time from when all threads are ready until the slowest has finished. As in the pipeline, each thread
    /// takes the next batch when it has finished one.
    fn read(&mut self, texts: &[String]) -> Result<Duration, InferenceError> {
        let batches: Vec<&[String]> = texts.chunks(self.batch_size).collect();
        let ready = Barrier::new(self.scorers.len() + 1);
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            let mut workers = Vec::new();
            for scorer in &mut self.scorers {
                let (ready, next, batches) = (&ready, &next, &batches);
                workers.push(scope.spawn(move || {
                    ready.wait();
                    while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let texts: Vec<&str> = batch.iter().map(String::as_str).collect();
                        scorer.score(&texts)?;
                    }
                    Ok(())
                }));
            }
            ready.wait();
            let start = Instant::now();
            for worker in workers {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            }
            Ok(start.elapsed())
        })
    }

    fn summary(mut self, n_texts: usize) -> Throughput {
        self.rates.sort_unstable_by(f64::total_cmp);
        let at = |index: usize| self.rates.get(index).copied().unwrap_or_default();
        Throughput {
            n_threads: self.scorers.len(),
            batch_size: self.batch_size,
            n_texts,
            texts_per_second_median: at(self.rates.len() / 2),
            texts_per_second_min: at(0),
            texts_per_second_max: at(self.rates.len().saturating_sub(1)),
        }
    }
}

fn rate(n_texts: usize, elapsed: Duration) -> f64 {
    u32::try_from(n_texts).map_or(f64::INFINITY, f64::from) / elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::Tier;
    use crate::inference::fake::FakeFactory;

    const FAKE: FakeFactory = FakeFactory { tier: Tier::Swift };

    fn configuration(n_threads: usize, batch_size: usize) -> Configuration<'static> {
        Configuration { factory: &FAKE, n_threads, batch_size }
    }

    #[test]
    fn every_configuration_scores_all_texts() {
        let texts: Vec<String> = (0..101).map(|i| format!("text {i}")).collect();
        let configurations = [configuration(2, 10), configuration(1, 500)];
        let runs = [&texts[..50], &texts, &texts, &texts];
        let measured = measure(&ThroughputParams { configurations: &configurations, runs: &runs }).unwrap();
        assert_eq!(measured.len(), 2);
        assert_eq!((measured[0].n_threads, measured[1].n_threads), (2, 1));
        for throughput in measured {
            assert_eq!(throughput.n_texts, 101);
            assert!(throughput.texts_per_second_min > 0.0);
            assert!(throughput.texts_per_second_min <= throughput.texts_per_second_median);
            assert!(throughput.texts_per_second_median <= throughput.texts_per_second_max);
        }
    }

    #[test]
    fn nothing_to_read_is_no_error() {
        let params = ThroughputParams { configurations: &[configuration(0, 0)], runs: &[&[], &[]] };
        assert_eq!(measure(&params).unwrap()[0].n_texts, 0);
    }

    #[test]
    fn a_failing_model_fails_the_measurement() {
        let texts = ["fine".to_owned(), "poison-error".to_owned()];
        let params = ThroughputParams { configurations: &[configuration(2, 1)], runs: &[&texts] };
        assert!(measure(&params).is_err());
    }
}
