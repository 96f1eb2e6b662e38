//! Scores that a model gives a post.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Emotions, in the order of every model output and every stored array.
pub const EMOTIONS: [&str; 7] = ["anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"];

/// Churn risk at or above which a post counts as high risk and is reported to the alerter.
pub const CHURN_HIGH: f32 = 0.8;

/// Predicted virality (0 to 100) at or above which posts enter a dedicated index.
pub const VIRALITY_HIGH: f32 = 60.0;

/// Confidence below which a label is shown as uncertain, because the other two labels together are then at least as likely.
pub const UNCERTAIN_BELOW: f32 = 0.5;

/// Sentiment of a post towards its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SentimentLabel {
    /// Pleased.
    Positive,
    /// Taking no side, or both.
    Neutral,
    /// Displeased.
    Negative,
}

impl SentimentLabel {
    /// Returns the label that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Neutral => "neutral",
            Self::Negative => "negative",
        }
    }
}

/// Output of the sentiment head.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sentiment {
    /// Most likely label.
    pub label: SentimentLabel,
    /// P(positive) − P(negative), −1 to 1.
    pub score: f32,
    /// Probability of `label`, 0 to 1, calibrated: of labels with 0.7, about seven in ten are correct.
    pub confidence: f32,
    /// Whether the label is unreliable: `confidence` is below 0.5, or the model could hardly process the text.
    #[serde(default)]
    pub uncertain: bool,
}

/// Independent probabilities of the seven emotions, which need not sum to 1.
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
    /// Returns the scores in the order of [`EMOTIONS`].
    pub const fn to_array(self) -> [f32; 7] {
        [self.anger, self.disgust, self.fear, self.joy, self.neutral, self.sadness, self.surprise]
    }

    /// Creates scores from values in the order of [`EMOTIONS`].
    pub const fn from_array([anger, disgust, fear, joy, neutral, sadness, surprise]: [f32; 7]) -> Self {
        Self { anger, disgust, fear, joy, neutral, sadness, surprise }
    }

    /// Returns the strongest emotion as an index into [`EMOTIONS`]. Ties go to the first.
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

/// Output of the emotion head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Emotion {
    /// Strongest of the seven emotions.
    pub label: String,
    /// Probabilities of all seven emotions.
    pub scores: EmotionScores,
}

/// Model that gave a score. Every stored score carries it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct ModelId {
    /// Name such as `swift`, or `lexicon` when no model could be loaded.
    pub name: String,
    /// Version of the weights.
    pub version: String,
    /// SHA-256 of the weights, in hex.
    pub hash: String,
}

/// Score of a post.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Score {
    /// Sentiment.
    pub sentiment: Sentiment,
    /// Emotion.
    pub emotion: Emotion,
    /// Probability that the post is toxic, 0 to 1.
    pub toxicity: f32,
    /// Probability that the author is about to leave, 0 to 1.
    pub churn_risk: f32,
    /// Predicted virality, 0 to 100, by the documented rules `rules-1`.
    pub virality: f32,
    /// Model that gave the score.
    #[schema(value_type = ModelId)]
    pub model: Arc<ModelId>,
}
