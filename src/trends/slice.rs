//! Counts of terms and authors in a short period, and their encoding for other processes.

use std::collections::HashMap;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use super::authors::{AuthorSketch, hash_of};
use super::tally::{Occurrences, TermRow, TermTally};
use super::terms::terms_of;
use crate::models::post::ScoredPost;
use crate::models::rollup::MICROS;

/// Number of terms kept in the current slice, which may hold up to twice as many between cuts. Posts contain about
/// twenty terms, most of which occur nowhere else, so terms in at least one in four hundred posts are counted exactly
/// or nearly so.
const TERMS_COUNTED: usize = 4_096;

/// Number of terms that are published with a slice, and kept once its period is over: ten times as many as are ever
/// shown.
pub const TERMS_PUBLISHED: usize = 1_024;

/// Maximum size of a decoded slice in bytes. A thousand terms take up about thirty thousand bytes, so a larger payload
/// cannot be valid.
const UNPACKED_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The parts of a post that are counted.
#[derive(Debug, Clone, PartialEq)]
pub struct TermPost {
    /// Event time, in seconds since 1970.
    pub at: i64,
    /// The post's text, from which its terms are extracted.
    pub text: String,
    /// Language code, which selects the stop words; `None` if unknown.
    pub lang: Option<String>,
    /// Hash of the author, from [`hash_of`]; `None` if unknown.
    pub author: Option<u64>,
    /// Sentiment score, from -1,000,000 to 1,000,000.
    pub sentiment_micros: i64,
}

impl From<&ScoredPost> for TermPost {
    fn from(scored: &ScoredPost) -> Self {
        let post = &scored.post;
        let author = post.author.as_ref().and_then(|author| author.id.as_ref().or(author.handle.as_ref()));
        Self {
            at: post.created_at.as_second(),
            text: post.text.clone(),
            lang: post.lang.clone(),
            author: author.map(|author| hash_of(&post.platform, author)),
            sentiment_micros: micros(scored.score.sentiment.score),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "scores lie between -1 and 1, and `as` saturates")]
fn micros(score: f32) -> i64 {
    (f64::from(score) * MICROS).round() as i64
}

/// Terms of several posts from the same moment, counted together so that each term is looked up once instead of once
/// per slice.
#[derive(Debug, Default)]
pub struct PostBatch {
    n_posts: u64,
    terms: HashMap<String, Occurrences>,
    authors: Vec<u64>,
}

impl PostBatch {
    /// Adds a post's terms, author and sentiment.
    pub fn add(&mut self, post: &TermPost) {
        self.n_posts += 1;
        self.authors.extend(post.author);
        for term in terms_of(&post.text, post.lang.as_deref()) {
            let occurrences = self.terms.entry(term).or_default();
            occurrences.n_posts += 1;
            occurrences.sentiment_micros += post.sentiment_micros;
        }
    }
}

/// Counts for a period, from one process or several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slice {
    /// Number of posts whose terms were counted.
    pub n_posts: u64,
    /// Number of posts that were stored but not counted, because too many arrived at once.
    pub n_missed: u64,
    /// Number and sentiment of the posts that contain each term.
    pub terms: TermTally,
    /// Estimate of how many distinct authors wrote the posts.
    pub authors: AuthorSketch,
}

/// Encoding of a slice. Fields may be added but never changed, because processes of two versions may share a Redis.
#[derive(Serialize, Deserialize)]
struct Packed {
    posts: u64,
    missed: u64,
    floor: u64,
    terms: Vec<TermRow>,
    authors: String,
}

impl Slice {
    /// Counts the posts in a batch.
    pub fn add(&mut self, batch: &PostBatch) {
        self.n_posts += batch.n_posts;
        batch.authors.iter().for_each(|author| self.authors.insert(*author));
        for (term, occurrences) in &batch.terms {
            self.terms.add(term, *occurrences, TERMS_COUNTED);
        }
    }

    /// Adds the counts of another process or period. The result does not depend on the order of merges.
    pub fn merge(&mut self, other: &Self) {
        self.n_posts += other.n_posts;
        self.n_missed += other.n_missed;
        self.terms.merge(&other.terms);
        self.authors.merge(&other.authors);
    }

    /// Encodes the slice compactly, with no more than its [`TERMS_PUBLISHED`] most frequent terms.
    pub fn pack(&self) -> Vec<u8> {
        let mut told = self.terms.clone();
        told.keep(TERMS_PUBLISHED);
        let (floor, terms) = told.to_rows();
        let authors = STANDARD.encode(self.authors.as_bytes());
        let packed = Packed { posts: self.n_posts, missed: self.n_missed, floor, terms, authors };
        // Numbers and text always encode, and writing into memory does not fail.
        let json = serde_json::to_vec(&packed).unwrap_or_default();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&json).and_then(|()| encoder.finish()).unwrap_or_default()
    }

    /// Decodes the output of [`Self::pack`]; returns `None` if the bytes are not valid.
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        let mut json = Vec::new();
        DeflateDecoder::new(bytes).take(UNPACKED_BYTES_MAX).read_to_end(&mut json).ok()?;
        let packed: Packed = serde_json::from_slice(&json).ok()?;
        Some(Self {
            n_posts: packed.posts,
            n_missed: packed.missed,
            terms: TermTally::from_rows(packed.floor, packed.terms),
            authors: AuthorSketch::from_bytes(&STANDARD.decode(packed.authors).ok()?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(text: &str, author: &str) -> TermPost {
        TermPost {
            at: 0,
            text: text.to_owned(),
            lang: None,
            author: Some(hash_of("web", author)),
            sentiment_micros: -500_000,
        }
    }

    #[test]
    fn a_slice_survives_encoding() {
        let mut batch = PostBatch::default();
        batch.add(&post("the battery drains", "a"));
        batch.add(&post("my battery, again", "b"));
        let mut slice = Slice { n_missed: 3, ..Slice::default() };
        slice.add(&batch);
        let battery = slice.terms.get("battery");
        assert_eq!((slice.n_posts, battery.low, battery.sentiment_micros), (2, 2, -1_000_000));
        assert_eq!(slice.authors.estimate().round(), 2.0);
        assert_eq!(Slice::unpack(&slice.pack()), Some(slice));
    }

    #[test]
    fn of_too_many_terms_the_frequent_are_published_and_the_bounds_hold() {
        let mut slice = Slice::default();
        for n in 0..3_000 {
            let mut batch = PostBatch::default();
            batch.add(&post(&format!("battery word{n}x"), "a"));
            slice.add(&batch);
        }
        let told = Slice::unpack(&slice.pack()).unwrap();
        assert!(told.terms.len() <= TERMS_PUBLISHED);
        let battery = told.terms.get("battery");
        assert!(battery.low <= 3_000 && told.terms.high(&battery) >= 3_000, "{battery:?}");
        assert_eq!(battery.low, 3_000);
    }

    #[test]
    fn what_is_no_slice_is_refused() {
        for bytes in [&b""[..], b"{}", &[0xff; 40]] {
            assert_eq!(Slice::unpack(bytes), None);
        }
    }
}
