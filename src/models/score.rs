//! Scores that a model assigns to a post.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Emotions, in the order used by every model output and every stored array.
pub const EMOTIONS: [&str; 7] = ["anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"];

/// Minimum churn risk for a post to count as high risk and be reported to the alerter.
pub const CHURN_HIGH: f32 = 0.8;

/// Minimum predicted virality (0 to 100) for a post to be included in a dedicated index.
pub const VIRALITY_HIGH: f32 = 60.0;

/// Confidence below which a label is shown as uncertain: the other two labels combined are then more likely.
pub const UNCERTAIN_BELOW: f32 = 0.5;

/// Attitude that a post expresses towards its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SentimentLabel {
    /// The author is pleased.
    Positive,
    /// The author takes neither side, or both.
    Neutral,
    /// The author is displeased.
    Negative,
}

impl SentimentLabel {
    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Neutral => "neutral",
            Self::Negative => "negative",
        }
    }
}

/// Sentiment of a post as predicted by the model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sentiment {
    /// Most likely label.
    pub label: SentimentLabel,
    /// P(positive) − P(negative), −1 to 1.
    pub score: f32,
    /// Probability of `label`, 0 to 1, calibrated: of all labels with a confidence of 0.7, about seven in ten are
    /// correct.
    pub confidence: f32,
    /// Whether the label is unreliable: `confidence` is below 0.5, the model does not support the language, or the text
    /// is empty or consists mostly of words unknown to the model.
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
    /// Returns the probabilities in the order of [`EMOTIONS`].
    pub const fn to_array(self) -> [f32; 7] {
        [self.anger, self.disgust, self.fear, self.joy, self.neutral, self.sadness, self.surprise]
    }

    /// Creates scores from probabilities in the order of [`EMOTIONS`].
    pub const fn from_array([anger, disgust, fear, joy, neutral, sadness, surprise]: [f32; 7]) -> Self {
        Self { anger, disgust, fear, joy, neutral, sadness, surprise }
    }

    /// Returns the strongest emotion as an index into [`EMOTIONS`]. If several are equally strong, the first wins.
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

/// Emotions of a post as predicted by the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Emotion {
    /// Strongest of the seven emotions.
    pub label: String,
    /// Probabilities of all seven emotions.
    pub scores: EmotionScores,
}

/// Model that produced a score. It is stored with every score.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct ModelId {
    /// Name of the model, such as `swift`, or `lexicon` if no model could be loaded.
    pub name: String,
    /// Version of the model's weights.
    pub version: String,
    /// SHA-256 of the model's weights, in hexadecimal.
    pub hash: String,
}

/// Everything that a model predicts about a post.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Score {
    /// Sentiment that the post expresses towards its subject.
    pub sentiment: Sentiment,
    /// Emotions that the post expresses.
    pub emotion: Emotion,
    /// Probability that the post is toxic, 0 to 1.
    pub toxicity: f32,
    /// Probability that the author is about to stop being a customer, 0 to 1.
    pub churn_risk: f32,
    /// Predicted virality, 0 to 100, computed by the documented rules `rules-1`.
    pub virality: f32,
    /// Model that produced the score.
    #[schema(value_type = ModelId)]
    pub model: Arc<ModelId>,
}
