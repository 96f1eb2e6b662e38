//! Which posts the deep model should read, judged by posts whose labels are known.
//!
//! The posts go by in the order of the file, and the same code picks those worth a second reading as in the pipeline. The
//! measure is macro-recall of sentiment: the mean of the parts of negative, neutral and positive posts that are found.

use std::path::Path;
use std::thread;

use anyhow::Context as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde::Serialize;

use crate::inference::deferral::{Admission, Candidate, Load, doubt};
use crate::inference::{InferenceError, LoadParams, Reading, ScorerFactory, load, load_deep};

/// Texts read together, as in the pipeline.
const BATCH_SIZE: usize = 16;

/// Posts that come to the choice together: at a thousand a second, what gathers in two milliseconds.
const GROUP: usize = 2;

/// A rate at which what may wait never limits what is admitted: the share alone does.
const PER_SECOND: f64 = 1_000.0;

/// Random choices are averaged over so many. Their means then differ by less than a hundredth of the gap.
const N_SEEDS: u64 = 50;

/// The shares that are tried in any case.
const SHARES: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// The labels in the order of a reading's sentiment.
const LABELS: [&str; 3] = ["negative", "neutral", "positive"];

/// What the choice is worth.
#[derive(Debug, Clone, Serialize)]
pub struct Worth {
    /// Labelled posts.
    pub n_posts: usize,
    /// Points of 100 that the fast model reaches.
    pub macro_recall_swift: f64,
    /// Those of the deep one.
    pub macro_recall_deep: f64,
    /// Each share that was tried, ascending.
    pub shares: Vec<AtShare>,
    /// Both models' names and versions, the fast one first.
    pub models: [String; 2],
}

/// What it is worth when the deep model reads so many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AtShare {
    /// The part of posts that the deep model read.
    pub share: f64,
    /// The part of the gap between the two models that is closed.
    pub recovered: f64,
    /// The part that is closed when as many are picked at random.
    pub recovered_at_random: f64,
    /// The first over the second.
    pub ratio: f64,
}

/// A post, read by both.
#[derive(Debug, Clone, Copy)]
struct Judged {
    truth: usize,
    swift: Reading,
    deep: Reading,
}

/// Reads labelled posts with both models, nothing from memory, and compares choices. `measured` is a share to try besides:
/// what the pipeline reached.
///
/// # Errors
/// When a model is missing, the file is, or it is not of the form `label<TAB>text`.
pub fn judge(file: &Path, params: LoadParams, measured: Option<f64>) -> anyhow::Result<Worth> {
    let (truths, texts) = read(file)?;
    let params = LoadParams { cache_bytes: 0, ..params };
    let swift = load(&params);
    if let Some(reason) = swift.degraded {
        anyhow::bail!("there is no fast model: {reason}");
    }
    let deep = load_deep(&params).context("there is no deep model")?;
    let readings = [read_all(swift.factory.as_ref(), &texts)?, read_all(deep.as_ref(), &texts)?];
    let [by_swift, by_deep] = &readings;
    let pairs = by_swift.iter().zip(by_deep);
    let posts: Vec<Judged> = truths
        .into_iter()
        .zip(pairs)
        .map(|(truth, (swift, deep))| Judged { truth, swift: *swift, deep: *deep })
        .collect();
    let name = |factory: &dyn ScorerFactory| {
        let model = factory.model();
        format!("{} {}", model.name, model.version)
    };
    Ok(worth_of(&posts, measured, [name(swift.factory.as_ref()), name(deep.as_ref())]))
}

fn worth_of(posts: &[Judged], measured: Option<f64>, models: [String; 2]) -> Worth {
    let (none, all) = (macro_recall(posts, &[]), macro_recall(posts, &(0..posts.len()).collect::<Vec<_>>()));
    let recovered = |chosen: &[usize]| (macro_recall(posts, chosen) - none) / (all - none);
    let at_share = |share: f64| {
        let chosen = choose(posts, share);
        let at_random: f64 = (0..N_SEEDS).map(|seed| recovered(&draw(posts.len(), chosen.len(), seed))).sum();
        let (ours, random) = (recovered(&chosen), at_random / N_SEEDS as f64);
        let share = chosen.len() as f64 / posts.len().max(1) as f64;
        AtShare { share, recovered: ours, recovered_at_random: random, ratio: ours / random }
    };
    let mut shares: Vec<AtShare> = SHARES.into_iter().chain(measured).map(at_share).collect();
    shares.sort_by(|a, b| a.share.total_cmp(&b.share));
    Worth {
        n_posts: posts.len(),
        macro_recall_swift: none * 100.0,
        macro_recall_deep: all * 100.0,
        shares,
        models,
    }
}

fn read(file: &Path) -> anyhow::Result<(Vec<usize>, Vec<String>)> {
    let content =
        std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let mut posts = (Vec::new(), Vec::new());
    for (n, line) in content.lines().enumerate() {
        let truth = line.split_once('\t').and_then(|(label, text)| {
            let truth = LABELS.iter().position(|known| *known == label)?;
            Some((truth, text.to_owned()))
        });
        let (truth, text) = truth.with_context(|| {
            format!(
                "line {} of `{}` is not `negative`, `neutral` or `positive`, a tab, and a text",
                n + 1,
                file.display()
            )
        })?;
        posts.0.push(truth);
        posts.1.push(text);
    }
    anyhow::ensure!(!posts.0.is_empty(), "`{}` holds no posts", file.display());
    Ok(posts)
}

