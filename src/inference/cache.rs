//! Cache of predictions by text. Reposts repeat texts word for word.

use std::collections::HashMap;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::{InferenceError, Prediction, Scorer, Tier};
use crate::models::score::ModelId;
use crate::telemetry::{CACHE_HITS_TOTAL, CACHE_MISSES_TOTAL};

/// Size of an entry in bytes without its text: the prediction, its slot in the table, and the table's metadata.
const ENTRY_BYTES: u64 = 160;

/// Size in bytes of a typical tweet's entry, which determines only the initial capacity.
const TYPICAL_BYTES: usize = 256;

/// Cache of one model's predictions, shared by the scorers of its tier. It belongs to the model, so no entry outlives a
/// reload.
///
/// The key is the whole text, so two different texts never share a prediction.
pub struct ResultCache {
    predictions: Cache<Box<str>, Prediction, Bytes>,
    tier: Tier,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Box<str>, Prediction> for Bytes {
    fn weight(&self, text: &Box<str>, _: &Prediction) -> u64 {
        u64::try_from(text.len()).unwrap_or(u64::MAX).saturating_add(ENTRY_BYTES)
    }
}

impl ResultCache {
    /// Creates a cache that holds at most `n_bytes_max` bytes.
    pub fn new(n_bytes_max: usize, tier: Tier) -> Self {
        let weight_max = u64::try_from(n_bytes_max).unwrap_or(u64::MAX);
        Self { predictions: Cache::with_weighter(n_bytes_max / TYPICAL_BYTES, weight_max, Bytes), tier }
    }

    #[cfg(test)]
    fn n_bytes(&self) -> u64 {
        self.predictions.weight()
    }
}

/// A scorer with a cache in front of it. The inner scorer runs only on texts that are not cached, once for each
/// distinct text.
///
/// The cache is locked for lookups and inserts but never while the model runs. Two workers may therefore score a new
/// text at the same time, which costs less than waiting for each other.
pub struct CachedScorer {
    scorer: Box<dyn Scorer>,
    cache: Arc<ResultCache>,
    n_cached: usize,
}

impl CachedScorer {
    /// Wraps `scorer` so that it consults `cache` first.
    pub fn new(scorer: Box<dyn Scorer>, cache: Arc<ResultCache>) -> Self {
        Self { scorer, cache, n_cached: 0 }
    }
}

impl Scorer for CachedScorer {
    fn model(&self) -> &Arc<ModelId> {
        self.scorer.model()
    }

    fn supports_language(&self, language: &str) -> bool {
        self.scorer.supports_language(language)
    }

    fn score(&mut self, texts: &[&str]) -> Result<Vec<Prediction>, InferenceError> {
        let mut known: Vec<Option<Prediction>> = Vec::with_capacity(texts.len());
        let mut indices: HashMap<&str, usize> = HashMap::new();
        let mut new = Vec::new();
        for text in texts {
            let found = self.cache.predictions.get(*text);
            if found.is_none() && !indices.contains_key(text) {
                indices.insert(text, new.len());
                new.push(*text);
            }
            known.push(found);
        }
        self.n_cached = texts.len().saturating_sub(new.len());
        let tier = self.cache.tier.as_str();
        let whole = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        metrics::counter!(CACHE_HITS_TOTAL, "tier" => tier).increment(whole(self.n_cached));
        metrics::counter!(CACHE_MISSES_TOTAL, "tier" => tier).increment(whole(new.len()));
        if new.is_empty() {
            return Ok(known.into_iter().flatten().collect());
        }
        let predictions = self.scorer.score(&new)?;
        for (text, prediction) in new.iter().zip(&predictions) {
            self.cache.predictions.insert(Box::from(*text), *prediction);
        }
        let of_text = |text: &&str| indices.get(text).and_then(|index| predictions.get(*index)).copied();
        Ok(texts.iter().zip(known).filter_map(|(text, known)| known.or_else(|| of_text(text))).collect())
    }

    fn n_cached(&self) -> usize {
        self.n_cached
    }

