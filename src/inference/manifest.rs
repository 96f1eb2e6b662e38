//! Manifest in a model's folder: its files, inputs and outputs.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::InferenceError;
use super::heads::{Head, HeadKind, HeadSpec};

/// Upper limit on `max_tokens`. No published classifier accepts more, so a larger value is a mistake in the manifest.
const MAX_TOKENS_MAX: usize = 8192;

/// Contents of a model folder's `manifest.json`. Fields that are not needed to run the model are ignored.
#[derive(Debug, Deserialize)]
pub struct Manifest {
    /// Name of the model, such as `swift`.
    pub name: String,
    /// Version of the weights, which is recorded with every score.
    pub version: String,
    /// The network, in ONNX format.
    pub model: FileEntry,
    /// The tokenizer, which defines the vocabulary and all normalisation.
    pub tokenizer: FileEntry,
    /// Inputs that the network requires, each an int64 tensor with one row per text.
    pub inputs: Vec<Input>,
    /// Whether the input includes the tokenizer's start and end tokens.
    #[serde(default)]
    pub special_tokens: bool,
    /// Id of the token that pads a row to the width of its batch.
    pub pad_id: i64,
    /// Maximum tokens per text, including special tokens; longer texts are truncated.
    pub max_tokens: usize,
    /// Number of token ids in the tokenizer, all of which the network must accept.
    pub n_ids: usize,
    /// Padded tokens per run, if measurements favour a value other than the default.
    #[serde(default)]
    pub batch_tokens: Option<usize>,
    /// Languages that the model was trained on, as ISO 639-1 codes; empty if it supports any.
    #[serde(default)]
    pub languages: Vec<String>,
    outputs: Outputs,
}

/// Input of a network, under the name that every exporter of Hugging Face models uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Input {
    /// Ids of the tokens.
    #[serde(rename = "input_ids")]
    Ids,
    /// 1 for a token, 0 for padding.
    #[serde(rename = "attention_mask")]
    Mask,
    /// Always 0, because there is only one segment of text.
    #[serde(rename = "token_type_ids")]
    Types,
}

impl Input {
    /// Returns the input's name in the graph.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ids => "input_ids",
            Self::Mask => "attention_mask",
            Self::Types => "token_type_ids",
        }
    }
}

/// A file of the model and the hash that it must have.
#[derive(Debug, Deserialize)]
pub struct FileEntry {
    /// Name of the file in the model's folder.
    pub file: String,
    /// Expected SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

/// Outputs of the network, one field per head. A network need not have all heads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    sentiment: Option<HeadSpec>,
    emotion: Option<HeadSpec>,
    toxicity: Option<HeadSpec>,
    churn_risk: Option<HeadSpec>,
}

impl Manifest {
    /// Reads and checks a folder's manifest.
    ///
    /// # Errors
    /// If the manifest is missing or malformed.
    pub fn read(folder: &Path) -> Result<Self, InferenceError> {
        let path = Self::path(folder);
        let text =
            fs::read(&path).map_err(|source| InferenceError::Unreadable { path: path.clone(), source })?;
        let malformed = |reason: String| InferenceError::Malformed { path: path.clone(), reason };
        let manifest: Self = serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
        if manifest.name.trim().is_empty() || manifest.version.trim().is_empty() {
            return Err(malformed("`name` or `version` is empty, but scores must name their model".into()));
        }
        if let Some(wrong) = manifest.languages.iter().find(|language| !is_language(language)) {
            return Err(malformed(format!("`{wrong}` in `languages` is not an ISO 639-1 code such as `en`")));
        }
        if !(1..=MAX_TOKENS_MAX).contains(&manifest.max_tokens) {
            let max = MAX_TOKENS_MAX;
            return Err(malformed(format!(
                "`max_tokens` is {} but must be from 1 to {max}",
                manifest.max_tokens
            )));
        }
        if !manifest.inputs.contains(&Input::Ids) {
            return Err(malformed("`inputs` lacks `input_ids`".into()));
        }
        Ok(manifest)
    }

