//! Benchmark of topics: how many posts one core matches against a large number of queries.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::Context as _;
use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::IndexedRandom as _;
use serde::{Deserialize, Serialize};

use super::medians::medians;
use super::posts::{Supply, Texts, TextsParams};
use crate::topics::{PreparedText, Query, Subject, TopicSet, parse};

/// Number of posts matched in each run.
const N_POSTS: usize = 100_000;

/// Number of runs, each on new texts.
const N_RUNS: usize = 5;

/// Minimum length of a word in a query, in characters.
const LETTERS_MIN: usize = 4;

/// Settings for `bench topics`.
#[derive(Debug, Clone)]
pub struct TopicsParams {
    /// Where the texts come from, and how they are recombined. The words of the queries come from the same texts.
    pub texts: TextsParams,
    /// Number of topics.
    pub n_topics: usize,
    /// Whether to print one JSON object instead of a table.
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    topics: usize,
    /// Average number of words in a query, operators included.
    words_per_topic: f64,
    compile_ms: f64,
    #[serde(flatten)]
    median: Run,
    runs: Vec<Run>,
}

/// Result of matching some posts on one thread.
#[derive(Clone, Serialize, Deserialize)]
struct Run {
    posts_per_second: f64,
    /// Share of the posts that match at least one topic.
    matched_share: f64,
    topics_per_post: f64,
}

/// Matches distinct texts on one thread against queries made of words from such texts, and prints the median speed.
/// Normalizing the texts and splitting them into words is part of what is timed.
///
/// # Errors
/// If the texts cannot be read or are too few.
pub fn run(params: &TopicsParams) -> anyhow::Result<()> {
    let originals = Texts::read(&params.texts.texts)?;
    let queries = queries(originals.as_slice(), params)?;
    let n_words: usize = queries.iter().map(|query| query.to_string().split_whitespace().count()).sum();
    let started = Instant::now();
    let set = TopicSet::compile(&queries);
    let compile_ms = started.elapsed().as_secs_f64() * 1_000.0;
    let mut supply = Supply::open(&params.texts)?;
    let runs = (0..N_RUNS).map(|_| Ok(time(&set, &supply.take(N_POSTS)?)));
    let runs = runs.collect::<anyhow::Result<Vec<Run>>>()?;
    let report = Report {
        topics: set.len(),
        words_per_topic: n_words as f64 / set.len().max(1) as f64,
        compile_ms,
        median: medians(&runs)?,
        runs,
    };
    let speeds = report.runs.iter().map(|run| run.posts_per_second);
    let (slowest, fastest) = (speeds.clone().fold(f64::INFINITY, f64::min), speeds.fold(0.0, f64::max));
    let Run { posts_per_second, matched_share, topics_per_post } = report.median;
    let rows = [
        ("topics", format!("{}, of {:.0} words each on average", report.topics, report.words_per_topic)),
        ("compiled in", format!("{compile_ms:.0} ms")),
        ("posts matched on one core", format!("{posts_per_second:.0}/s ({slowest:.0} to {fastest:.0})")),
        ("posts about at least one topic", format!("{:.1}%", matched_share * 100.0)),
        ("topics per post", format!("{topics_per_post:.2}")),
    ];
    super::print(&report, &rows, params.json)
}

fn time(set: &TopicSet, texts: &[String]) -> Run {
    let started = Instant::now();
    let (mut n_matched, mut n_matches) = (0_usize, 0_usize);
    for text in texts {
        let text = PreparedText::new(text);
        let subject = Subject {
            text: &text,
            lang: Some("en"),
            platform: "twitter",
            author_handle: Some("ana"),
            author_id: None,
            country: Some("US"),
        };
        let n = set.matches(&subject).len();
        n_matched += usize::from(n > 0);
        n_matches += n;
    }
    let seconds = started.elapsed().as_secs_f64();
    let n = texts.len().max(1) as f64;
    Run {
        posts_per_second: n / seconds,
        matched_share: n_matched as f64 / n,
        topics_per_post: n_matches as f64 / n,
    }
}

/// Returns queries made of words that occur in the texts: rare ones, as brands are, and frequent ones as their context.
/// Every tenth query has frequent words only, so it is evaluated for many posts.
fn queries(texts: &[String], params: &TopicsParams) -> anyhow::Result<Vec<Query>> {
    let words: Vec<String> = texts
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphabetic()))
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() >= LETTERS_MIN)
        .collect();
    let distinct: Vec<&String> = words.iter().collect::<BTreeSet<_>>().into_iter().collect();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(params.texts.seed);
    let mut frequent = || words.choose(&mut random).cloned();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(params.texts.seed + 1);
    let mut rare = || distinct.choose(&mut random).map(ToString::to_string);
    let mut query = |n: usize| {
        let (a, b, c) = (rare()?, rare()?, rare()?);
        let (x, y, z) = (frequent()?, frequent()?, frequent()?);
        Some(match n % 10 {
            0 => format!("({x} OR {y}) NEAR/5 ({z} OR {a}) NOT {b}"),
            1..4 => format!("({a} OR #{a} OR @{a}) AND ({x} OR {y} OR \"{x} {z}\") NOT ({b} OR {c})"),
            4..7 => format!("({a} OR {b}) NEAR/5 ({x} OR {y} OR {z})"),
            7..9 => format!("{a} AND {x} OR \"{b} {y}\" OR {c}* NEAR/2f {z}"),
            _ => format!("(#{a} OR {b}) lang:en country:us NOT from:{c} -{z}"),
        })
    };
    let queries =
        (0..params.n_topics).map(|n| Ok(parse(&query(n).context("the texts have no words")?)?.query));
    queries.collect()
}
