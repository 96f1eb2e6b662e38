//! Conversion of model output into the scores that are stored.

use std::sync::Arc;

use crate::enrich::{self, Enricher};
use crate::inference::deferral::{Candidate, uncertainty, work};
use crate::inference::{InferenceError, Prediction, Scorer};
use crate::models::new_post::AcceptedPost;
use crate::models::post::{Post, ScoredPost};
use crate::models::score::{
    EMOTIONS, Emotion, EmotionScores, ModelId, Score, Sentiment, SentimentLabel, UNCERTAIN_BELOW,
};
use crate::virality::score::{Signals, virality};

/// Scored posts of a batch, with what the cascade needs to select candidates for the deep model.
pub struct Scored {
    /// Scored posts in the order of the batch.
    pub posts: Vec<ScoredPost>,
    /// Uncertainty and cost of each post.
    pub candidates: Vec<Candidate>,
}

/// Enriches and scores a batch from the stream.
///
/// # Errors
/// If the scorer rejects the whole batch.
pub fn score_posts(
    scorer: &mut dyn Scorer,
    enricher: &Enricher,
    accepted: Vec<AcceptedPost>,
) -> Result<Scored, InferenceError> {
    let texts: Vec<&str> = accepted.iter().map(|accepted| accepted.post.text.as_str()).collect();
    let predictions = predict_all(scorer, &texts)?;
    let candidate = |(text, prediction): (&&str, &Prediction)| Candidate {
        uncertainty: uncertainty(prediction),
        work: work(text),
    };
    let candidates = texts.iter().zip(&predictions).map(candidate).collect();
    let scored = accepted.into_iter().zip(predictions).map(|(accepted, prediction)| {
        let post = enricher.enrich(accepted);
        let score = score_of_post(scorer, prediction, &post);
        ScoredPost { post, score, awaits_correction: false }
    });
    Ok(Scored { posts: scored.collect(), candidates })
}

/// Scores stored posts again, with another model.
///
/// # Errors
/// If the scorer rejects the whole batch.
pub fn rescore_posts(scorer: &mut dyn Scorer, posts: &[&ScoredPost]) -> Result<Vec<Score>, InferenceError> {
    let texts: Vec<&str> = posts.iter().map(|scored| scored.post.text.as_str()).collect();
    let predictions = predict_all(scorer, &texts)?;
    let pairs = posts.iter().zip(predictions);
    Ok(pairs.map(|(scored, prediction)| score_of_post(scorer, prediction, &scored.post)).collect())
}

/// Returns one prediction per text. Too few predictions are an error, because pairing them with the posts would
/// silently drop some posts.
fn predict_all(scorer: &mut dyn Scorer, texts: &[&str]) -> Result<Vec<Prediction>, InferenceError> {
    let predictions = scorer.score(texts)?;
    if predictions.len() == texts.len() {
        return Ok(predictions);
    }
    Err(InferenceError::WrongShape {
        output: "predictions".to_owned(),
        expected: texts.len(),
        actual: predictions.len(),
    })
}

fn score_of_post(scorer: &dyn Scorer, mut prediction: Prediction, post: &Post) -> Score {
    prediction.uncertain |= post.lang.as_deref().is_some_and(|language| !scorer.supports_language(language));
    let emotions = EmotionScores::from_array(prediction.emotion);
    let signals = Signals { text: &post.text, reach: post.reach, engagement: post.engagement, emotions };
    score_of(&prediction, virality(&signals), Arc::clone(scorer.model()))
}

/// Scores texts that are not part of posts.
///
/// # Errors
/// If the scorer rejects all of them.
pub fn score_texts(scorer: &mut dyn Scorer, texts: &[String]) -> Result<Vec<Score>, InferenceError> {
    let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
    let predictions = predict_all(scorer, &borrowed)?;
    let model = Arc::clone(scorer.model());
    let scores = borrowed.iter().zip(predictions).map(|(text, mut prediction)| {
        prediction.uncertain |=
            enrich::language_of(text).is_some_and(|language| !scorer.supports_language(language));
        let emotions = EmotionScores::from_array(prediction.emotion);
        let virality = virality(&Signals { text, reach: 0, engagement: None, emotions });
        score_of(&prediction, virality, Arc::clone(&model))
    });
    Ok(scores.collect())
}

fn score_of(prediction: &Prediction, virality: f32, model: Arc<ModelId>) -> Score {
    let [negative, neutral, positive] = prediction.sentiment;
    // On a tie the milder label wins: neutral before negative before positive.
    let mut best = (SentimentLabel::Neutral, neutral);
    for candidate in [(SentimentLabel::Negative, negative), (SentimentLabel::Positive, positive)] {
        if candidate.1 > best.1 {
            best = candidate;
        }
    }
    let scores = EmotionScores::from_array(prediction.emotion);
    let label = EMOTIONS.get(scores.strongest()).copied().unwrap_or("neutral");
    Score {
        sentiment: Sentiment {
            label: best.0,
            score: positive - negative,
            confidence: best.1,
            uncertain: prediction.uncertain || best.1 < UNCERTAIN_BELOW,
        },
        emotion: Emotion { label: label.to_owned(), scores },
        toxicity: prediction.toxicity,
        churn_risk: prediction.churn_risk,
        virality,
        model,
    }
}
