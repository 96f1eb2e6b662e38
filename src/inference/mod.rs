//! Inference: predicts sentiment, emotion, toxicity and churn risk of a text.
//!
//! Pure and synchronous: no actors, no environment. The paths of the models and their runtime are passed in
//! [`LoadParams`].

mod batch;
mod cache;
mod choice;
mod composite;
pub mod deferral;
mod error;
#[cfg(any(test, debug_assertions))]
pub(crate) mod fake;
mod golden;
mod heads;
pub mod out_of_process; // a model run by another process
mod content;
mod lexicon;
mod load;
mod manifest;
mod onnx;
mod model_paths;
mod run_times;
mod slot;
mod tokenize;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::choice::{Batching, LoadParams, ModelChoice, Tier};
pub use self::error::InferenceError;
pub use self::heads::HeadKind;
pub use self::load::{Alone, Loaded, Models, NotReloaded, Reloaded, load, load_alone, load_deep};
pub use self::slot::ModelSlot;
use crate::models::score::ModelId;

/// A model's prediction for one text. All numbers are finite.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Probabilities of negative, neutral and positive, in this order; they sum to 1.
    pub sentiment: [f32; 3],
    /// Independent probabilities in the order of [`crate::models::score::EMOTIONS`]; they need not sum to 1.
    pub emotion: [f32; 7],
    /// Probability that the text is toxic.
    pub toxicity: f32,
    /// Probability that the author is about to leave the product.
    pub churn_risk: f32,
    /// Whether the model could hardly process the text: it found no tokens, mostly unknown ones, or a language that
    /// it was not trained on. Unrelated to how close the probabilities are.
    pub uncertain: bool,
}

/// Scores texts on one thread.
pub trait Scorer: Send {
    /// Returns the model's id.
    fn model(&self) -> &Arc<ModelId>;

    /// Returns whether the model was trained on this language, an ISO 639-1 code. Predictions for other languages are
    /// uncertain.
    fn supports_language(&self, _language: &str) -> bool {
        true
    }

    /// Returns one prediction per text, in order.
    ///
    /// Texts may be empty, very long, or in any script. An error concerns the whole batch; the caller splits it to find
    /// the text at fault.
    ///
    /// # Errors
    /// If the runtime fails or returns a value that is not a number.
    fn score(&mut self, texts: &[&str]) -> Result<Vec<Prediction>, InferenceError>;

    /// Returns how many texts of the last call came from the cache. They took no time and say nothing about the model's
    /// pace.
    fn n_cached(&self) -> usize {
        0
    }
}

/// Builds scorers, one per worker thread.
pub trait ScorerFactory: Send + Sync {
    /// Returns the model's id.
    fn model(&self) -> Arc<ModelId>;

    /// Builds a scorer for the calling thread. Costs milliseconds, so build once, not per batch.
    ///
    /// # Errors
    /// If the runtime rejects the model.
    fn build(&self) -> Result<Box<dyn Scorer>, InferenceError>;
}
