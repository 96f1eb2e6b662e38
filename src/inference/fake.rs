//! A test model that is driven by keywords, some of which make it fail. Compiled only into tests, debug builds, and builds
//! with the feature `test-models`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::{InferenceError, Prediction, Scorer, ScorerFactory, Tier};
use crate::models::score::ModelId;

/// Keyword that makes the scorer panic, as a bug in native code might.
const PANIC: &str = "poison-panic";
/// Keyword that makes the scorer return an error.
const ERROR: &str = "poison-error";
/// Keyword that makes only the deep scorer panic.
const DEEP_PANIC: &str = "poison-deep";

/// Keyword that makes this process's deep scorers fail as if out of resources, until the text has been scored in a
/// batch of its own.
const DEEP_SHORT: &str = "poison-once";

/// Texts with [`DEEP_SHORT`] that have been scored in a batch of their own.
static STOOD_ALONE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Factory for one tier's fake scorers.
pub struct FakeFactory {
    /// Tier whose model to imitate. The deep tier understands `maybe` and `kidding`, which mislead the swift one.
    pub tier: Tier,
}

impl ScorerFactory for FakeFactory {
    fn model(&self) -> Arc<ModelId> {
        let name = match self.tier {
            Tier::Swift => "fake",
            Tier::Deep => "fake-deep",
        };
        Arc::new(ModelId { name: name.into(), version: "1".into(), hash: "0".repeat(64) })
    }

    fn build(&self) -> Result<Box<dyn Scorer>, InferenceError> {
        Ok(Box::new(Fake { tier: self.tier, model: self.model() }))
    }
}

/// Scorer with fixed results: `love` is joy, `hate` is anger, `idiot` is toxic, `cancel` is churn at 0.95, and anything
/// else is neutral.
///
/// The swift tier scores `maybe` as neutral and uncertain and ignores `kidding`. The deep tier ignores `maybe` and
/// scores any text with `kidding` as neutral.
struct Fake {
    tier: Tier,
    model: Arc<ModelId>,
}

impl Scorer for Fake {
    fn model(&self) -> &Arc<ModelId> {
        &self.model
    }

    fn score(&mut self, texts: &[&str]) -> Result<Vec<Prediction>, InferenceError> {
        if self.tier == Tier::Deep && texts.iter().any(|text| falls_short(text, texts.len() == 1)) {
            return Err(InferenceError::Runtime(format!("the text contains `{DEEP_SHORT}`")));
        }
        texts.iter().map(|text| read(self.tier, &text.to_lowercase())).collect()
    }
}

fn falls_short(text: &str, is_alone: bool) -> bool {
    if !text.contains(DEEP_SHORT) {
        return false;
    }
    let mut stood_alone = STOOD_ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let falls_short = !stood_alone.contains(text);
    if falls_short && is_alone {
        stood_alone.insert(text.to_owned());
    }
    falls_short
}

fn read(tier: Tier, text: &str) -> Result<Prediction, InferenceError> {
    assert!(!text.contains(PANIC), "the text contains `{PANIC}`");
    assert!(tier == Tier::Swift || !text.contains(DEEP_PANIC), "the text contains `{DEEP_PANIC}`");
    if text.contains(ERROR) {
        return Err(InferenceError::Refused(ERROR));
    }
    if tier == Tier::Swift && text.contains("maybe") {
        let unsure = [0.30, 0.40, 0.30];
        return Ok(Prediction { sentiment: unsure, uncertain: true, ..plain("") });
    }
    if tier == Tier::Deep && text.contains("kidding") {
        return Ok(plain(""));
    }
    Ok(plain(text))
}

fn plain(text: &str) -> Prediction {
    let (sentiment, emotion) = match (text.contains("love"), text.contains("hate")) {
        (true, false) => ([0.05, 0.10, 0.85], [0.0, 0.0, 0.0, 0.9, 0.1, 0.0, 0.0]),
        (false, true) => ([0.85, 0.10, 0.05], [0.9, 0.0, 0.0, 0.0, 0.1, 0.0, 0.0]),
        _ => ([0.10, 0.80, 0.10], [0.0, 0.0, 0.0, 0.0, 0.9, 0.0, 0.0]),
    };
    Prediction {
        sentiment,
        emotion,
        toxicity: if text.contains("idiot") { 0.9 } else { 0.05 },
        churn_risk: if text.contains("cancel") { 0.95 } else { 0.05 },
        uncertain: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(text: &str) -> Result<Vec<Prediction>, InferenceError> {
        FakeFactory { tier: Tier::Swift }.build().unwrap().score(&["plain", text])
    }

    fn deep(text: &str) -> Prediction {
        FakeFactory { tier: Tier::Deep }.build().unwrap().score(&[text]).unwrap()[0]
    }

    #[test]
    fn key_words_decide() {
        assert!(score("I LOVE it").unwrap()[1].sentiment[2] > 0.8);
        assert!(score("I hate it").unwrap()[1].sentiment[0] > 0.8);
        assert!(score("cancel it").unwrap()[1].churn_risk > 0.9);
    }

    #[test]
    fn only_the_deep_tier_understands_maybe_and_kidding() {
        let unsure = score("maybe I love it").unwrap()[1];
        assert!(unsure.uncertain && unsure.sentiment[2] < 0.5);
        assert!(deep("maybe I love it").sentiment[2] > 0.8);
        assert!(score("cancel it, kidding").unwrap()[1].churn_risk > 0.9);
        assert!(deep("cancel it, kidding").churn_risk < 0.1);
    }

    #[test]
    fn a_poisoned_text_fails_its_whole_batch() {
        assert!(matches!(score("a poison-error here"), Err(InferenceError::Refused(_))));
    }

    #[test]
    #[should_panic(expected = "poison-panic")]
    fn a_text_can_make_it_panic() {
        let _ = score("poison-panic");
    }

    #[test]
    #[should_panic(expected = "poison-deep")]
    fn a_text_may_make_only_the_deep_tier_fail() {
        assert!(score("poison-deep").is_ok());
        let _ = deep("poison-deep");
    }
}
