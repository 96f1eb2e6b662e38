//! Errors of loading and running models.

use std::path::PathBuf;

/// Reasons why a model cannot be loaded or cannot score.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// No searched path holds the file.
    #[error("{what} was not found; looked for {}", list(.looked))]
    NotFound {
        /// The kind of file.
        what: &'static str,
        /// All searched paths, in order.
        looked: Vec<PathBuf>,
    },
    /// The file exists but cannot be read.
    #[error("cannot read `{}`: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file does not match its manifest: it is truncated, or belongs to another model.
    #[error("`{}` is not the file its manifest describes: SHA-256 {actual}, expected {expected}", .path.display())]
    WrongFile {
        /// The file.
        path: PathBuf,
        /// SHA-256 in the manifest.
        expected: String,
        /// SHA-256 of the file.
        actual: String,
    },
    /// The manifest or the tokenizer is not valid.
    #[error("`{}` is malformed: {reason}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The model's results differ from those recorded by its makers.
    #[error("the model does not reproduce `{}`: {reason}", .path.display())]
    Disagrees {
        /// The file with the recorded results.
        path: PathBuf,
        /// How the results differ.
        reason: String,
    },
    /// ONNX Runtime returned an error.
    #[error("onnx runtime: {0}")]
    Runtime(String),
    /// The tokenizer failed on a text.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// The model did not return one prediction per text.
    #[error("the model returned {actual} numbers for `{output}`, expected {expected}")]
    WrongShape {
        /// Name of the output.
        output: String,
        /// Expected number of values.
        expected: usize,
        /// Actual number of values.
        actual: usize,
    },
    /// A network is incompatible with its manifest or tokenizer.
    #[error("`{}` cannot be used: {reason}", .path.display())]
    Unfit {
        /// The model's folder.
        path: PathBuf,
        /// The error from the first run.
        reason: Box<InferenceError>,
    },
    /// The network requires an input that the manifest does not list.
    #[error("the network requires `{input}`, which is not in `inputs`")]
    MissingInput {
        /// Name of the input.
        input: String,
    },
    /// The manifest lists an input that the network does not have.
    #[error("`inputs` has `{input}`, which the network does not use")]
    UnknownInput {
        /// Name of the input.
        input: String,
    },
    /// No model of the tier has a required head.
    #[error("none of the models has an output for `{head}`")]
    NoHead {
        /// Name of the head.
        head: &'static str,
    },
    /// An output that should be a probability is not one: its manifest may lack an `activation`.
    #[error(
        "the model returned {number} for `{output}`, which is not a probability; is its `activation` missing?"
    )]
    NoProbability {
        /// Name of the output.
        output: String,
        /// The value returned.
        number: f32,
    },
    /// The sentiment values of a text should be probabilities but are not: they may be logits between 0 and 1, or
    /// sigmoid outputs.
    #[error(
        "the sentiment values that the model returned for `{output}` sum to {sum} instead of 1; if they are logits, set \
         `\"activation\": \"softmax\"` for that output in the manifest"
    )]
    NoDistribution {
        /// Name of the output.
        output: String,
        /// The sum of its values.
        sum: f32,
    },
    /// The model returned NaN or infinity.
    #[error("the model returned a value that is not a number")]
    NotFinite,
    /// The tier has no model.
    #[error("the model is turned off")]
    TurnedOff,
    /// The model in another process returned an error.
    #[error("{0}")]
    OutOfProcess(String),
    /// The text contains a keyword that makes the fake model fail.
    #[cfg(any(test, debug_assertions))]
    #[error("refused: the text contains `{0}`")]
    Refused(&'static str),
}

impl InferenceError {
    /// Returns whether a retry may succeed because the runtime ran out of a resource rather than failing on the text.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Runtime(_))
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
}