    fn has_loaded(&self) -> bool {
        self.scorer.has_loaded()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Scorer that records the texts it receives and returns the length of each as its toxicity.
    struct RecordingScorer {
        requested: Arc<Mutex<Vec<String>>>,
        model: Arc<ModelId>,
    }

    impl Scorer for RecordingScorer {
        fn model(&self) -> &Arc<ModelId> {
            &self.model
        }

        fn score(&mut self, texts: &[&str]) -> Result<Vec<Prediction>, InferenceError> {
            self.requested.lock().unwrap().extend(texts.iter().map(|text| (*text).to_owned()));
            Ok(texts
                .iter()
                .map(|text| Prediction { toxicity: text.len() as f32, ..Prediction::default() })
                .collect())
        }
    }

    fn cached(n_bytes_max: usize) -> (CachedScorer, Arc<Mutex<Vec<String>>>) {
        let requested = Arc::new(Mutex::new(Vec::new()));
        let model = ModelId { name: "noting".into(), version: "1".into(), hash: "0".repeat(64) };
        let noting = RecordingScorer { requested: Arc::clone(&requested), model: Arc::new(model) };
        let cache = Arc::new(ResultCache::new(n_bytes_max, Tier::Swift));
        (CachedScorer::new(Box::new(noting), cache), requested)
    }

    fn lengths(scorer: &mut CachedScorer, texts: &[&str]) -> Vec<f32> {
        scorer.score(texts).unwrap().iter().map(|prediction| prediction.toxicity).collect()
    }

    #[test]
    fn a_text_is_scored_once_however_often_it_arrives() {
        let (mut scorer, requested) = cached(1 << 20);
        assert_eq!(lengths(&mut scorer, &["aa", "b", "aa", "ccc"]), [2.0, 1.0, 2.0, 3.0]);
        assert_eq!(lengths(&mut scorer, &["ccc", "dddd", "b"]), [3.0, 4.0, 1.0]);
        assert_eq!(scorer.n_cached(), 2);
        assert_eq!(lengths(&mut scorer, &["aa"]), [2.0]);
        assert_eq!(lengths(&mut scorer, &[]), [0.0; 0]);
        assert_eq!(*requested.lock().unwrap(), ["aa", "b", "ccc", "dddd"]);
    }

    /// Scorer that blocks in the middle of a run until the test releases it.
    struct Slow {
        running: mpsc::Sender<()>,
        end: mpsc::Receiver<()>,
        model: Arc<ModelId>,
    }

    impl Scorer for Slow {
        fn model(&self) -> &Arc<ModelId> {
            &self.model
        }

        fn score(&mut self, texts: &[&str]) -> Result<Vec<Prediction>, InferenceError> {
            self.running.send(()).unwrap();
            self.end.recv().unwrap();
            Ok(vec![Prediction::default(); texts.len()])
        }
    }

    #[test]
    fn no_scorer_waits_for_the_run_of_another() {
        const DEADLINE: Duration = Duration::from_secs(60);
        let (mut other, _) = cached(1 << 20);
        lengths(&mut other, &["known"]);
        let (started, running) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let slow = Slow { running: started, end: ended, model: Arc::clone(other.model()) };
        let mut slow = CachedScorer::new(Box::new(slow), Arc::clone(&other.cache));
        let slow = thread::spawn(move || slow.score(&["new"]).unwrap());
        running.recv_timeout(DEADLINE).unwrap();

        let (done, responses) = mpsc::channel();
        thread::spawn(move || done.send(lengths(&mut other, &["known", "newer"])).unwrap());
        assert_eq!(responses.recv_timeout(DEADLINE).unwrap(), [5.0, 5.0]);
        end.send(()).unwrap();
        slow.join().unwrap();
    }

    #[test]
    fn memory_stays_bounded_however_many_texts_arrive() {
        let (mut scorer, _) = cached(64 << 10);
        for i in 0..2_000 {
            let text = format!("{i} {}", "x".repeat(i % 500));
            assert_eq!(lengths(&mut scorer, &[&text]), [text.len() as f32]);
        }
        assert!(scorer.cache.n_bytes() <= 64 << 10, "{}", scorer.cache.n_bytes());
    }

    #[test]
    fn a_failure_is_not_cached() {
        let fake = super::super::fake::FakeFactory { tier: Tier::Swift };
        let scorer = super::super::ScorerFactory::build(&fake).unwrap();
        let mut scorer = CachedScorer::new(scorer, Arc::new(ResultCache::new(1 << 20, Tier::Swift)));
        for _ in 0..2 {
            assert!(scorer.score(&["fine", "poison-error"]).is_err());
            assert_eq!(scorer.score(&["fine"]).unwrap().len(), 1);
        }
    }
}
