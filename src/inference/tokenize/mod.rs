//! Tokenization, exactly as in training.
//!
//! All normalisation is defined in `tokenizer.json`, which training wrote and both sides read; this module only bounds
//! the work. The `tokenizers` crate is the reference, and `fast` is a shortcut to the same ids for files that it
//! supports.

mod characters; // character properties
mod fast; // the fast path
mod matchers; // replacement rules
mod normalize; // normalisation
mod split; // pre-tokenization
mod piece_cache; // cache of word ids

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokenizers::{
    ModelWrapper, PostProcessor as _, Tokenizer as Pipeline, TruncationDirection, TruncationParams,
    TruncationStrategy,
};

use super::InferenceError;
use super::manifest::Manifest;
use super::unscorable::is_without_content;

/// Maximum number of characters that are tokenized per text. The longest text that can be posted fits; the limit bounds
/// the cost for other callers.
const N_CHARACTERS_MAX: usize = 10_000;

/// A model's input for one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Token ids, at most as many as the manifest allows. A longer text keeps its beginning and the end token.
    pub ids: Vec<i64>,
    /// Whether the tokens say little about the text, because there are only special tokens, most tokens are unknown, or
    /// the text is noise.
    pub uncertain: bool,
}

/// A model's tokenizer, which any number of threads can share.
pub struct Tokenizer {
    pipeline: Pipeline,
    special_tokens: bool,
    unknown_id: Option<u32>,
    max_tokens: usize,
    plan: Option<Arc<fast::Plan>>,
}

impl Tokenizer {
    /// Reads the tokenizer in a model's folder.
    ///
    /// # Errors
    /// If the file is missing or damaged, is not a tokenizer, or belongs to another model.
    pub fn read(manifest: &Manifest, folder: &Path) -> Result<Self, InferenceError> {
        let path = folder.join(&manifest.tokenizer.file);
        Self::from_bytes(manifest, &manifest.tokenizer.read(folder)?, path)
    }

    fn from_bytes(manifest: &Manifest, bytes: &[u8], path: PathBuf) -> Result<Self, InferenceError> {
        let malformed = |reason: String| InferenceError::Malformed { path: path.clone(), reason };
        let mut pipeline = Pipeline::from_bytes(bytes).map_err(|error| malformed(error.to_string()))?;
        let n_ids = pipeline.get_vocab_size(true);
        if n_ids != manifest.n_ids {
            let reason =
                format!("it has {n_ids} ids, the network {}: it belongs to another model", manifest.n_ids);
            return Err(malformed(reason));
        }
        let n_marks = match pipeline.get_post_processor() {
            Some(marks) if manifest.special_tokens => marks.added_tokens(false),
            _ => 0,
        };
        // Otherwise the library would underflow when it subtracts one from the other.
        if n_marks >= manifest.max_tokens {
            return Err(malformed(format!("its {n_marks} marks leave no room in `max_tokens`")));
        }
        let truncation = TruncationParams {
            direction: TruncationDirection::Right,
            max_length: manifest.max_tokens,
            strategy: TruncationStrategy::LongestFirst,
            stride: 0,
        };
        pipeline.with_truncation(Some(truncation)).map_err(|error| malformed(error.to_string()))?;
        // Many files specify rows of a fixed width; batches are padded to their longest text instead.
        pipeline.with_padding(None);
        Ok(Self {
            special_tokens: manifest.special_tokens,
            unknown_id: unknown_id(&pipeline),
            max_tokens: manifest.max_tokens,
            plan: fast::Plan::of(bytes, pipeline.get_model()).map(Arc::new),
            pipeline,
        })
    }

    /// Returns the highest token id, which the network must accept.
    pub fn id_max(&self) -> i64 {
        self.pipeline.get_vocab(true).into_values().max().map_or(0, i64::from)
    }

    /// Creates an encoder, for use by one thread.
    pub fn encoder(self: &Arc<Self>) -> Encoder {
        Encoder { tokenizer: Arc::clone(self), fast: self.plan.clone().map(fast::Encoder::new) }
    }

    /// Returns the ids that the `tokenizers` crate assigns to a text, and how many of them are special tokens.
    fn reference(&self, text: &str) -> Result<(Vec<u32>, usize), InferenceError> {
        let encoding = self
            .pipeline
            .encode_fast(text, self.special_tokens)
            .map_err(|error| InferenceError::Tokenizer(error.to_string()))?;
        let n_marks = encoding.get_special_tokens_mask().iter().filter(|mark| **mark == 1).count();
        Ok((encoding.get_ids().to_vec(), n_marks))
    }
}

/// Converts texts to ids. For use by one thread, with a cache of its own.
pub struct Encoder {
    tokenizer: Arc<Tokenizer>,
    fast: Option<fast::Encoder>,
}

