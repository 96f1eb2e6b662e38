//! Errors from loading and running models.

use std::path::PathBuf;

/// Reasons why a model cannot be loaded or cannot score.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// A file was not found in any of the places searched.
    #[error("{what} was not found; looked for {}", list(.looked))]
    NotFound {
        /// Kind of file, for the message.
        what: &'static str,
        /// Paths that were searched, in order.
        looked: Vec<PathBuf>,
    },
    /// A file exists but cannot be read.
    #[error("cannot read `{}`: {source}", .path.display())]
    Unreadable {
        /// File that could not be read.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A file does not match its manifest: it is truncated, or belongs to another model.
    #[error("`{}` is not the file its manifest describes: SHA-256 {actual}, expected {expected}", .path.display())]
    WrongFile {
        /// File whose contents are wrong.
        path: PathBuf,
        /// SHA-256 of the file according to the manifest.
        expected: String,
        /// SHA-256 that the file actually has.
        actual: String,
    },
    /// The manifest or the tokenizer does not have the required form.
    #[error("`{}` is malformed: {reason}", .path.display())]
    Malformed {
        /// Path of the malformed file.
        path: PathBuf,
        /// Human-readable description of the problem.
        reason: String,
    },
    /// The model's outputs differ from the recorded ones.
    #[error("the model does not reproduce `{}`: {reason}", .path.display())]
    Disagrees {
        /// Path of the file with the recorded outputs.
        path: PathBuf,
        /// The text whose outputs differ, and how they differ.
        reason: String,
    },
    /// ONNX Runtime returned an error.
    #[error("onnx runtime: {0}")]
    Runtime(String),
    /// The tokenizer failed to encode a text.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// The network did not return the expected number of values.
    #[error("the model returned {actual} numbers for `{output}`, expected {expected}")]
    WrongShape {
        /// Name of the network's output.
        output: String,
        /// Number of values that the manifest implies.
        expected: usize,
        /// Number of values that the network returned.
        actual: usize,
    },
    /// The network does not work with its manifest or tokenizer.
    #[error("`{}` cannot be used: {reason}", .path.display())]
    Unfit {
        /// The model's folder.
        path: PathBuf,
        /// Error from the first run.
        reason: Box<InferenceError>,
    },
    /// The network requires an input that the manifest does not list.
    #[error("the network requires `{input}`, which is not in `inputs`")]
    MissingInput {
        /// Name that the network expects the input to have.
        input: String,
    },
    /// The manifest lists an input that the network does not have.
    #[error("`inputs` has `{input}`, which the network does not use")]
    UnknownInput {
        /// Name of the input in the manifest.
        input: String,
    },
    /// One of the required heads is missing from all models of the tier.
    #[error("none of the models has an output for `{head}`")]
    NoHead {
        /// Name of the head in manifests, such as `churn_risk`.
        head: &'static str,
    },
    /// A value that should be a probability is not one, perhaps because the manifest lacks an `activation`.
    #[error(
        "the model returned {number} for `{output}`, which is not a probability; is its `activation` missing?"
    )]
    NoProbability {
        /// Name of the network's output.
        output: String,
        /// Value that the network returned.
        number: f32,
    },
    /// The sentiment values of a text do not sum to 1. They may be logits that happen to lie between 0 and 1, or
    /// sigmoid outputs.
    #[error(
        "the sentiment values that the model returned for `{output}` sum to {sum} instead of 1; if they are logits, set \
         `\"activation\": \"softmax\"` for that output in the manifest"
    )]
    NoDistribution {
        /// Name of the network's output.
        output: String,
        /// Sum of the three values.
        sum: f32,
    },
    /// The model returned NaN or infinity.
    #[error("the model returned a value that is not a number")]
    NotFinite,
    /// The tier has been configured without a model.
    #[error("the model is turned off")]
    TurnedOff,
    /// The process that runs the model returned an error, or ended.
    #[error("{0}")]
    OutOfProcess(String),
    /// The text contains a keyword that makes the fake model fail.
    #[cfg(any(test, debug_assertions, feature = "test-models"))]
    #[error("refused: the text contains `{0}`")]
    Refused(&'static str),
}

impl InferenceError {
    /// Returns whether a retry may succeed, because the runtime ran out of a resource rather than failing on the text.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Runtime(_))
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
}
