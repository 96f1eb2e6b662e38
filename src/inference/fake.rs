//! A model for tests: a few words decide, and two words break it on command.

use std::sync::Arc;

use super::{InferenceError, Reading, Scorer, ScorerFactory};
use crate::models::score::ModelId;

/// A text that contains this makes the scorer panic, as a bug in native code might.
const PANIC: &str = "poison-panic";
/// A text that contains this makes the scorer answer with an error.
const ERROR: &str = "poison-error";

/// Makes [`Fake`] scorers.
pub struct FakeFactory;

impl ScorerFactory for FakeFactory {
    fn model(&self) -> Arc<ModelId> {
        Arc::new(ModelId { name: "fake".into(), version: "1".into(), hash: "0".repeat(64) })
    }

    fn build(&self) -> Result<Box<dyn Scorer>, InferenceError> {
        Ok(Box::new(Fake { model: self.model() }))
    }
}

/// Answers at once and always the same: `love` is joy, `hate` is anger,
/// `idiot` is toxic, `cancel` is churn at 0.95, anything else is neutral.
struct Fake {
    model: Arc<ModelId>,
}

impl Scorer for Fake {
    fn model(&self) -> &Arc<ModelId> {
        &self.model
    }

    fn score(&mut self, texts: &[&str]) -> Result<Vec<Reading>, InferenceError> {
        texts.iter().map(|text| read(&text.to_lowercase())).collect()
    }
}

fn read(text: &str) -> Result<Reading, InferenceError> {
    assert!(!text.contains(PANIC), "the text contains `{PANIC}`");
    if text.contains(ERROR) {
        return Err(InferenceError::Refused(ERROR));
    }
    let (sentiment, emotion) = match (text.contains("love"), text.contains("hate")) {
        (true, false) => ([0.05, 0.10, 0.85], [0.0, 0.0, 0.0, 0.9, 0.1, 0.0, 0.0]),
        (false, true) => ([0.85, 0.10, 0.05], [0.9, 0.0, 0.0, 0.0, 0.1, 0.0, 0.0]),
        _ => ([0.10, 0.80, 0.10], [0.0, 0.0, 0.0, 0.0, 0.9, 0.0, 0.0]),
    };
    Ok(Reading {
        sentiment,
        emotion,
        toxicity: if text.contains("idiot") { 0.9 } else { 0.05 },
        churn_risk: if text.contains("cancel") { 0.95 } else { 0.05 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(text: &str) -> Result<Vec<Reading>, InferenceError> {
        FakeFactory.build().unwrap().score(&["plain", text])
    }

    #[test]
    fn key_words_decide() {
        assert!(score("I LOVE it").unwrap()[1].sentiment[2] > 0.8);
        assert!(score("I hate it").unwrap()[1].sentiment[0] > 0.8);
        assert!(score("cancel it").unwrap()[1].churn_risk > 0.9);
    }

    #[test]
    fn a_poisoned_text_fails_its_whole_batch() {
        assert!(matches!(score("a poison-error here"), Err(InferenceError::Refused(_))));
    }

    #[test]
    #[should_panic(expected = "poison-panic")]
    fn a_text_can_make_it_panic() {
        let _ = score("a poison-panic here");
    }
}
