//! A season of posts to query: generated texts with synthetic scores, spread over many days.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::connectors::playback::synth::{Synth, SynthParams};
use crate::connectors::playback::{Item, Playback};
use crate::models::id::PostId;
use crate::models::new_post::NewPost;
use crate::models::post::{Engagement, Post, ScoredPost, Source};
use crate::models::score::{EMOTIONS, Emotion, EmotionScores, ModelId, Score, Sentiment, SentimentLabel};
use crate::store::metrics::rollups;
use crate::store::operations::retention;
use crate::store::posts::record;
use crate::store::{Store, StoreError};

/// Posts per transaction. Large transactions store posts fastest.
const BATCH: usize = 1_000;

/// One in this many posts is stored a second time, with more reactions.
const RESTORE_EVERY: usize = 10;

/// Number of distinct order numbers in posts: rare words, each of which occurs in a handful of posts per million.
const N_ORDERS: u64 = 20_000;

const DAY_SECONDS: i64 = 86_400;

/// Size and period of a corpus.
#[derive(Debug, Clone, Copy)]
pub struct CorpusParams {
    /// Number of posts to generate.
    pub n_posts: usize,
    /// Number of days over which the posts are spread.
    pub days: u32,
    /// Time of the last post.
    pub until: Timestamp,
}

/// Generator of posts in chronological order. The same parameters produce the same posts, apart from their ids.
pub struct Corpus {
    synth: Synth,
    begun_at: Timestamp,
    micros_between: f64,
    n_posts: usize,
    n_written: usize,
    model: Arc<ModelId>,
    rng: SeededRng,
}

impl Corpus {
    /// Creates a generator for the posts that `params` describe.
    ///
    /// # Errors
    /// If `params` describe an empty corpus.
    pub fn new(params: CorpusParams) -> anyhow::Result<Self> {
        let seconds = i64::from(params.days) * DAY_SECONDS;
        let begun_at = params.until.saturating_sub(SignedDuration::from_secs(seconds))?;
        anyhow::ensure!(params.n_posts > 0 && seconds > 0, "the corpus is empty");
        let rate = params.n_posts as f64 / seconds as f64;
        let synth = Synth::new(SynthParams { rate, count: None, seed: 7, begun_at })?;
        let model = ModelId { name: "made-up".to_owned(), version: "1".to_owned(), hash: "0".to_owned() };
        Ok(Self {
            synth,
            begun_at,
            micros_between: 1_000_000.0 / rate,
            n_posts: params.n_posts,
            n_written: 0,
            model: Arc::new(model),
            rng: SeededRng(2_718),
        })
    }

    fn score(&mut self, text: &str) -> Score {
        // Derived from the text, so that words and labels correlate as in real posts.
        let leaning =
            text.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 100;
        let (label, score) = match leaning {
            0..30 => (SentimentLabel::Negative, -0.7),
            30..65 => (SentimentLabel::Neutral, 0.0),
            _ => (SentimentLabel::Positive, 0.6),
        };
        let emotions = EmotionScores::from_array([(); 7].map(|()| self.rng.unit()));
        let emotion = EMOTIONS.get(emotions.strongest()).copied().unwrap_or("neutral");
        let tail = self.rng.unit();
        Score {
            sentiment: Sentiment { label, score, confidence: 0.8, uncertain: false },
            emotion: Emotion { label: emotion.to_owned(), scores: emotions },
            toxicity: self.rng.unit() * 0.3,
            churn_risk: self.rng.unit().powi(6),
            // Few posts go viral.
            virality: 100.0 * tail.powi(5),
            model: Arc::clone(&self.model),
        }
    }

    fn dress(&mut self, at: Timestamp, post: NewPost) -> ScoredPost {
        let mut text = post.text;
        if self.rng.below(5) == 0 {
            text.push_str(&format!(" (order {})", 300_000 + self.rng.below(N_ORDERS)));
        }
        let score = self.score(&text);
        let geo = post.geo.unwrap_or_default();
        let lang = ["en", "en", "en", "en", "en", "en", "en", "de", "es", "fr"];
        let lang = usize::try_from(self.rng.below(10)).ok().and_then(|n| lang.get(n)).copied();
        let source = ["http", "replay", "http"];
        let source = usize::try_from(self.rng.below(3)).ok().and_then(|n| source.get(n)).copied();
        let reach = post.author.as_ref().and_then(|author| author.followers).unwrap_or_default();
        let post = Post {
            uuid: PostId::now_v7(),
            id: post.id,
            platform: post.platform,
            text,
            author: post.author,
            lang: lang.map(str::to_owned),
            created_at: at,
            received_at: at,
            original_created_at: None,
            source: Source::new(source.unwrap_or(Source::HTTP)),
            connector: None,
            city: geo.city,
            country: geo.country,
            lat: geo.lat,
            lon: geo.lon,
            products: post.product.into_iter().collect(),
            topics: Vec::new(),
            channel: post.channel,
            url: None,
            parent_id: post.parent_id,
            reach,
            engagement: post.engagement,
        };
        ScoredPost { post, score, awaits_correction: false }
    }
}

