//! A season of posts to search: generated texts, spread over days, with made-up scores.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::connectors::synth::{Synth, SynthParams};
use crate::connectors::{Connector, Item};
use crate::models::new_post::NewPost;
use crate::models::post::{Engagement, Post, ScoredPost, Source};
use crate::models::score::{EMOTIONS, Emotion, EmotionScores, ModelId, Score, Sentiment, SentimentLabel};
use crate::store::metrics::rollups;
use crate::store::operations::retention;
use crate::store::posts::record;
use crate::store::{Store, StoreError};

/// Posts of one transaction; large ones are stored fastest.
const BATCH: usize = 1_000;

/// Every so many'th post is read again with more reactions.
const READ_AGAIN_EVERY: usize = 10;

/// Order numbers that people quote: rare words, each in a handful of posts of a million.
const N_ORDERS: u64 = 20_000;

const DAY_SECONDS: i64 = 86_400;

/// How many, over how long, until when.
#[derive(Debug, Clone, Copy)]
pub struct CorpusParams {
    /// Posts.
    pub n_posts: usize,
    /// Days over which they are spread.
    pub days: u32,
    /// When the last is written.
    pub until: Timestamp,
}

/// Writes posts in the order of time. The same parameters give the same posts, but for their names.
pub struct Corpus {
    synth: Synth,
    begun_at: Timestamp,
    micros_between: f64,
    n_posts: usize,
    n_written: usize,
    model: Arc<ModelId>,
    chance: Chance,
}

impl Corpus {
    /// # Errors
    /// When there is nothing to write.
    pub fn new(params: CorpusParams) -> anyhow::Result<Self> {
        let seconds = i64::from(params.days) * DAY_SECONDS;
        let begun_at = params.until.saturating_sub(SignedDuration::from_secs(seconds))?;
        anyhow::ensure!(params.n_posts > 0 && seconds > 0, "there is nothing to write");
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
            chance: Chance(2_718),
        })
    }

    fn score(&mut self, text: &str) -> Score {
        // By the text, so that words and labels go together as they do in life.
        let leaning =
            text.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 100;
        let (label, score) = match leaning {
            0..30 => (SentimentLabel::Negative, -0.7),
            30..65 => (SentimentLabel::Neutral, 0.0),
            _ => (SentimentLabel::Positive, 0.6),
        };
        let emotions = EmotionScores::from_array([(); 7].map(|()| self.chance.unit()));
        let emotion = EMOTIONS.get(emotions.strongest()).copied().unwrap_or("neutral");
        let tail = self.chance.unit();
        Score {
            sentiment: Sentiment { label, score, confidence: 0.8, uncertain: false },
            emotion: Emotion { label: emotion.to_owned(), scores: emotions },
            toxicity: self.chance.unit() * 0.3,
            churn_risk: self.chance.unit().powi(6),
            // Few go far.
            virality: 100.0 * tail.powi(5),
            model: Arc::clone(&self.model),
        }
    }

    fn dress(&mut self, at: Timestamp, post: NewPost) -> ScoredPost {
        let mut text = post.text;
        if self.chance.below(5) == 0 {
            text.push_str(&format!(" (order {})", 300_000 + self.chance.below(N_ORDERS)));
        }
        let score = self.score(&text);
        let geo = post.geo.unwrap_or_default();
        let lang = ["en", "en", "en", "en", "en", "en", "en", "de", "es", "fr"];
        let lang = usize::try_from(self.chance.below(10)).ok().and_then(|n| lang.get(n)).copied();
        let source = ["http", "replay", "http"];
        let source = usize::try_from(self.chance.below(3)).ok().and_then(|n| source.get(n)).copied();
        let reach = post.author.as_ref().and_then(|author| author.followers).unwrap_or_default();
        let post = Post {
            uuid: Uuid::now_v7(),
            id: post.id,
            platform: post.platform,
            text,
            author: post.author,
            lang: lang.map(str::to_owned),
            created_at: at,
            received_at: at,
            original_created_at: None,
            source: Source::new(source.unwrap_or(Source::HTTP)),
            city: geo.city,
            country: geo.country,
            lat: geo.lat,
            lon: geo.lon,
            products: post.product.into_iter().collect(),
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
    /// Evenly spread, to whole microseconds, as PostgreSQL keeps them: how many there are in all, the generator, with bursts
    /// of its own, would not know.
    #[expect(clippy::cast_possible_truncation, reason = "microseconds of some hundred days at most")]
    fn next_moment(&mut self) -> Option<Timestamp> {
        let place = self.n_written as f64 + f64::from(self.chance.unit());
        self.n_written += 1;
        let after = (place * self.micros_between) as i64;
        Timestamp::from_microsecond(self.begun_at.as_microsecond() + after).ok()
    }
}

/// Stores them as the pipeline stores posts, and does what the housekeeper does in a season. Answers how many there
/// are, and what words they use.
///
/// # Errors
/// When PostgreSQL does not store them.
pub async fn fill(store: &Store, params: CorpusParams, told: impl Fn(usize)) -> anyhow::Result<Filled> {
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
        read_again(store, &batch, &mut corpus.chance).await?;
        for word in batch.iter().take(BATCH / 10).flat_map(|scored| words_of(&scored.post.text)) {
            *filled.words.entry(word).or_default() += 1;
        }
        filled.last = batch.last().cloned();
        told(filled.n_posts);
    }
    rollups::compact(store, Timestamp::now()).await?;
    Ok(filled)
}

/// What was stored.
#[derive(Debug, Default)]
pub struct Filled {
    /// Posts.
    pub n_posts: usize,
    /// How often words stand in a tenth of them.
    pub words: HashMap<String, usize>,
    /// The last of them.
    pub last: Option<ScoredPost>,
}

async fn read_again(store: &Store, batch: &[ScoredPost], chance: &mut Chance) -> Result<(), StoreError> {
    let mut again: Vec<ScoredPost> = batch.iter().step_by(READ_AGAIN_EVERY).cloned().collect();
    for scored in &mut again {
        let counts = scored.post.engagement.unwrap_or_default();
        let more = i64::try_from(1 + chance.below(200)).unwrap_or_default();
        let likes = Some(counts.likes.unwrap_or_default() + more);
        scored.post.engagement = Some(Engagement { likes, ..counts });
        let later = SignedDuration::from_mins(i64::try_from(5 + chance.below(50)).unwrap_or_default());
        scored.post.received_at = scored.post.received_at.saturating_add(later).unwrap_or(Timestamp::MAX);
    }
    record::record(store, &again, &mut store.rollup_guard()).await.map(drop)
}

fn words_of(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.len() > 2);
    words.map(str::to_lowercase)
}

/// Chance from a seed: Marsaglia's xorshift, with a multiplication at the end (Vigna, 2016).
struct Chance(u64);

impl Chance {
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
