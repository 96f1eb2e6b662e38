//! From what a model reads to the score that is stored.

use std::sync::Arc;

use crate::enrich::{self, Enricher};
use crate::inference::{InferenceError, Reading, Scorer};
use crate::models::post::{AcceptedPost, ScoredPost};
use crate::models::score::{
    EMOTIONS, Emotion, EmotionScores, ModelId, Score, Sentiment, SentimentLabel, UNCERTAIN_BELOW,
};
use crate::virality::rules::{Signals, virality};

/// Understands and scores a batch from the stream.
///
/// # Errors
/// When the scorer refuses the batch as a whole.
pub fn score_posts(
    scorer: &mut dyn Scorer,
    enricher: &Enricher,
    accepted: Vec<AcceptedPost>,
) -> Result<Vec<ScoredPost>, InferenceError> {
    let texts: Vec<&str> = accepted.iter().map(|accepted| accepted.post.text.as_str()).collect();
    let readings = scorer.score(&texts)?;
    if readings.len() != accepted.len() {
        // Pairing what there is would drop posts without a word.
        return Err(InferenceError::WrongShape {
            output: "readings".to_owned(),
            expected: accepted.len(),
            actual: readings.len(),
        });
    }
    let model = Arc::clone(scorer.model());
    let scored = accepted.into_iter().zip(readings).map(|(accepted, mut reading)| {
        let post = enricher.enrich(accepted);
        reading.doubtful |= post.lang.as_deref().is_some_and(|language| !scorer.reads(language));
        let emotions = EmotionScores::from_array(reading.emotion);
        let virality =
            virality(&Signals { text: &post.text, reach: post.reach, engagement: post.engagement, emotions });
        let score = score_of(&reading, virality, Arc::clone(&model));
        ScoredPost { post, score, awaits_correction: false }
    });
    Ok(scored.collect())
}

/// Scores texts of which nothing else is known.
///
/// # Errors
/// When the scorer refuses them as a whole.
pub fn score_texts(scorer: &mut dyn Scorer, texts: &[String]) -> Result<Vec<Score>, InferenceError> {
    let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
    let readings = scorer.score(&borrowed)?;
    let model = Arc::clone(scorer.model());
    let scores = borrowed.iter().zip(readings).map(|(text, mut reading)| {
        reading.doubtful |= enrich::language_of(text).is_some_and(|language| !scorer.reads(language));
        let emotions = EmotionScores::from_array(reading.emotion);
        let virality = virality(&Signals { text, reach: 0, engagement: None, emotions });
        score_of(&reading, virality, Arc::clone(&model))
    });
    Ok(scores.collect())
}

fn score_of(reading: &Reading, virality: f32, model: Arc<ModelId>) -> Score {
    let [negative, neutral, positive] = reading.sentiment;
    // Of equals the milder: neutral before negative before positive.
    let mut best = (SentimentLabel::Neutral, neutral);
    for candidate in [(SentimentLabel::Negative, negative), (SentimentLabel::Positive, positive)] {
        if candidate.1 > best.1 {
            best = candidate;
        }
    }
    let scores = EmotionScores::from_array(reading.emotion);
    let label = EMOTIONS.get(scores.strongest()).copied().unwrap_or("neutral");
    Score {
        sentiment: Sentiment {
            label: best.0,
            score: positive - negative,
            confidence: best.1,
            uncertain: reading.doubtful || best.1 < UNCERTAIN_BELOW,
        },
        emotion: Emotion { label: label.to_owned(), scores },
        toxicity: reading.toxicity,
        churn_risk: reading.churn_risk,
        virality,
        model,
    }
}
