//! Text in, numbers out: what a model reads in a post.
//!
//! Pure and synchronous: no actor, no environment. Where the model and its
//! runtime lie comes in as [`LoadParams`].

mod batch;
mod cache;
mod choice;
mod composite;
pub mod deferral;
mod error;
pub(crate) mod fake;
mod golden;
mod heads;
pub mod out_of_process; // a model run by another process
mod legible;
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

/// What a model says about one text. All numbers are finite.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Probabilities of negative, neutral, positive, in this order; they sum to 1.
    pub sentiment: [f32; 3],
    /// Independent probabilities in the order of [`crate::models::score::EMOTIONS`]; they need not sum to 1.
    pub emotion: [f32; 7],
    /// Probability that the text is toxic.
    pub toxicity: f32,
    /// Probability that its author is about to leave what they speak of.
    pub churn_risk: f32,
    /// Whether the model could hardly read the text: it found no tokens, mostly unknown ones, or a language it was not
    /// taught. Says nothing about how close the probabilities are.
    pub doubtful: bool,
}

/// Reads texts on one thread.
pub trait Scorer: Send {
    /// Which model answers.
    fn model(&self) -> &Arc<ModelId>;

    /// Whether the model was taught this language, an ISO 639-1 code. What it says about others is doubtful.
    fn reads(&self, _language: &str) -> bool {
        true
    }

    /// One reading for each text, in their order.
    ///
    /// Any text is fine: empty, very long, of any script. An error is about the
    /// batch as a whole; the caller splits it to find a culprit.
    ///
    /// # Errors
    /// When the runtime fails or answers with something that is not a number.
    fn score(&mut self, texts: &[&str]) -> Result<Vec<Reading>, InferenceError>;

    /// How many texts of the last call were answered from memory. They took no time, and say nothing of the model's pace.
    fn n_remembered(&self) -> usize {
        0
    }
}

/// Makes scorers: one for each worker thread.
pub trait ScorerFactory: Send + Sync {
    /// Which model its scorers answer with.
    fn model(&self) -> Arc<ModelId>;

    /// A scorer of its own for the calling thread. Costs milliseconds, so build once, not for each batch.
    ///
    /// # Errors
    /// When the runtime refuses the model.
    fn build(&self) -> Result<Box<dyn Scorer>, InferenceError>;
}