impl Iterator for Corpus {
    type Item = ScoredPost;

    fn next(&mut self) -> Option<ScoredPost> {
        while self.n_written < self.n_posts {
            match self.synth.next_item() {
                Ok(Some(Item::Post(timed))) => {
                    let at = self.next_moment()?;
                    return Some(self.dress(at, timed.post));
                }
                Ok(Some(Item::Bad { .. })) => {}
                Ok(None) | Err(_) => return None,
            }
        }
        None
    }
}

impl Corpus {
    /// Returns evenly spaced times in whole microseconds, as PostgreSQL stores them. The text generator's own times are
    /// unsuitable, because they come in bursts and do not depend on the number of posts.
    #[expect(clippy::cast_possible_truncation, reason = "microseconds of a few hundred days at most")]
    fn next_moment(&mut self) -> Option<Timestamp> {
        let position = self.n_written as f64 + f64::from(self.rng.unit());
        self.n_written += 1;
        let after = (position * self.micros_between) as i64;
        Timestamp::from_microsecond(self.begun_at.as_microsecond() + after).ok()
    }
}

/// Stores the posts as the pipeline does and runs the maintenance that would have been due over a season. Returns the
/// number of posts and their word frequencies.
///
/// # Errors
/// If PostgreSQL rejects a statement.
pub async fn fill(store: &Store, params: CorpusParams, progress: impl Fn(usize)) -> anyhow::Result<Filled> {
    for day in 0..=params.days {
        let back = SignedDuration::from_secs(i64::from(params.days - day) * DAY_SECONDS);
        retention::ensure_partitions(store, params.until.saturating_sub(back)?).await?;
    }
    let mut corpus = Corpus::new(params)?;
    let mut filled = Filled::default();
    loop {
        let batch: Vec<ScoredPost> = corpus.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        filled.n_posts += record::record(store, &batch, &mut store.rollup_guard()).await?.inserted.len();
        read_again(store, &batch, &mut corpus.rng).await?;
        for word in batch.iter().take(BATCH / 10).flat_map(|scored| words_of(&scored.post.text)) {
            *filled.words.entry(word).or_default() += 1;
        }
        filled.last = batch.last().cloned();
        progress(filled.n_posts);
    }
    rollups::compact(store, Timestamp::now()).await?;
    Ok(filled)
}

/// What [`fill`] stored.
#[derive(Debug, Default)]
pub struct Filled {
    /// Number of posts stored, not counting repeats.
    pub n_posts: usize,
    /// Word frequencies in a tenth of the posts.
    pub words: HashMap<String, usize>,
    /// The most recent post.
    pub last: Option<ScoredPost>,
}

async fn read_again(store: &Store, batch: &[ScoredPost], rng: &mut SeededRng) -> Result<(), StoreError> {
    let mut again: Vec<ScoredPost> = batch.iter().step_by(RESTORE_EVERY).cloned().collect();
    for scored in &mut again {
        let counts = scored.post.engagement.unwrap_or_default();
        let more = i64::try_from(1 + rng.below(200)).unwrap_or_default();
        let likes = Some(counts.likes.unwrap_or_default() + more);
        scored.post.engagement = Some(Engagement { likes, ..counts });
        let later = SignedDuration::from_mins(i64::try_from(5 + rng.below(50)).unwrap_or_default());
        scored.post.received_at = scored.post.received_at.saturating_add(later).unwrap_or(Timestamp::MAX);
    }
    record::record(store, &again, &mut store.rollup_guard()).await.map(drop)
}

fn words_of(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.len() > 2);
    words.map(str::to_lowercase)
}

/// Seeded random numbers: Marsaglia's xorshift with a final multiplication (Vigna, 2016).
struct SeededRng(u64);

impl SeededRng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    #[expect(clippy::cast_possible_truncation, reason = "a number of 24 bits is exact")]
    fn unit(&mut self) -> f32 {
        (self.below(1 << 24) as f64 / f64::from(1 << 24)) as f32
    }
}
