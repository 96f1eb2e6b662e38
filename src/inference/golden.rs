//! `golden.json` of a model's folder: texts, with the ids and answers that those who made the model had.
//!
//! Hashes tell whether the files are those of the manifest. Only answers tell whether the manifest is right: whether
//! the tokenizer is the network's, and the labels are in the order of its outputs.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::heads::HeadKind;
use super::{InferenceError, Reading};

/// How far an answer may be from the one it should be. Processors round quantized networks differently, by a few
/// hundredths; exchanged labels are off by most of a probability.
const TOLERANCE: f32 = 0.2;

/// Texts that are answered again when a model is loaded: the first, which should be clear ones. Ids are compared of
/// all texts.
const N_ANSWERED: usize = 4;

/// What a model made of a text. Answers are there for its heads, as far as they were noted.
#[derive(Debug, Deserialize)]
pub struct GoldenRow {
    /// The text.
    pub text: String,
    /// What the network was given of it.
    pub ids: Vec<i64>,
    sentiment: Option<[f32; 3]>,
    emotion: Option<[f32; 7]>,
    toxicity: Option<f32>,
    churn_risk: Option<f32>,
}

/// All rows of a folder. Models from elsewhere need have none.
#[derive(Debug)]
pub struct Golden {
    path: PathBuf,
    rows: Vec<GoldenRow>,
}

impl Golden {
    /// Reads the file of a folder, if there is one.
    ///
    /// # Errors
    /// When it is there and cannot be understood.
    pub fn read(folder: &Path) -> Result<Self, InferenceError> {
        let path = folder.join("golden.json");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self { path, rows: Vec::new() }),
            Err(source) => return Err(InferenceError::Unreadable { path, source }),
        };
        match serde_json::from_slice(&bytes) {
            Ok(rows) => Ok(Self { path, rows }),
            Err(error) => Err(InferenceError::Malformed { path, reason: error.to_string() }),
        }
    }

    /// Compares what a tokenizer makes of the texts.
    ///
    /// # Errors
    /// When it makes something else of one: it is another model's.
    pub fn check_ids(
        &self,
        mut encode: impl FnMut(&str) -> Result<Vec<i64>, InferenceError>,
    ) -> Result<(), InferenceError> {
        for row in &self.rows {
            if encode(&row.text)? != row.ids {
                return Err(
                    self.refused(&row.text, "the tokenizer makes other ids of it: it is another model's")
                );
            }
        }
        Ok(())
    }

    /// Compares what a network says of the first texts, as far as it has these heads.
    ///
    /// # Errors
    /// When it says something else of one: the manifest describes its outputs wrongly, perhaps.
    pub fn check_answers(
        &self,
        heads: &[HeadKind],
        mut answer: impl FnMut(&str) -> Result<Reading, InferenceError>,
    ) -> Result<(), InferenceError> {
        for row in self.rows.iter().take(N_ANSWERED) {
            let reading = answer(&row.text)?;
            for kind in heads {
                if !row.agrees(*kind, &reading) {
                    let what = format!("`{}` is far from what it should be", kind.as_str());
                    return Err(self.refused(&row.text, &what));
                }
            }
        }
        Ok(())
    }

    fn refused(&self, text: &str, what: &str) -> InferenceError {
        let start: String = text.chars().take(40).collect();
        InferenceError::Disagrees { path: self.path.clone(), reason: format!("of {start:?}: {what}") }
    }
}

impl GoldenRow {
    fn agrees(&self, kind: HeadKind, reading: &Reading) -> bool {
        let near = |expected: &[f32], actual: &[f32]| {
            expected.iter().zip(actual).all(|(expected, actual)| (expected - actual).abs() <= TOLERANCE)
        };
        match kind {
            HeadKind::Sentiment => self.sentiment.is_none_or(|expected| near(&expected, &reading.sentiment)),
            HeadKind::Emotion => self.emotion.is_none_or(|expected| near(&expected, &reading.emotion)),
            HeadKind::Toxicity => self.toxicity.is_none_or(|expected| near(&[expected], &[reading.toxicity])),
            HeadKind::ChurnRisk => {
                self.churn_risk.is_none_or(|expected| near(&[expected], &[reading.churn_risk]))
            }
        }
    }
}
