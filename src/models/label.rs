//! Corrections of a post's sentiment by people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::score::{ModelId, SentimentLabel};

/// Maximum length of a note in characters.
pub const NOTE_CHARS_MAX: usize = 1_000;

/// Maximum length of a corrector's name in characters.
pub const BY_CHARS_MAX: usize = 100;

/// Correction to store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLabel {
    /// Correct sentiment of the post.
    pub label: SentimentLabel,
    /// Reason for the correction, at most 1,000 characters.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
    /// Name of the person who corrects the label, at most 100 characters; not verified, as there are no accounts.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub by: Option<String>,
}

/// Label that a model had given when a person corrected it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelLabel {
    /// Label of the model.
    pub label: SentimentLabel,
    /// Model that gave the label.
    pub model: ModelId,
}

/// Correction of a post's label.
///
/// It is stored beside the model's label, which all counts use, and is kept when a better model rescores the post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LabelCorrection {
    /// Groundswell's id of the post.
    pub post: Uuid,
    /// Label given by the person.
    pub label: SentimentLabel,
    /// Reason for the correction.
    pub note: Option<String>,
    /// Name of the person, if given.
    pub by: Option<String>,
    /// Time of the correction.
    pub corrected_at: Timestamp,
    /// Label and model that the person corrected.
    pub was: ModelLabel,
}

/// Corrected post, for training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LabelledPost {
    /// Text of the post.
    pub text: String,
    /// Language of the text; null when unknown.
    pub lang: Option<String>,
    /// Current label of the model.
    pub model_label: SentimentLabel,
    /// Correction of the label.
    #[serde(flatten)]
    pub correction: LabelCorrection,
}
