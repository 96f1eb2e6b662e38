//! From the output of a model to the score that is stored.

use std::sync::Arc;

use crate::enrich::{self, Enricher};
use crate::inference::deferral::{Candidate, doubt, work};
use crate::inference::{InferenceError, Reading, Scorer};
use crate::models::new_post::AcceptedPost;
use crate::models::post::{Post, ScoredPost};
use crate::models::score::{
    EMOTIONS, Emotion, EmotionScores, ModelId, Score, Sentiment, SentimentLabel, UNCERTAIN_BELOW,
};
use crate::virality::rules::{Signals, virality};

/// Scored posts, and their candidates for the deep model.
pub struct Scored {
    /// Posts in the order of the batch.
    pub posts: Vec<ScoredPost>,
    /// Uncertainty and cost of each post.
    pub candidates: Vec<Candidate>,
}

/// Enriches and scores a batch from the stream.
///
/// # Errors
/// When the scorer rejects the whole batch.
pub fn score_posts(
    scorer: &mut dyn Scorer,
    enricher: &Enricher,
    accepted: Vec<AcceptedPost>,
) -> Result<Scored, InferenceError> {
    let texts: Vec<&str> = accepted.iter().map(|accepted| accepted.post.text.as_str()).collect();
    let readings = read_all(scorer, &texts)?;
    let candidate =
        |(text, reading): (&&str, &Reading)| Candidate { doubt: doubt(reading), work: work(text) };
    let candidates = texts.iter().zip(&readings).map(candidate).collect();
    let scored = accepted.into_iter().zip(readings).map(|(accepted, reading)| {
        let post = enricher.enrich(accepted);
        let score = score_of_post(scorer, reading, &post);
        ScoredPost { post, score, awaits_correction: false }
    });
    Ok(Scored { posts: scored.collect(), candidates })
}

/// Scores stored posts with another model.
///
/// # Errors
/// When the scorer rejects the whole batch.
pub fn score_again(scorer: &mut dyn Scorer, posts: &[&ScoredPost]) -> Result<Vec<Score>, InferenceError> {
    let texts: Vec<&str> = posts.iter().map(|scored| scored.post.text.as_str()).collect();
    let readings = read_all(scorer, &texts)?;
    let pairs = posts.iter().zip(readings);
    Ok(pairs.map(|(scored, reading)| score_of_post(scorer, reading, &scored.post)).collect())
}

/// Returns one reading for each text. Fewer are an error: pairing them would silently drop posts.
fn read_all(scorer: &mut dyn Scorer, texts: &[&str]) -> Result<Vec<Reading>, InferenceError> {
    let readings = scorer.score(texts)?;
    if readings.len() == texts.len() {
        return Ok(readings);
    }
    Err(InferenceError::WrongShape {
        output: "readings".to_owned(),
        expected: texts.len(),
        actual: readings.len(),
    })
}

fn score_of_post(scorer: &dyn Scorer, mut reading: Reading, post: &Post) -> Score {
    reading.doubtful |= post.lang.as_deref().is_some_and(|language| !scorer.reads(language));
    let emotions = EmotionScores::from_array(reading.emotion);
    let signals = Signals { text: &post.text, reach: post.reach, engagement: post.engagement, emotions };
    score_of(&reading, virality(&signals), Arc::clone(scorer.model()))
}

/// Scores texts without any other field of a post.
///
/// # Errors
/// When the scorer rejects all of them.
pub fn score_texts(scorer: &mut dyn Scorer, texts: &[String]) -> Result<Vec<Score>, InferenceError> {
    let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
    let readings = read_all(scorer, &borrowed)?;
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
    // Among equals the milder one wins: neutral before negative before positive.
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
