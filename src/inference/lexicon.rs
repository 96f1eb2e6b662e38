//! Word list that scores texts when no trained model is available.
//!
//! Valence comes from VADER's lexicon with its simplest rules: a negation within the three preceding words inverts a
//! word, and a booster before it strengthens it. Emotion, toxicity and churn come from a short hand-written list of
//! cues. Nothing here was tuned on data, so every score names `lexicon` as its model.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{InferenceError, Prediction, Scorer, ScorerFactory};
use crate::models::score::{EMOTIONS, ModelId};

const VALENCES: &str = include_str!("../../weights/lexicon/vader.tsv");
const CUES: &str = include_str!("../../weights/lexicon/cues.tsv");

/// Maximum number of words scored, which bounds the time spent on pasted text.
const N_WORDS_MAX: usize = 512;
/// Number of following words that a negation affects, as in VADER.
const NEGATION_REACH: usize = 3;
/// Factor that a negation applies to a word's valence, as in VADER.
const NEGATED: f32 = -0.74;
/// Valence that a preceding booster adds, as in VADER.
const BOOST: f32 = 0.293;
/// Constant that scales the sum of valences to between -1 and 1, as in VADER.
const NORMALISER: f32 = 15.0;

const NEGATIONS: [&str; 16] = [
    "not", "no", "never", "none", "without", "nothing", "nor", "hardly", "cannot", "can't", "don't", "won't",
    "isn't", "wasn't", "didn't", "doesn't",
];
const BOOSTERS: [&str; 12] = [
    "very",
    "really",
    "so",
    "extremely",
    "absolutely",
    "totally",
    "incredibly",
    "completely",
    "fucking",
    "super",
    "too",
    "such",
];

/// Factory for [`Lexicon`] scorers, which share one copy of the list.
pub struct LexiconFactory {
    words: Arc<Words>,
    model: Arc<ModelId>,
}

impl LexiconFactory {
    /// Parses the compiled-in lists.
    pub fn new() -> Self {
        let mut hash = Sha256::new();
        hash.update(VALENCES);
        hash.update(CUES);
        let model =
            ModelId { name: "lexicon".into(), version: "1".into(), hash: hex::encode(hash.finalize()) };
        Self { words: Arc::new(Words::read()), model: Arc::new(model) }
    }
}

impl ScorerFactory for LexiconFactory {
    fn model(&self) -> Arc<ModelId> {
        Arc::clone(&self.model)
    }

    fn build(&self) -> Result<Box<dyn Scorer>, InferenceError> {
        Ok(Box::new(Lexicon { words: Arc::clone(&self.words), model: self.model() }))
    }
}

struct Lexicon {
    words: Arc<Words>,
    model: Arc<ModelId>,
}

impl Scorer for Lexicon {
    fn model(&self) -> &Arc<ModelId> {
        &self.model
    }

    fn score(&mut self, texts: &[&str]) -> Result<Vec<Prediction>, InferenceError> {
        Ok(texts.iter().map(|text| self.words.read_text(text)).collect())
    }
}

/// What a cue is evidence of.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Signal {
    Emotion(usize),
    Toxicity,
    Churn,
}

struct Cue {
    signal: Signal,
    /// Words of the cue; a trailing `*` matches any ending.
    words: Vec<&'static str>,
}

struct Words {
    valences: HashMap<&'static str, f32>,
    cues: Vec<Cue>,
    /// First letters of all cues, so that most words can be skipped at once.
    starts: HashSet<char>,
}

impl Words {
    fn read() -> Self {
        let valences =
            pairs(VALENCES).filter_map(|(word, valence)| Some((word, valence.parse().ok()?))).collect();
        let cues: Vec<Cue> = pairs(CUES)
            .filter_map(|(name, phrase)| {
                let signal = match name {
                    "toxicity" => Signal::Toxicity,
                    "churn" => Signal::Churn,
                    _ => Signal::Emotion(EMOTIONS.iter().position(|emotion| *emotion == name)?),
                };
                Some(Cue { signal, words: phrase.split(' ').collect() })
            })
            .collect();
        let starts = cues.iter().filter_map(|cue| cue.words.first()?.chars().next()).collect();
        Self { valences, cues, starts }
    }

    fn read_text(&self, text: &str) -> Prediction {
        let words = split(text);
        let valence = self.valence(&words);
        let mut emotion = [0.0_f32; 7];
        let (mut n_toxic, mut n_churn) = (0_u8, 0_u8);
        let signals = self.signals(&words);
        // A text without any listed word has no prediction.
        let uncertain = valence == 0.0 && signals.is_empty();
        for signal in signals {
            match signal {
                Signal::Emotion(i) => {
                    if let Some(hits) = emotion.get_mut(i) {
                        *hits += 1.0;
                    }
                }
                Signal::Toxicity => n_toxic = n_toxic.saturating_add(1),
                Signal::Churn => n_churn = n_churn.saturating_add(1),
            }
        }
        Prediction {
            sentiment: softmax([-4.0 * valence, 1.0, 4.0 * valence]),
            emotion: shares(emotion),
            toxicity: match n_toxic {
                0 => 0.05,
                1 => 0.6,
                _ => 0.85,
            },
            churn_risk: match n_churn {
                // A complaint is not a cancellation, only slightly closer to one.
                0 => 0.05 + 0.15 * (-valence).max(0.0),
                // A cue within praise more likely refers to something else.
                1 if valence > 0.3 => 0.5,
                _ => 0.85,
            },
            uncertain,
        }
    }