/// On as many threads as there are processors.
fn read_all(factory: &dyn ScorerFactory, texts: &[String]) -> Result<Vec<Reading>, InferenceError> {
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    let read_share = |share: &[String]| -> Result<Vec<Reading>, InferenceError> {
        let mut scorer = factory.build()?;
        let mut readings = Vec::with_capacity(share.len());
        for batch in share.chunks(BATCH_SIZE) {
            let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
            readings.extend(scorer.score(&batch)?);
        }
        Ok(readings)
    };
    thread::scope(|scope| {
        let shares = texts.chunks(texts.len().div_ceil(n_threads).max(1));
        let workers: Vec<_> = shares.map(|share| scope.spawn(move || read_share(share))).collect();
        let mut readings = Vec::with_capacity(texts.len());
        for worker in workers {
            let share = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            readings.extend(share?);
        }
        Ok(readings)
    })
}

/// The posts that the pipeline would let the deep model read if it could read that share.
fn choose(posts: &[Judged], share: f64) -> Vec<usize> {
    let mut admission = Admission::default();
    let load = Load::for_share(share, PER_SECOND);
    let mut chosen = Vec::new();
    for (n, group) in posts.chunks(GROUP).enumerate() {
        // All cost the same, so that the share is one of posts.
        let posts: Vec<Candidate> =
            group.iter().map(|post| Candidate { doubt: doubt(&post.swift), work: 1 }).collect();
        chosen.extend(admission.admit(&posts, &load).into_iter().map(|index| n * GROUP + index));
    }
    chosen
}

fn draw(n_posts: usize, n_chosen: usize, seed: u64) -> Vec<usize> {
    rand::seq::index::sample(&mut StdRng::seed_from_u64(seed), n_posts, n_chosen).into_vec()
}

/// When the deep model reads the chosen ones, 0 to 1. A label that no post has counts as not found.
fn macro_recall(posts: &[Judged], chosen: &[usize]) -> f64 {
    let mut by_deep = vec![false; posts.len()];
    for index in chosen {
        if let Some(flag) = by_deep.get_mut(*index) {
            *flag = true;
        }
    }
    let recall_of = |truth: usize| {
        let (mut n_found, mut n_all) = (0.0_f64, 0.0_f64);
        for (post, by_deep) in posts.iter().zip(&by_deep).filter(|(post, _)| post.truth == truth) {
            let reading = if *by_deep { &post.deep } else { &post.swift };
            n_all += 1.0;
            n_found += f64::from(u8::from(label_of(reading) == truth));
        }
        n_found / n_all.max(1.0)
    };
    (0..LABELS.len()).map(recall_of).sum::<f64>() / LABELS.len() as f64
}

fn label_of(reading: &Reading) -> usize {
    let ranked = reading.sentiment.iter().enumerate();
    ranked.max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(label, _)| label)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn reading(label: usize, confidence: f32) -> Reading {
        let mut sentiment = [(1.0 - confidence) / 2.0; 3];
        sentiment[label] = confidence;
        Reading { sentiment, ..Reading::default() }
    }

    /// The deep model is always right, the fast one when it is sure.
    fn posts(n: usize) -> Vec<Judged> {
        let post = |i: usize| {
            let truth = i % 3;
            let is_sure = (i / 3).is_multiple_of(2);
            // No two posts in a row are equally doubtful: of equals, all are read or none.
            let little = (i * 7_919 % 1_000) as f32 / 10_000.0;
            let swift =
                if is_sure { reading(truth, 0.8 + little) } else { reading((truth + 1) % 3, 0.4 + little) };
            Judged { truth, swift, deep: reading(truth, 0.9) }
        };
        (0..n).map(post).collect()
    }

    #[test]
    fn picking_the_doubtful_closes_the_gap_twice_as_fast_where_every_second_is_wrong_and_knows_it() {
        let worth = worth_of(&posts(1_800), Some(0.25), [String::new(), String::new()]);
        assert_eq!((worth.macro_recall_swift, worth.macro_recall_deep), (50.0, 100.0));
        assert_eq!(worth.shares.len(), 10);
        for at in worth.shares.iter().filter(|at| at.share <= 0.45) {
            assert!((at.recovered - 2.0 * at.share).abs() < 0.02, "{at:?}");
            assert!((at.recovered_at_random - at.share).abs() < 0.02, "{at:?}");
        }
        let quarter = worth.shares.iter().find(|at| (at.share - 0.25).abs() < 0.03).unwrap();
        assert!((1.9..2.1).contains(&quarter.ratio), "{quarter:?}");
    }

    #[test]
    fn the_line_that_is_wrong_is_named() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"positive\tfine\nmixed\tso so\n").unwrap();
        let error = read(file.path()).unwrap_err().to_string();
        assert!(error.starts_with("line 2 of"), "{error}");
    }
}
