//! A slot that holds the current model and lets it be replaced while posts are being scored.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tracing::error;

use super::{InferenceError, Prediction, Scorer, ScorerFactory};
use crate::models::score::ModelId;

/// Slot for the current model of a tier.
///
/// A slot is itself a [`ScorerFactory`]. Before each batch, its scorers check whether the model has been replaced and,
/// if so, score the whole batch with the new one. No batch is scored by two models, and no batch waits for a swap.
/// Clones share the slot.
#[derive(Clone)]
pub struct ModelSlot {
    shared: Arc<SharedSlot>,
}

struct SharedSlot {
    factory: RwLock<Arc<dyn ScorerFactory>>,
    /// Number of replacements. Written under the lock but read without it, because checking for a change must not block
    /// a batch.
    generation: AtomicU64,
    /// Latest generation whose scorer could not be built; 0 if there is none.
    refused: AtomicU64,
}

impl ModelSlot {
    /// Creates a slot that holds its first model.
    pub fn new(factory: Arc<dyn ScorerFactory>) -> Self {
        let (generation, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { shared: Arc::new(SharedSlot { factory: RwLock::new(factory), generation, refused }) }
    }

    /// Returns how many times the model has been replaced.
    pub fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }

    /// Returns the model to score with now, and its generation, which changes when the model is replaced.
    pub fn current(&self) -> (Arc<dyn ScorerFactory>, u64) {
        let factory = self.shared.factory.read().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&factory), self.generation())
    }

    /// Replaces the model and returns the previous one. The caller should have scored a text with the new model first.
    pub fn swap(&self, next: Arc<dyn ScorerFactory>) -> Arc<dyn ScorerFactory> {
        let mut factory = self.shared.factory.write().unwrap_or_else(PoisonError::into_inner);
        let last = std::mem::replace(&mut *factory, next);
        self.shared.generation.fetch_add(1, Ordering::AcqRel);
        last
    }

    /// Logs that scorers keep an older model, once per generation, however many threads fail to build the new one.
    fn log_refusal(&self, generation: u64, refusal: &InferenceError) {
        if self.shared.refused.swap(generation, Ordering::AcqRel) != generation {
            let model = self.model();
            let (name, version) = (model.name.as_str(), model.version.as_str());
            error!(name, version, error = %refusal, "a reloaded model could not be built; the previous one stays in use");
        }
    }
}

impl ScorerFactory for ModelSlot {
    fn model(&self) -> Arc<ModelId> {
        self.current().0.model()
    }

    fn build(&self) -> Result<Box<dyn Scorer>, InferenceError> {
        let (factory, generation) = self.current();
        let scorer = factory.build()?;
        Ok(Box::new(SlotScorer { slot: self.clone(), tried: generation, scorer, has_built: false }))
    }
}

/// Scorer that uses whichever model is in the slot when a batch starts.
struct SlotScorer {
    slot: ModelSlot,
    /// Generation for which this scorer last built, or failed to build, its model.
    tried: u64,
    scorer: Box<dyn Scorer>,
    /// Whether the last batch built, or failed to build, a model.
    has_built: bool,
}

impl Scorer for SlotScorer {
    fn model(&self) -> &Arc<ModelId> {
        self.scorer.model()
    }

    fn supports_language(&self, language: &str) -> bool {
        self.scorer.supports_language(language)
    }

    fn score(&mut self, texts: &[&str]) -> Result<Vec<Prediction>, InferenceError> {
        self.has_built = self.slot.generation() != self.tried;
        if self.has_built {
            let (factory, generation) = self.slot.current();
            self.tried = generation;
            // If the new model cannot be built, for example for lack of memory, the old one stays in use. Retrying
            // with every batch would cost each of them a build; the next reload retries.
            match factory.build() {
                Ok(scorer) => self.scorer = scorer,
                Err(refusal) => self.slot.log_refusal(generation, &refusal),
            }
        }
        self.scorer.score(texts)
    }

    fn n_cached(&self) -> usize {
        self.scorer.n_cached()
    }

    fn has_loaded(&self) -> bool {
        self.has_built || self.scorer.has_loaded()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tier;
    use super::super::fake::FakeFactory;
    use super::*;

    fn fake(tier: Tier) -> Arc<dyn ScorerFactory> {
        Arc::new(FakeFactory { tier })
    }

    #[test]
    fn a_scorer_switches_to_a_new_model_with_its_next_batch() {
        let slot = ModelSlot::new(fake(Tier::Swift));
        let mut scorer = slot.build().unwrap();
        assert!(scorer.score(&["maybe love"]).unwrap()[0].uncertain);

        let old = slot.swap(fake(Tier::Deep));
        assert_eq!((old.model().name.as_str(), slot.generation()), ("fake", 1));
        assert_eq!(scorer.model().name, "fake", "no batch has been scored by the new one yet");
        assert!(!scorer.has_loaded());
        assert!(!scorer.score(&["maybe love"]).unwrap()[0].uncertain);
        assert!(scorer.has_loaded());
        assert_eq!(scorer.model().name, "fake-deep");
    }

    /// Factory that counts the attempts to build a scorer, all of which fail.
    #[derive(Default)]
    struct Broken {
        n_tries: AtomicU64,
    }

    impl ScorerFactory for Broken {
        fn model(&self) -> Arc<ModelId> {
            FakeFactory { tier: Tier::Deep }.model()
        }

        fn build(&self) -> Result<Box<dyn Scorer>, InferenceError> {
            self.n_tries.fetch_add(1, Ordering::Relaxed);
            Err(InferenceError::NotFinite)
        }
    }

    #[test]
    fn a_scorer_whose_successor_cannot_be_built_stays_in_use() {
        let slot = ModelSlot::new(fake(Tier::Swift));
        let mut scorer = slot.build().unwrap();
        let broken = Arc::new(Broken::default());
        slot.swap(Arc::clone(&broken) as Arc<dyn ScorerFactory>);
        for _ in 0..3 {
            assert_eq!(scorer.score(&["love"]).unwrap().len(), 1);
            assert_eq!(scorer.model().name, "fake");
        }
        assert_eq!(broken.n_tries.load(Ordering::Relaxed), 1, "batches pay for failed attempts");

        slot.swap(fake(Tier::Deep));
        scorer.score(&["love"]).unwrap();
        assert_eq!(scorer.model().name, "fake-deep");
    }
}
