//! Text in, numbers out: what a model reads in a post.
//!
//! Pure and synchronous: no actor, no environment. Where the model and its
//! runtime lie comes in as [`LoadParams`].

mod batch;
mod error;
mod fake;
mod lexicon;
mod manifest;
mod onnx;
pub mod throughput;
mod tokenize;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

pub use self::error::InferenceError;
use crate::models::score::ModelId;

/// What a model says about one text. All numbers are finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Probabilities of negative, neutral, positive, in this order; they sum to 1.
    pub sentiment: [f32; 3],
    /// Independent probabilities in the order of [`crate::models::score::EMOTIONS`]; they need not sum to 1.
    pub emotion: [f32; 7],
    /// Probability that the text is toxic.
    pub toxicity: f32,
    /// Probability that its author is about to leave what they speak of.
    pub churn_risk: f32,
}

/// Reads texts on one thread.
pub trait Scorer: Send {
    /// Which model answers.
    fn model(&self) -> &Arc<ModelId>;

    /// One reading for each text, in their order.
    ///
    /// Any text is fine: empty, very long, of any script. An error is about the
    /// batch as a whole; the caller splits it to find a culprit.
    ///
    /// # Errors
    /// When the runtime fails or answers with something that is not a number.
    fn score(&mut self, texts: &[&str]) -> Result<Vec<Reading>, InferenceError>;
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

/// Which model to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ModelChoice {
    /// The trained fast model; the lexicon, marked as such, where it cannot be loaded.
    #[default]
    Swift,
    /// The word list, asked for by name.
    Lexicon,
    /// Answers by a few key words and fails on command. For tests only.
    Fake,
}

impl FromStr for ModelChoice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "swift" => Ok(Self::Swift),
            "lexicon" => Ok(Self::Lexicon),
            "fake" => Ok(Self::Fake),
            _ => Err(format!("no model is called `{name}`; there are `swift` and `lexicon`")),
        }
    }
}

/// Where to look for the model and its runtime. All paths are optional: see [`load`].
#[derive(Debug, Clone, Default)]
pub struct LoadParams {
    /// Which model.
    pub choice: ModelChoice,
    /// The folder that holds one folder per model, when the user named one.
    pub weights_dir: Option<PathBuf>,
    /// The ONNX Runtime library, when the user named one.
    pub runtime_library: Option<PathBuf>,
    /// The running executable: `lib/` and `weights/` are looked for beside it, then in the checkout it was built in.
    pub executable: Option<PathBuf>,
}

/// A model that can answer, and why it is not the one that was asked for.
pub struct Loaded {
    /// Makes the scorers.
    pub factory: Arc<dyn ScorerFactory>,
    /// Set when the lexicon answers because the model could not be loaded: the reason, for people.
    pub degraded: Option<String>,
}

/// Loads the chosen model; never fails, because the lexicon is compiled in.
///
/// A lexicon that answers unasked is named `lexicon` in every score and told in [`Loaded::degraded`].
pub fn load(params: &LoadParams) -> Loaded {
    match params.choice {
        ModelChoice::Fake => Loaded { factory: Arc::new(fake::FakeFactory), degraded: None },
        ModelChoice::Lexicon => Loaded { factory: Arc::new(lexicon::LexiconFactory::new()), degraded: None },
        ModelChoice::Swift => match onnx::OnnxFactory::load(params, "swift") {
            Ok(factory) => Loaded { factory: Arc::new(factory), degraded: None },
            Err(error) => Loaded {
                factory: Arc::new(lexicon::LexiconFactory::new()),
                degraded: Some(error.to_string()),
            },
        },
    }
}
