//! What a model says about one post.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The seven emotions, in the order every model output and every stored array uses.
pub const EMOTIONS: [&str; 7] = ["anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"];

/// Churn risk at or above which a post counts as `high` and is flagged to the alerter.
pub const CHURN_HIGH: f32 = 0.8;

/// Predicted virality, 0 to 100, at or above which an index of its own finds a score.
pub const VIRALITY_HIGH: f32 = 60.0;

/// Confidence below which a label is shown as uncertain: the other two are then as likely as it is.
pub const UNCERTAIN_BELOW: f32 = 0.5;

/// How a post feels about what it speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SentimentLabel {
    /// It is pleased.
    Positive,
    /// It takes no side, or both.
    Neutral,
    /// It is displeased.
    Negative,
}

impl SentimentLabel {
    /// The label as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Neutral => "neutral",
            Self::Negative => "negative",
        }
    }
}

/// The sentiment head's answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sentiment {
    /// The likeliest of the three.
    pub label: SentimentLabel,
    /// P(positive) − P(negative), −1 to 1.
    pub score: f32,
    /// The probability of `label`, 0 to 1, calibrated: of labels given at 0.7, about seven in ten are right.
    pub confidence: f32,
    /// Whether the label should not be relied on: `confidence` is under 0.5, or the model could hardly read the text.
    #[serde(default)]
    pub uncertain: bool,
}

/// One number for each of the seven emotions: independent probabilities, so they need not sum to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "the field names are the documentation")]
pub struct EmotionScores {
    pub anger: f32,
    pub disgust: f32,
    pub fear: f32,
    pub joy: f32,
    pub neutral: f32,
    pub sadness: f32,
    pub surprise: f32,
}

impl EmotionScores {
    /// In the order of [`EMOTIONS`].
    pub const fn to_array(self) -> [f32; 7] {
        [self.anger, self.disgust, self.fear, self.joy, self.neutral, self.sadness, self.surprise]
    }

    /// From the order of [`EMOTIONS`].
    pub const fn from_array([anger, disgust, fear, joy, neutral, sadness, surprise]: [f32; 7]) -> Self {
        Self { anger, disgust, fear, joy, neutral, sadness, surprise }
    }

    /// The index in [`EMOTIONS`] of the strongest; the first of equals.
    pub fn strongest(self) -> usize {
        let mut best = (0, f32::MIN);
        for (i, value) in self.to_array().into_iter().enumerate() {
            if value > best.1 {
                best = (i, value);
            }
        }
        best.0
    }
}

/// The emotion head's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Emotion {
    /// The strongest of the seven.
    pub label: String,
    /// All seven.
    pub scores: EmotionScores,
}

/// Which model answered. Every stored score carries it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct ModelId {
    /// Such as `swift`, or `lexicon` when no model could be loaded.
    pub name: String,
    /// The version of its weights.
    pub version: String,
    /// SHA-256 of its weights, in hex.
    pub hash: String,
}

/// Everything a model says about one post.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Score {
    /// Pleased or not.
    pub sentiment: Sentiment,
    /// Which of seven emotions.
    pub emotion: Emotion,
    /// Probability that it is toxic, 0 to 1.
    pub toxicity: f32,
    /// Probability that its author is about to leave, 0 to 1.
    pub churn_risk: f32,
    /// How far it is likely to travel, 0 to 100, by the documented rules `rules-1`.
    pub virality: f32,
    /// Who says so.
    #[schema(value_type = ModelId)]
    pub model: Arc<ModelId>,
}
