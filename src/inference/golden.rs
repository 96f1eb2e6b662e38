//! `golden.json` of a model folder: texts with the token ids and outputs that the makers of the model recorded.
//!
//! Hashes show whether the files are those of the manifest. Only results show whether the manifest is right: whether
//! the tokenizer belongs to the network, and whether the labels are in the order of its outputs.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::heads::HeadKind;
use super::{InferenceError, Prediction};

/// Tolerance of a probability. Processors round quantized networks differently, by a few hundredths; swapped labels
/// are off by most of a probability.
const TOLERANCE: f32 = 0.2;

/// Texts that are scored when a model is loaded: the first ones, which should be clear. Token ids are compared for
/// all texts.
const N_ANSWERED: usize = 4;

/// Recorded results of a text. Outputs are present for the model's heads, as far as they were recorded.
#[derive(Debug, Deserialize)]
pub struct GoldenRow {
    /// The text.
    pub text: String,
    /// Its token ids.
    pub ids: Vec<i64>,
    sentiment: Option<[f32; 3]>,
    emotion: Option<[f32; 7]>,
    toxicity: Option<f32>,
    churn_risk: Option<f32>,
}

/// All rows of a folder. Models from elsewhere need not have any.
#[derive(Debug)]
pub struct Golden {
    path: PathBuf,
    rows: Vec<GoldenRow>,
}

impl Golden {
    /// Reads the file of a folder, if it exists.
    ///
    /// # Errors
    /// When it exists but cannot be parsed.
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

    /// Compares the tokenizer's ids with the recorded ones.
    ///
    /// # Errors
    /// When they differ: the tokenizer belongs to another model.
    pub fn check_ids(
        &self,
        mut encode: impl FnMut(&str) -> Result<Vec<i64>, InferenceError>,
    ) -> Result<(), InferenceError> {
        for row in &self.rows {
            if encode(&row.text)? != row.ids {
                return Err(
                    self.refused(&row.text, "the tokenizer produces other ids: it belongs to another model")
                );
            }
        }
        Ok(())
    }

    /// Compares the network's outputs for the first texts with the recorded ones, for the heads that it has.
    ///
    /// # Errors
    /// When they differ: the manifest may describe its outputs wrongly.
    pub fn check_answers(
        &self,
        heads: &[HeadKind],
        mut predict: impl FnMut(&str) -> Result<Prediction, InferenceError>,
    ) -> Result<(), InferenceError> {
        for row in self.rows.iter().take(N_ANSWERED) {
            let prediction = predict(&row.text)?;
            for kind in heads {
                if !row.agrees(*kind, &prediction) {
                    let what = format!("`{}` is far from the recorded value", kind.as_str());
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
    fn agrees(&self, kind: HeadKind, prediction: &Prediction) -> bool {
        let near = |expected: &[f32], actual: &[f32]| {
            expected.iter().zip(actual).all(|(expected, actual)| (expected - actual).abs() <= TOLERANCE)
        };
        match kind {
            HeadKind::Sentiment => {
                self.sentiment.is_none_or(|expected| near(&expected, &prediction.sentiment))
            }
            HeadKind::Emotion => self.emotion.is_none_or(|expected| near(&expected, &prediction.emotion)),
            HeadKind::Toxicity => {
                self.toxicity.is_none_or(|expected| near(&[expected], &[prediction.toxicity]))
            }
            HeadKind::ChurnRisk => {
                self.churn_risk.is_none_or(|expected| near(&[expected], &[prediction.churn_risk]))
            }
        }
    }
}
