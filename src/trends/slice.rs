//! What was said in a short stretch of time, and how it travels to other processes.

use std::collections::HashMap;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use super::authors::{AuthorSketch, hash_of};
use super::tally::{Named, TermRow, TermTally};
use super::terms::terms_of;
use crate::models::post::ScoredPost;
use crate::models::rollup::MICROS;

/// Terms counted while a slice is young; twice as many for a moment. What one post in four hundred names is then counted
/// exactly or nearly so: posts name some twenty terms, most of which nobody else does.
const TERMS_COUNTED: usize = 4_096;

/// Terms of a slice that others are told, and that are kept once it is past. Ten times what is ever shown.
pub const TERMS_TOLD: usize = 1_024;

/// A longer one was not written by us: a thousand terms are some thirty thousand bytes.
const UNPACKED_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What of a post is counted here.
#[derive(Debug, Clone, PartialEq)]
pub struct HeardPost {
    /// Event time, in seconds since 1970.
    pub at: i64,
    /// What was said.
    pub text: String,
    /// In which language.
    pub lang: Option<String>,
    /// By whom; see [`hash_of`].
    pub author: Option<u64>,
    /// `sentiment.score`, in millionths.
    pub sentiment_micros: i64,
}

impl From<&ScoredPost> for HeardPost {
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

/// Posts of one moment, taken together: each of their terms is then looked up once instead of once for every slice.
#[derive(Debug, Default)]
pub struct Gathered {
    n_posts: u64,
    terms: HashMap<String, Named>,
    authors: Vec<u64>,
}

impl Gathered {
    /// Takes in one more post.
    pub fn read(&mut self, post: &HeardPost) {
        self.n_posts += 1;
        self.authors.extend(post.author);
        for term in terms_of(&post.text, post.lang.as_deref()) {
            let named = self.terms.entry(term).or_default();
            named.n_posts += 1;
            named.sentiment_micros += post.sentiment_micros;
        }
    }
}

/// What was said in a stretch of time, by one process or by several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slice {
    /// Posts that were read.
    pub n_posts: u64,
    /// Posts that were stored and not read, because too many came at once.
    pub n_missed: u64,
    /// What they speak of.
    pub terms: TermTally,
    /// Who wrote them.
    pub authors: AuthorSketch,
}

/// A slice as it travels. Fields are only ever added: processes of two versions may share a Redis.
#[derive(Serialize, Deserialize)]
struct Packed {
    posts: u64,
    missed: u64,
    floor: u64,
    terms: Vec<TermRow>,
    authors: String,
}

impl Slice {
    /// Counts posts.
    pub fn add(&mut self, gathered: &Gathered) {
        self.n_posts += gathered.n_posts;
        gathered.authors.iter().for_each(|author| self.authors.insert(*author));
        for (term, named) in &gathered.terms {
            self.terms.add(term, *named, TERMS_COUNTED);
        }
    }

    /// Adds what another process, or another time, has counted. Exact, whatever the order.
    pub fn merge(&mut self, other: &Self) {
        self.n_posts += other.n_posts;
        self.n_missed += other.n_missed;
        self.terms.merge(&other.terms);
        self.authors.merge(&other.authors);
    }

    /// The slice with its [`TERMS_TOLD`] most frequent terms, in few bytes.
    pub fn pack(&self) -> Vec<u8> {
        let mut told = self.terms.clone();
        told.keep(TERMS_TOLD);
        let (floor, terms) = told.to_rows();
        let authors = STANDARD.encode(self.authors.as_bytes());
        let packed = Packed { posts: self.n_posts, missed: self.n_missed, floor, terms, authors };
        // Plain numbers and text always encode, and writing into memory does not fail.
        let json = serde_json::to_vec(&packed).unwrap_or_default();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&json).and_then(|()| encoder.finish()).unwrap_or_default()
    }

    /// What [`Self::pack`] made; `None` where it did not make it.
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

    fn post(text: &str, author: &str) -> HeardPost {
        HeardPost {
            at: 0,
            text: text.to_owned(),
            lang: None,
            author: Some(hash_of("web", author)),
            sentiment_micros: -500_000,
        }
    }

    #[test]
    fn a_slice_that_travelled_is_the_same() {
        let mut gathered = Gathered::default();
        gathered.read(&post("the battery drains", "a"));
        gathered.read(&post("my battery, again", "b"));
        let mut slice = Slice { n_missed: 3, ..Slice::default() };
        slice.add(&gathered);
        let battery = slice.terms.get("battery");
        assert_eq!((slice.n_posts, battery.low, battery.sentiment_micros), (2, 2, -1_000_000));
        assert_eq!(slice.authors.estimate().round(), 2.0);
        assert_eq!(Slice::unpack(&slice.pack()), Some(slice));
    }

    #[test]
    fn of_too_many_terms_the_frequent_travel_and_the_bounds_hold() {
        let mut slice = Slice::default();
        for n in 0..3_000 {
            let mut gathered = Gathered::default();
            gathered.read(&post(&format!("battery word{n}x"), "a"));
            slice.add(&gathered);
        }
        let told = Slice::unpack(&slice.pack()).unwrap();
        assert!(told.terms.len() <= TERMS_TOLD);
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
