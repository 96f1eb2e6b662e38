//! Fast path from a text to token ids, for tokenizers of the same form as the shipped ones.
//!
//! The `tokenizers` crate tracks the origin of every byte and runs a regular expression for each rule, whereas only the
//! ids are needed here. The steps before the model are hand-written; the model itself is the crate's, called once for
//! each new piece. The tests compare both paths on every available text.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use tokenizers::{Model as _, ModelWrapper};

use super::super::InferenceError;
use super::normalize::Normalizer;
use super::piece_cache::{Key, WordIds};
use super::split::Splitter;

/// Steps of a `tokenizer.json` that the fast path performs.
pub struct Plan {
    normalizer: Normalizer,
    splitter: Splitter,
    /// Tokens that the fast path does not handle. Texts that contain one are left to the `tokenizers` crate.
    added_tokens: Vec<String>,
}

/// Parts of a `tokenizer.json` other than its model.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    normalizer: Value,
    pre_tokenizer: Value,
    post_processor: Value,
}

#[derive(Deserialize)]
struct AddedToken {
    content: String,
    normalized: bool,
}

impl Plan {
    /// Parses a file; `None` if the fast path does not support one of its parts.
    pub fn of(file: &[u8], model: &ModelWrapper) -> Option<Self> {
        let is_certain = match model {
            ModelWrapper::BPE(model) => model.dropout.is_none(),
            _ => false,
        };
        let file: File = serde_json::from_slice(file).ok()?;
        let is_added_raw =
            file.added_tokens.iter().all(|token| !token.normalized && !token.content.is_empty());
        if !is_certain || !is_added_raw || !file.post_processor.is_null() {
            return None;
        }
        Some(Self {
            normalizer: Normalizer::of(&file.normalizer)?,
            splitter: Splitter::of(&file.pre_tokenizer)?,
            added_tokens: file.added_tokens.into_iter().map(|token| token.content).collect(),
        })
    }
}

/// Executor for a plan; each thread needs its own.
pub struct Encoder {
    plan: Arc<Plan>,
    text: Vec<char>,
    spare: Vec<char>,
    spelling: String,
    spelled: Vec<u32>,
    words: WordIds,
}

impl Encoder {
    /// Creates an encoder with an empty cache.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            plan,
            text: Vec::new(),
            spare: Vec::new(),
            spelling: String::new(),
            spelled: Vec::new(),
            words: WordIds::new(),
        }
    }

    /// Returns the first `n_max` ids of a text, or `None` if only the `tokenizers` crate can compute them.
    ///
    /// # Errors
    /// If the model rejects a piece.
    pub fn encode(
        &mut self,
        raw: &str,
        model: &ModelWrapper,
        n_max: usize,
    ) -> Result<Option<Vec<u32>>, InferenceError> {
        let Self { plan, text, spare, spelling, spelled, words } = self;
        if plan.added_tokens.iter().any(|token| raw.contains(token.as_str()))
            || !plan.normalizer.write(raw, text, spare)
        {
            return Ok(None);
        }
        let mut ids = Vec::with_capacity(text.len() / 3 + 8);
        for piece in plan.splitter.pieces(text) {
            let key = Key::of(piece);
            if let Some(known) = key.as_ref().and_then(|key| words.get(key)) {
                ids.extend_from_slice(known);
            } else {
                spelling.clear();
                spelling.extend(piece);
                let tokens =
                    model.tokenize(spelling).map_err(|error| InferenceError::Tokenizer(error.to_string()))?;
                spelled.clear();
                spelled.extend(tokens.iter().map(|token| token.id));
                if let Some(key) = key {
                    words.insert(key, spelled);
                }
                ids.extend_from_slice(spelled);
            }
            if ids.len() >= n_max {
                ids.truncate(n_max);
                break;
            }
        }
        Ok(Some(ids))
    }
}
