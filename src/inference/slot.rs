//! The place a model is put into, so that another can take it while posts are being scored.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tracing::error;

use super::{InferenceError, Reading, Scorer, ScorerFactory};
use crate::models::score::ModelId;

/// Holds the model a tier answers with now.
///
/// Is a [`ScorerFactory`] itself: a scorer built from a slot looks before each batch whether another model has been put
/// in, and then answers the whole batch with that. No post is ever scored by half a model, and none waits for a swap.
/// Clones share the place.
#[derive(Clone)]
pub struct ModelSlot {
    place: Arc<Place>,
}

struct Place {
    factory: RwLock<Arc<dyn ScorerFactory>>,
    /// Written under the lock, read without it: a batch must not wait to learn that nothing has changed.
    generation: AtomicU64,
    /// The last generation that some scorer could not be built of. The first one is never it.
    refused: AtomicU64,
}

impl ModelSlot {
    /// A slot that holds its first model.
    pub fn new(factory: Arc<dyn ScorerFactory>) -> Self {
        let (generation, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { place: Arc::new(Place { factory: RwLock::new(factory), generation, refused }) }
    }

    /// How often the model has been swapped.
    pub fn generation(&self) -> u64 {
        self.place.generation.load(Ordering::Acquire)
    }

    /// The model that is in the slot now, and its generation.
    pub fn current(&self) -> (Arc<dyn ScorerFactory>, u64) {
        let factory = self.place.factory.read().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&factory), self.generation())
    }

    /// Puts another model in and answers the one that was there. It should have been proven on a text before.
    pub fn swap(&self, next: Arc<dyn ScorerFactory>) -> Arc<dyn ScorerFactory> {
        let mut factory = self.place.factory.write().unwrap_or_else(PoisonError::into_inner);
        let last = std::mem::replace(&mut *factory, next);
        self.place.generation.fetch_add(1, Ordering::AcqRel);
        last
    }

    /// Says that scorers go on with an older model. Once for each generation, however many threads cannot build it.
    fn complain(&self, generation: u64, refusal: &InferenceError) {
        if self.place.refused.swap(generation, Ordering::AcqRel) != generation {
            let model = self.model();
            let (name, version) = (model.name.as_str(), model.version.as_str());
            error!(name, version, error = %refusal, "a reloaded model could not be built, the one before it goes on");
        }
    }
}

impl ScorerFactory for ModelSlot {
    fn model(&self) -> Arc<ModelId> {
        self.current().0.model()
    }

    fn build(&self) -> Result<Box<dyn Scorer>, InferenceError> {
        let (factory, generation) = self.current();
        Ok(Box::new(SlotScorer { slot: self.clone(), tried: generation, scorer: factory.build()? }))
    }
}

/// Follows its slot from batch to batch.
struct SlotScorer {
    slot: ModelSlot,
    /// The generation it was last built of, or could not be.
    tried: u64,
    scorer: Box<dyn Scorer>,
}

impl Scorer for SlotScorer {
    fn model(&self) -> &Arc<ModelId> {
        self.scorer.model()
    }

    fn reads(&self, language: &str) -> bool {
        self.scorer.reads(language)
    }

    fn score(&mut self, texts: &[&str]) -> Result<Vec<Reading>, InferenceError> {
        if self.slot.generation() != self.tried {
            let (factory, generation) = self.slot.current();
            self.tried = generation;
            // Where the new one cannot be built, for want of memory perhaps, the old one goes on: it can score. To try
            // again with every batch would cost each of them what building costs; the next reload does.
            match factory.build() {
                Ok(scorer) => self.scorer = scorer,
                Err(refusal) => self.slot.complain(generation, &refusal),
            }
        }
        self.scorer.score(texts)
    }

    fn n_remembered(&self) -> usize {
        self.scorer.n_remembered()
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
    fn a_scorer_answers_with_the_model_that_was_put_in_since_its_last_batch() {
        let slot = ModelSlot::new(fake(Tier::Swift));
        let mut scorer = slot.build().unwrap();
        assert!(scorer.score(&["maybe love"]).unwrap()[0].doubtful);

        let old = slot.swap(fake(Tier::Deep));
        assert_eq!((old.model().name.as_str(), slot.generation()), ("fake", 1));
        assert_eq!(scorer.model().name, "fake", "no batch has been scored by the new one yet");
        assert!(!scorer.score(&["maybe love"]).unwrap()[0].doubtful);
        assert_eq!(scorer.model().name, "fake-deep");
    }

    /// Counts how often it is asked for what it cannot build.
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
    fn a_scorer_whose_successor_cannot_be_built_goes_on() {
        let slot = ModelSlot::new(fake(Tier::Swift));
        let mut scorer = slot.build().unwrap();
        let broken = Arc::new(Broken::default());
        slot.swap(Arc::clone(&broken) as Arc<dyn ScorerFactory>);
        for _ in 0..3 {
            assert_eq!(scorer.score(&["love"]).unwrap().len(), 1);
            assert_eq!(scorer.model().name, "fake");
        }
        assert_eq!(broken.n_tries.load(Ordering::Relaxed), 1, "batches pay for attempts that fail");

        slot.swap(fake(Tier::Deep));
        scorer.score(&["love"]).unwrap();
        assert_eq!(scorer.model().name, "fake-deep");
    }
}
