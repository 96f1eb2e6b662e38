//! `golden.json` in a model's folder: texts with the token ids and outputs that the model's makers recorded.
//!
//! Hashes only show that the files are the ones that the manifest lists. Whether the manifest itself is right, that is,
//! whether the tokenizer belongs to the network and the labels are in the order of its outputs, can be seen only from
//! results.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::heads::HeadKind;
use super::{InferenceError, Prediction};

/// Tolerance for a probability. Processors differ by a few hundredths in how they round quantized networks; swapped
/// labels differ by far more.
const TOLERANCE: f32 = 0.2;

/// Number of texts scored when a model is loaded. They are the first ones in the file and should be unambiguous. Token
/// ids are compared for all texts.
const N_ANSWERED: usize = 4;

/// Recorded results for one text. An output that was not recorded is `None`.
#[derive(Debug, Deserialize)]
pub struct GoldenRow {
    /// Text as posted, before tokenization.
    pub text: String,
    /// Token ids that the tokenizer must assign to the text.
    pub ids: Vec<i64>,
    sentiment: Option<[f32; 3]>,
    emotion: Option<[f32; 7]>,
    toxicity: Option<f32>,
    churn_risk: Option<f32>,
}

/// Recorded results of a model; empty for third-party models without a `golden.json`.
#[derive(Debug)]
pub struct Golden {
    path: PathBuf,
    rows: Vec<GoldenRow>,
}

impl Golden {
    /// Reads a folder's `golden.json`, if it exists.
    ///
    /// # Errors
    /// If the file exists but cannot be read or parsed.
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

    /// Compares the ids that `encode` returns with the recorded ones.
    ///
    /// # Errors
    /// If they differ, which means that the tokenizer belongs to another model.
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

    /// Compares the network's outputs for the first texts with the recorded ones, skipping heads that it lacks.
    ///
    /// # Errors
    /// If they differ, in which case the manifest may describe the outputs incorrectly.
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
