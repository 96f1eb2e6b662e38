//! What a person says a post's sentiment is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::score::{ModelId, SentimentLabel};

/// Most characters of a note.
pub const NOTE_CHARS_MAX: usize = 1_000;

/// Most characters of the name of who corrected a label.
pub const BY_CHARS_MAX: usize = 100;

/// A correction to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLabel {
    /// What the post's sentiment is.
    pub label: SentimentLabel,
    /// Why, at most 1,000 characters.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
    /// Who says so, at most 100 characters. Taken on trust: there are no accounts.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub by: Option<String>,
}

/// What the model said when a person corrected it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelLabel {
    /// Its label.
    pub label: SentimentLabel,
    /// Which model.
    pub model: ModelId,
}

/// A correction.
///
/// It stands beside the model's label, which every count goes by, and stays when a better model scores the post again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LabelCorrection {
    /// Which post, by Groundswell's name.
    pub post: Uuid,
    /// What a person says.
    pub label: SentimentLabel,
    /// Why.
    pub note: Option<String>,
    /// Who, as far as said.
    pub by: Option<String>,
    /// When.
    pub corrected_at: Timestamp,
    /// What it was said against.
    pub was: ModelLabel,
}

/// A corrected post, for training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LabelledPost {
    /// What was said.
    pub text: String,
    /// Its language; null where not known.
    pub lang: Option<String>,
    /// What the model says now.
    pub model_label: SentimentLabel,
    /// The correction.
    #[serde(flatten)]
    pub correction: LabelCorrection,
}