    /// Returns the path of the manifest in a model's folder.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join("manifest.json")
    }

    /// Returns the heads that the network has.
    ///
    /// # Errors
    /// If the specification of a head is not valid, for example because it has an unknown label.
    pub fn heads(&self, folder: &Path) -> Result<Vec<Head>, InferenceError> {
        let Outputs { sentiment, emotion, toxicity, churn_risk } = &self.outputs;
        let specs = [
            (HeadKind::Sentiment, sentiment),
            (HeadKind::Emotion, emotion),
            (HeadKind::Toxicity, toxicity),
            (HeadKind::ChurnRisk, churn_risk),
        ];
        let mut heads = Vec::new();
        for (kind, spec) in specs {
            let Some(spec) = spec else { continue };
            let head = Head::new(kind, spec).map_err(|reason| InferenceError::Malformed {
                path: Self::path(folder),
                reason: format!("`outputs.{}`: {reason}", kind.as_str()),
            })?;
            heads.push(head);
        }
        if heads.is_empty() {
            let reason = "`outputs` is empty".to_owned();
            return Err(InferenceError::Malformed { path: Self::path(folder), reason });
        }
        Ok(heads)
    }
}

/// Returns whether a code consists of two lower-case letters.
fn is_language(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_lowercase())
}

impl FileEntry {
    /// Reads the file and checks its SHA-256.
    ///
    /// # Errors
    /// If the file is missing, truncated or belongs to another model.
    pub fn read(&self, folder: &Path) -> Result<Vec<u8>, InferenceError> {
        let path = folder.join(&self.file);
        let bytes =
            fs::read(&path).map_err(|source| InferenceError::Unreadable { path: path.clone(), source })?;
        let actual = hex::encode(Sha256::digest(&bytes));
        if !actual.eq_ignore_ascii_case(&self.sha256) {
            return Err(InferenceError::WrongFile { path, expected: self.sha256.clone(), actual });
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(change: &[(&str, &str)]) -> Result<Vec<Head>, InferenceError> {
        let mut manifest = r#"{"name":"x","version":"1","model":{"file":"m","sha256":""},"tokenizer":{"file":"t","sha256":""},
            "inputs":["input_ids","attention_mask"],"pad_id":0,"max_tokens":8,"n_ids":9,
            "outputs":{"sentiment":{"name":"logits","activation":"softmax","labels":["negative","neutral","positive"]}}}"#
            .to_owned();
        for (from, to) in change {
            assert!(manifest.contains(from), "{from}");
            manifest = manifest.replace(from, to);
        }
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("manifest.json"), manifest).unwrap();
        Manifest::read(root.path())?.heads(root.path())
    }

    fn refused(change: &[(&str, &str)], reason: &str) {
        let error = read(change).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains("manifest.json"), "{error}");
    }

    #[test]
    fn an_invalid_manifest_is_refused() {
        assert_eq!(read(&[]).unwrap().len(), 1);
        refused(&[(r#""input_ids","#, "")], "`inputs` lacks `input_ids`");
        refused(&[("attention_mask", "pixels")], "pixels");
        refused(&[(r#""max_tokens":8"#, r#""max_tokens":0"#)], "`max_tokens` is 0");
        refused(&[(r#""max_tokens":8"#, r#""max_tokens":9223372036854775808"#)], "must be from 1 to 8192");
        refused(&[(r#""name":"x""#, r#""name":" ""#)], "`name` or `version` is empty");
        refused(&[(r#""n_ids""#, r#""languages":["english"],"n_ids""#)], "`english` in `languages`");
        refused(
            &[(
                r#""sentiment":{"name":"logits","activation":"softmax","labels":["negative","neutral","positive"]}"#,
                "",
            )],
            "`outputs` is empty",
        );
        refused(&[("neutral", "LABEL_1")], "LABEL_1");
        refused(&[("activation", "activatoin")], "activatoin");
        refused(&[("\"sentiment\"", "\"mood\"")], "mood");
    }

    #[test]
    fn a_truncated_file_is_refused() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("model.onnx"), "half").unwrap();
        let entry = FileEntry { file: "model.onnx".into(), sha256: hex::encode(Sha256::digest("whole")) };
        assert!(matches!(entry.read(root.path()), Err(InferenceError::WrongFile { .. })));
    }
}