impl Encoder {
    /// Returns the model's input for a text: its ids, and whether they say too little about it.
    ///
    /// # Errors
    /// If the tokenizer rejects the text, which does not happen with any known text.
    pub fn encode(&mut self, text: &str) -> Result<Tokens, InferenceError> {
        let (ids, n_marks) = self.ids(cut(text))?;
        let n_unknown = ids.iter().filter(|id| Some(**id) == self.tokenizer.unknown_id).count();
        let n_own = ids.len().saturating_sub(n_marks);
        Ok(Tokens {
            ids: ids.iter().map(|id| i64::from(*id)).collect(),
            uncertain: n_own == 0 || n_unknown * 2 > n_own || is_without_content(text),
        })
    }

    /// Returns the ids and how many of them are special tokens, which is 0 on the fast path.
    fn ids(&mut self, text: &str) -> Result<(Vec<u32>, usize), InferenceError> {
        let Tokenizer { pipeline, max_tokens, .. } = self.tokenizer.as_ref();
        if let Some(fast) = &mut self.fast
            && let Some(ids) = fast.encode(text, pipeline.get_model(), *max_tokens)?
        {
            return Ok((ids, 0));
        }
        self.tokenizer.reference(text)
    }
}

/// Returns the id that stands for unknown tokens; `None` for byte-level tokenizers, which have none.
fn unknown_id(pipeline: &Pipeline) -> Option<u32> {
    let name = match pipeline.get_model() {
        ModelWrapper::BPE(model) => model.unk_token.clone()?,
        ModelWrapper::WordPiece(model) => model.unk_token.clone(),
        ModelWrapper::WordLevel(model) => model.unk_token.clone(),
        ModelWrapper::Unigram(_) => "<unk>".to_owned(),
    };
    pipeline.token_to_id(&name)
}

fn cut(text: &str) -> &str {
    // A text has at least as many bytes as characters, so most texts need no character count.
    if text.len() <= N_CHARACTERS_MAX {
        return text;
    }
    let end = text.char_indices().nth(N_CHARACTERS_MAX).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
#[path = "fast_tests.rs"]
mod fast_tests;

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(max_tokens: usize, n_ids: usize) -> Manifest {
        let manifest = format!(
            r#"{{"name":"x","version":"1","model":{{"file":"m","sha256":""}},"tokenizer":{{"file":"t","sha256":""}},
            "inputs":["input_ids"],"special_tokens":true,"pad_id":0,"max_tokens":{max_tokens},"n_ids":{n_ids},"outputs":{{}}}}"#
        );
        serde_json::from_str(&manifest).unwrap()
    }

    /// A tokenizer that knows `a` and `b`, and adds `[` before and `]` after a text.
    const TINY: &str = r#"{"version":"1.0","truncation":null,"padding":{"strategy":{"Fixed":64},"direction":"Right",
        "pad_to_multiple_of":null,"pad_id":0,"pad_type_id":0,"pad_token":"?"},"added_tokens":[],"normalizer":null,
        "pre_tokenizer":{"type":"Whitespace"},"post_processor":{"type":"TemplateProcessing",
        "single":[{"SpecialToken":{"id":"[","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"]","type_id":0}}],
        "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":0}}],
        "special_tokens":{"[":{"id":"[","ids":[1],"tokens":["["]},"]":{"id":"]","ids":[2],"tokens":["]"]}}},
        "decoder":null,"model":{"type":"WordLevel","vocab":{"?":0,"[":1,"]":2,"a":3,"b":4},"unk_token":"?"}}"#;

    fn tiny(max_tokens: usize) -> Result<Tokenizer, InferenceError> {
        Tokenizer::from_bytes(&manifest(max_tokens, 5), TINY.as_bytes(), "weights/x/tokenizer.json".into())
    }

    fn encoder(max_tokens: usize) -> Encoder {
        Arc::new(tiny(max_tokens).unwrap()).encoder()
    }

    #[test]
    fn a_text_is_truncated_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "é".repeat(N_CHARACTERS_MAX + 5);
        assert_eq!(cut(&long).chars().count(), N_CHARACTERS_MAX);
    }

    #[test]
    fn a_long_text_keeps_its_end_mark_and_a_short_one_is_not_padded() {
        let mut encoder = encoder(4);
        assert_eq!(encoder.encode("a").unwrap().ids, [1, 3, 2]);
        assert_eq!(encoder.encode("a b a b a").unwrap().ids, [1, 3, 4, 2]);
    }

    #[test]
    fn an_empty_text_or_mostly_unknown_words_are_uncertain() {
        let mut encoder = encoder(16);
        let mut check = |text: &str, uncertain: bool| {
            assert_eq!(encoder.encode(text).unwrap().uncertain, uncertain, "{text:?}");
        };
        check("", true);
        check("x y a", true);
        check("x a", false);
        check("a b", false);
    }

    #[test]
    fn a_wrong_tokenizer_is_named_in_the_error() {
        let refused = |n_ids: usize, bytes: &[u8], reason: &str| {
            let path = PathBuf::from("weights/x/tokenizer.json");
            let error = Tokenizer::from_bytes(&manifest(8, n_ids), bytes, path).err().unwrap().to_string();
            assert!(error.contains("weights/x/tokenizer.json") && error.contains(reason), "{error}");
        };
        refused(5, b"{}", "");
        refused(6, TINY.as_bytes(), "another model");
        assert!(tiny(2).is_err(), "there is no room for a word");
    }
}
