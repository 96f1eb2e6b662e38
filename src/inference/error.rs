//! What can go wrong between a text and its reading.

use std::path::PathBuf;

/// Why a model could not be loaded or could not answer.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// None of the places looked in holds the file.
    #[error("{what} was not found; looked for {}", list(.looked))]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// Every path tried, in order.
        looked: Vec<PathBuf>,
    },
    /// The file is there and cannot be read.
    #[error("`{}` cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not the one the manifest was written for: truncated, or of another model.
    #[error("`{}` is not the file its manifest describes: SHA-256 {actual}, expected {expected}", .path.display())]
    WrongFile {
        /// The file.
        path: PathBuf,
        /// What the manifest says.
        expected: String,
        /// What the file has.
        actual: String,
    },
    /// The manifest, or the tokenizer, does not say what it must.
    #[error("`{}` is malformed: {reason}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A model does not answer as those who made it noted.
    #[error("the model does not do what `{}` says, {reason}", .path.display())]
    Disagrees {
        /// The file with the answers.
        path: PathBuf,
        /// Where they differ.
        reason: String,
    },
    /// ONNX Runtime refused.
    #[error("onnx runtime: {0}")]
    Runtime(String),
    /// The tokenizer refused a text.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// The model answered with other shapes than one reading for each text.
    #[error("the model answered with {actual} numbers for `{output}`, expected {expected}")]
    WrongShape {
        /// Which output.
        output: String,
        /// How many numbers there should be.
        expected: usize,
        /// How many there are.
        actual: usize,
    },
    /// A network cannot be used with its manifest and its tokenizer.
    #[error("`{}` cannot be used: {reason}", .path.display())]
    Unfit {
        /// The model's folder.
        path: PathBuf,
        /// What happened on its first run.
        reason: Box<InferenceError>,
    },
    /// The network asks for something that the manifest does not list.
    #[error("the network asks for `{input}`, which is not in `inputs`")]
    MissingInput {
        /// Its name.
        input: String,
    },
    /// The manifest lists something that the network does not ask for.
    #[error("`inputs` has `{input}`, which the network does not ask for")]
    UnknownInput {
        /// Its name.
        input: String,
    },
    /// None of the models of a tier answers a question.
    #[error("none of the models answers `{head}`")]
    NoHead {
        /// Which question.
        head: &'static str,
    },
    /// An output is said to be a probability and is not: a manifest without its `activation`, perhaps.
    #[error(
        "the model answered with {number} for `{output}`, which is no probability; has it no `activation`?"
    )]
    NoProbability {
        /// Which output.
        output: String,
        /// What it was.
        number: f32,
    },
    /// The sentiments of a text are said to be probabilities and are not: logits between 0 and 1, or sigmoids.
    #[error(
        "the sentiments that the model answered with for `{output}` sum to {sum} and not to 1; if they are logits, write \
         `\"activation\": \"softmax\"` for it in the manifest"
    )]
    NoDistribution {
        /// Which output.
        output: String,
        /// Of its numbers.
        sum: f32,
    },
    /// The model answered with NaN or infinity.
    #[error("the model answered with something that is not a number")]
    NotFinite,
    /// There is to be no model.
    #[error("the model is turned off")]
    TurnedOff,
    /// The model of another process refused.
    #[error("{0}")]
    Isolated(String),
    /// The fake model met a text that tells it to fail.
    #[error("refused: the text contains `{0}`")]
    Refused(&'static str),
}

impl InferenceError {
    /// Whether another attempt may well succeed: the runtime ran short of something, which says nothing of the text.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Runtime(_))
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
}