    /// Returns VADER's compound score, from -1 to 1.
    fn valence(&self, words: &[String]) -> f32 {
        let mut sum = 0.0_f32;
        for (i, word) in words.iter().enumerate() {
            let Some(valence) = self.valences.get(word.as_str()) else {
                continue;
            };
            let before = words.get(i.saturating_sub(NEGATION_REACH)..i).unwrap_or_default();
            let boosted = before.last().is_some_and(|word| BOOSTERS.contains(&word.as_str()));
            let negated = before.iter().any(|word| NEGATIONS.contains(&word.as_str()));
            let valence = if boosted { valence + BOOST.copysign(*valence) } else { *valence };
            sum += if negated { valence * NEGATED } else { valence };
        }
        sum / (sum * sum + NORMALISER).sqrt()
    }

    fn signals(&self, words: &[String]) -> Vec<Signal> {
        let mut found = Vec::new();
        for (i, word) in words.iter().enumerate() {
            if !word.chars().next().is_some_and(|first| self.starts.contains(&first)) {
                continue;
            }
            let Some(rest) = words.get(i..) else { continue };
            let denied = words
                .get(i.saturating_sub(NEGATION_REACH)..i)
                .unwrap_or_default()
                .iter()
                .any(|word| NEGATIONS.contains(&word.as_str()));
            for cue in &self.cues {
                if cue.matches(rest) && !(denied && cue.signal != Signal::Toxicity) {
                    found.push(cue.signal);
                }
            }
        }
        found
    }
}

impl Cue {
    fn matches(&self, words: &[String]) -> bool {
        words.len() >= self.words.len()
            && self.words.iter().zip(words).all(|(pattern, word)| match pattern.strip_suffix('*') {
                Some(stem) => word.starts_with(stem),
                None => pattern == word,
            })
    }
}

fn pairs(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    table.lines().filter_map(|line| line.split_once('\t'))
}

/// Splits a text into lower-case words without surrounding punctuation. Emoticons stay whole, every emoji is a word of
/// its own, and mentions become `@user`.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for piece in text.split_whitespace() {
        if words.len() >= N_WORDS_MAX {
            break;
        }
        let piece = piece.to_lowercase().replace('’', "'");
        if piece.starts_with('@') {
            words.push("@user".to_owned());
            continue;
        }
        if !piece.chars().any(char::is_alphanumeric) && piece.is_ascii() {
            words.push(piece);
            continue;
        }
        let mut word = String::new();
        for letter in piece.chars() {
            if letter.is_alphanumeric() || letter == '\'' {
                word.push(letter);
                continue;
            }
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            if !letter.is_ascii() {
                words.push(letter.to_string());
            }
        }
        if !word.is_empty() {
            words.push(word);
        }
        if let Some(emoticon) = [":)", ":(", ":d"].into_iter().find(|ending| piece.ends_with(ending)) {
            words.push(emoticon.to_owned());
        }
    }
    words.truncate(N_WORDS_MAX);
    words
}

fn softmax(logits: [f32; 3]) -> [f32; 3] {
    let powers = logits.map(f32::exp);
    let sum: f32 = powers.iter().sum();
    powers.map(|power| power / sum)
}

/// Adds a hit for neutral and converts the hits to shares that sum to 1.
fn shares(mut hits: [f32; 7]) -> [f32; 7] {
    if let Some(neutral) = hits.get_mut(4) {
        *neutral += 0.7;
    }
    let sum: f32 = hits.iter().sum();
    hits.map(|hit| hit / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Prediction {
        LexiconFactory::new().build().unwrap().score(&[text]).unwrap().remove(0)
    }

    fn check(text: &str, label: usize) {
        let sentiment = read(text).sentiment;
        let strongest = (0..3).max_by(|a, b| sentiment[*a].total_cmp(&sentiment[*b])).unwrap();
        assert_eq!(strongest, label, "{text}: {sentiment:?}");
        assert!((sentiment.iter().sum::<f32>() - 1.0).abs() < 1e-4);
    }

    #[test]
    fn praise_is_positive_and_complaint_negative() {
        check("This is a great phone, I love it", 2);
        check("Terrible service, I hate it", 0);
        check("The train leaves at ten", 1);
    }

    #[test]
    fn a_negation_inverts_a_word() {
        check("this is not good", 0);
        check("not bad at all", 2);
    }

    #[test]
    fn leaving_is_churn_and_denying_it_is_not() {
        assert!(read("I am cancelling my subscription today").churn_risk >= 0.8);
        assert!(read("I would never cancel my subscription").churn_risk < 0.8);
        assert!(read("the meeting is over").churn_risk < 0.3);
    }

    #[test]
    fn cues_name_an_emotion() {
        let strongest =
            |text: &str| crate::models::score::EmotionScores::from_array(read(text).emotion).strongest();
        assert_eq!(EMOTIONS[strongest("so scared right now")], "fear");
        assert_eq!(EMOTIONS[strongest("what a day 😂😂")], "joy");
        assert_eq!(EMOTIONS[strongest("the bus is blue")], "neutral");
    }

    #[test]
    fn every_emotion_signal_and_every_valence_was_read() {
        let words = Words::read();
        assert!(words.valences.len() > 7_000);
        assert_eq!(words.cues.len(), CUES.lines().count());
    }

    #[test]
    fn anything_at_all_gets_finite_numbers() {
        let long = "so good ".repeat(20_000);
        for text in ["", " \n\t", "\0\0", "🏳️‍🌈", "مرحبا بالعالم", "!!!!", "@", "''", long.as_str()]
        {
            let prediction = read(text);
            let numbers = prediction
                .sentiment
                .iter()
                .chain(&prediction.emotion)
                .chain([&prediction.toxicity, &prediction.churn_risk]);
            assert!(
                numbers.into_iter().all(|number| number.is_finite() && (0.0..=1.0).contains(number)),
                "{text:?}"
            );
        }
    }
}
