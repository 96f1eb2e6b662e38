//! Sentiment labels corrected by people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::PostId;
use super::score::{ModelId, SentimentLabel};

/// Maximum length of a note in characters.
pub const NOTE_CHARS_MAX: usize = 1_000;

/// Maximum length in characters of the name given in `by`.
pub const BY_CHARS_MAX: usize = 100;

/// Correction to a post's sentiment label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLabel {
    /// Sentiment that the person sees in the post.
    pub label: SentimentLabel,
    /// Reason for the correction, at most 1,000 characters.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
    /// Name of the person making the correction, at most 100 characters, if the caller is the operator; recorded as
    /// given and not verified. Ignored for other callers, whose corrections are recorded under their own name.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub by: Option<String>,
}

/// Label given by a model before a person corrected it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelLabel {
    /// Sentiment according to the model.
    pub label: SentimentLabel,
    /// Model that gave the label to the post.
    pub model: ModelId,
}

/// Correction to a post's sentiment label, as stored.
///
/// It is stored beside the model's label, which all counts use, and survives rescoring by a better model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LabelCorrection {
    /// Groundswell's own id for the corrected post.
    pub post: PostId,
    /// Sentiment according to the person.
    pub label: SentimentLabel,
    /// Reason for the correction; null if none was given.
    pub note: Option<String>,
    /// Name of the person who made the correction; null if none was given.
    pub by: Option<String>,
    /// Time of the correction.
    pub corrected_at: Timestamp,
    /// Label that was corrected, and the model that gave it.
    pub was: ModelLabel,
}

/// Post with a corrected label, for training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LabelledPost {
    /// Full text of the post.
    pub text: String,
    /// Language of the text; null when unknown.
    pub lang: Option<String>,
    /// Current label given by the model.
    pub model_label: SentimentLabel,
    /// Label given by a person, and what it replaced.
    #[serde(flatten)]
    pub correction: LabelCorrection,
}
