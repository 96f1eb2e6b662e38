//! Text to token ids, exactly as in training.
//!
//! All normalisation is inside `tokenizer.json`, which training wrote and both
//! sides read; this file only bounds the work.

use std::path::Path;

use tokenizers::Tokenizer as Pipeline;

use super::InferenceError;

/// Longer texts are cut here before they are tokenised. The longest text that
/// can be posted passes whole; this bounds what any other caller can cost.
const N_CHARACTERS_MAX: usize = 10_000;

/// Turns texts into ids. Each scorer owns one: its word cache is not shared between threads.
#[derive(Clone)]
pub struct Tokenizer {
    pipeline: Pipeline,
    n_tokens_max: usize,
}

impl Tokenizer {
    /// Reads `tokenizer.json`; `path` is only for the error.
    ///
    /// # Errors
    /// When the bytes are not a tokenizer.
    pub fn read(bytes: &[u8], n_tokens_max: usize, path: &Path) -> Result<Self, InferenceError> {
        let pipeline = Pipeline::from_bytes(bytes).map_err(|error| InferenceError::Malformed {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { pipeline, n_tokens_max })
    }

    /// How many ids there are; every id is below it.
    pub fn n_ids(&self) -> usize {
        self.pipeline.get_vocab_size(true)
    }

    /// The first `n_tokens_max` ids. None at all for a text of nothing but white space.
    ///
    /// # Errors
    /// When the pipeline refuses the text, which no known text makes it do.
    pub fn encode(&self, text: &str) -> Result<Vec<i64>, InferenceError> {
        let encoding = self
            .pipeline
            .encode_fast(cut(text), false)
            .map_err(|error| InferenceError::Tokenizer(error.to_string()))?;
        Ok(encoding.get_ids().iter().take(self.n_tokens_max).map(|id| i64::from(*id)).collect())
    }
}

fn cut(text: &str) -> &str {
    // Bytes are never fewer than characters, so most texts need no count.
    if text.len() <= N_CHARACTERS_MAX {
        return text;
    }
    let end = text.char_indices().nth(N_CHARACTERS_MAX).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "é".repeat(N_CHARACTERS_MAX + 5);
        assert_eq!(cut(&long).chars().count(), N_CHARACTERS_MAX);
    }

    #[test]
    fn what_is_not_a_tokenizer_is_named_in_the_error() {
        let error = Tokenizer::read(b"{}", 8, Path::new("weights/x/tokenizer.json")).err().unwrap();
        assert!(error.to_string().contains("weights/x/tokenizer.json"), "{error}");
    }
}
