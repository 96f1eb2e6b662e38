//! Inference: predicts the sentiment, emotion, toxicity and churn risk of a text.
//!
//! Pure and synchronous: it knows nothing about actors or the environment. [`LoadParams`] says where the models and
//! their runtime are.

mod batch;
mod cache;
mod load_params;
mod composite;
pub mod deferral;
mod error;
#[cfg(any(test, debug_assertions, feature = "test-models"))]
pub(crate) mod fake;
mod golden;
mod heads;
pub mod out_of_process; // a model that runs in another process
mod unscorable;
mod lexicon;
mod load;
mod manifest;
mod onnx;
mod model_paths;
mod metrics_relay;
mod slot;
mod tokenize;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::error::InferenceError;
pub use self::heads::HeadKind;
pub use self::load::{Alone, Loaded, Models, NotReloaded, Reloaded, load, load_alone, load_deep};
pub use self::load_params::{Batching, LoadParams, ModelChoice, Tier};
pub use self::slot::ModelSlot;
use crate::models::score::ModelId;

/// Predictions of a model about one text. All numbers are finite.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Probabilities of negative, neutral and positive, in this order. They sum to 1.
    pub sentiment: [f32; 3],
    /// Independent probabilities in the order of [`crate::models::score::EMOTIONS`]. They need not sum to 1.
    pub emotion: [f32; 7],
    /// Probability that the text is toxic.
    pub toxicity: f32,
    /// Probability that the author is about to abandon the product.
    pub churn_risk: f32,
    /// Whether the model had too little to go on, because it found no tokens, mostly unknown ones, or a language that
    /// it was not trained on. Unrelated to how close the probabilities are.
    pub uncertain: bool,
}

/// Scores texts on one thread.
pub trait Scorer: Send {
    /// Returns the id of the model that scores, which is recorded with every score.
    fn model(&self) -> &Arc<ModelId>;

    /// Returns whether the model was trained on a language, given by its ISO 639-1 code. Predictions for other
    /// languages are uncertain.
    fn supports_language(&self, _language: &str) -> bool {
        true
    }

    /// Returns one prediction per text, in the order of the texts.
    ///
    /// Texts may be empty, very long, or in any script. An error concerns the whole batch; the caller splits the batch
    /// to find the text at fault.
    ///
    /// # Errors
    /// If the runtime fails or returns a value that is not finite.
    fn score(&mut self, texts: &[&str]) -> Result<Vec<Prediction>, InferenceError>;

    /// Returns how many texts of the last call were found in the cache. They took no time and say nothing about the
    /// model's pace.
    fn n_cached(&self) -> usize {
        0
    }

    /// Returns whether the last call also loaded a model. Its duration then says nothing about the model's pace.
    fn has_loaded(&self) -> bool {
        false
    }
}

/// Builds scorers, one for each worker thread.
pub trait ScorerFactory: Send + Sync {
    /// Returns the id of the model that new scorers will run.
    fn model(&self) -> Arc<ModelId>;

    /// Builds a scorer for one thread. This takes milliseconds, so build one per thread, not one per batch.
    ///
    /// # Errors
    /// If the runtime rejects the model.
    fn build(&self) -> Result<Box<dyn Scorer>, InferenceError>;
}
