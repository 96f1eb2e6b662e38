//! Evaluation of deferral: how well the pipeline chooses the posts for the deep model, measured on posts with known
//! labels.
//!
//! Posts are processed in file order and selected by the code that the pipeline uses. The metric is the macro-recall of
//! sentiment: the mean of the recalls of negative, neutral and positive posts.

use std::path::Path;
use std::thread;

use anyhow::Context as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde::Serialize;

use crate::inference::deferral::{Admission, Candidate, Load, uncertainty};
use crate::inference::{InferenceError, LoadParams, Prediction, ScorerFactory, load, load_deep};

/// Texts per batch, the same as in the pipeline.
const BATCH_SIZE: usize = 16;

/// Number of posts selected together: as many as arrive within two milliseconds at a thousand per second.
const GROUP: usize = 2;

/// Arrival rate at which the queue never limits admission; only the share does.
const PER_SECOND: f64 = 1_000.0;

/// Number of random selections to average. With this many, the mean varies by less than a hundredth of the gap.
const N_SEEDS: u64 = 50;

/// Shares at which the selection is always evaluated.
const SHARES: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// Sentiment labels, in the order of a prediction's values.
const LABELS: [&str; 3] = ["negative", "neutral", "positive"];

/// Result of evaluating the selection on labelled posts.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// Number of labelled posts that were evaluated.
    pub n_posts: usize,
    /// Macro-recall of the fast model alone, out of 100.
    pub macro_recall_swift: f64,
    /// Macro-recall of the deep model alone, out of 100.
    pub macro_recall_deep: f64,
    /// Results at each share, in ascending order of share.
    pub shares: Vec<AtShare>,
    /// Names and versions of both models, the fast one first.
    pub models: [String; 2],
}

/// Result when the deep model scores a given share of the posts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AtShare {
    /// Share of the posts that the deep model scored, 0 to 1.
    pub share: f64,
    /// Fraction of the gap between the two models that the selection closes.
    pub recovered: f64,
    /// Fraction of the gap that a random selection of the same size closes.
    pub recovered_at_random: f64,
    /// Ratio of `recovered` to `recovered_at_random`.
    pub ratio: f64,
}

/// A post scored by both models.
#[derive(Debug, Clone, Copy)]
struct Judged {
    truth: usize,
    swift: Prediction,
    deep: Prediction,
}

/// Scores labelled posts with both models, without caches, and compares selections. `measured` is an additional share
/// to evaluate: the share that the deep model scored under load.
///
/// # Errors
/// If a model or the file is missing, or a line does not have the form `label<TAB>text`.
pub fn judge(file: &Path, params: LoadParams, measured: Option<f64>) -> anyhow::Result<Evaluation> {
    let (truths, texts) = read(file)?;
    let params = LoadParams { cache_bytes: 0, ..params };
    let swift = load(&params);
    if let Some(reason) = swift.degraded {
        anyhow::bail!("there is no fast model: {reason}");
    }
    let deep = load_deep(&params).context("there is no deep model")?;
    let predictions = [predict_all(swift.factory.as_ref(), &texts)?, predict_all(deep.as_ref(), &texts)?];
    let [by_swift, by_deep] = &predictions;
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
    Ok(evaluate(&posts, measured, [name(swift.factory.as_ref()), name(deep.as_ref())]))
}

fn evaluate(posts: &[Judged], measured: Option<f64>, models: [String; 2]) -> Evaluation {
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
    Evaluation {
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

/// Scores texts on as many threads as there are cores.
fn predict_all(factory: &dyn ScorerFactory, texts: &[String]) -> Result<Vec<Prediction>, InferenceError> {
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    let predict_share = |share: &[String]| -> Result<Vec<Prediction>, InferenceError> {
        let mut scorer = factory.build()?;
        let mut predictions = Vec::with_capacity(share.len());
        for batch in share.chunks(BATCH_SIZE) {
            let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
            predictions.extend(scorer.score(&batch)?);
        }
        Ok(predictions)
    };
    thread::scope(|scope| {
        let shares = texts.chunks(texts.len().div_ceil(n_threads).max(1));
        let workers: Vec<_> = shares.map(|share| scope.spawn(move || predict_share(share))).collect();
        let mut predictions = Vec::with_capacity(texts.len());
        for worker in workers {
            let share = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            predictions.extend(share?);
        }
        Ok(predictions)
    })
}

/// Returns the indices of the posts that the pipeline would send to the deep model if it had capacity for `share` of
/// them.
fn choose(posts: &[Judged], share: f64) -> Vec<usize> {
    let mut admission = Admission::default();
    let load = Load::for_share(share, PER_SECOND);
    let mut chosen = Vec::new();
    for (n, group) in posts.chunks(GROUP).enumerate() {
        // All posts cost the same, so that the share counts posts.
        let posts: Vec<Candidate> =
            group.iter().map(|post| Candidate { uncertainty: uncertainty(&post.swift), work: 1 }).collect();
        chosen.extend(admission.admit(&posts, &load).into_iter().map(|index| n * GROUP + index));
    }
    chosen
}

fn draw(n_posts: usize, n_chosen: usize, seed: u64) -> Vec<usize> {
    rand::seq::index::sample(&mut StdRng::seed_from_u64(seed), n_posts, n_chosen).into_vec()
}

/// Returns the macro-recall, 0 to 1, when the deep model scores the `chosen` posts and the fast model the rest. A label
/// without posts has a recall of 0.
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
            let prediction = if *by_deep { &post.deep } else { &post.swift };
            n_all += 1.0;
            n_found += f64::from(u8::from(label_of(prediction) == truth));
        }
        n_found / n_all.max(1.0)
    };
    (0..LABELS.len()).map(recall_of).sum::<f64>() / LABELS.len() as f64
}

fn label_of(prediction: &Prediction) -> usize {
    let ranked = prediction.sentiment.iter().enumerate();
    ranked.max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(label, _)| label)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn prediction(label: usize, confidence: f32) -> Prediction {
        let mut sentiment = [(1.0 - confidence) / 2.0; 3];
        sentiment[label] = confidence;
        Prediction { sentiment, ..Prediction::default() }
    }

    /// Returns posts that the deep model always scores correctly, and the fast model only when it is certain.
    fn posts(n: usize) -> Vec<Judged> {
        let post = |i: usize| {
            let truth = i % 3;
            let is_sure = (i / 3).is_multiple_of(2);
            // No two consecutive posts are equally uncertain: equally uncertain posts are selected all together or not
            // at all.
            let little = (i * 7_919 % 1_000) as f32 / 10_000.0;
            let swift = if is_sure {
                prediction(truth, 0.8 + little)
            } else {
                prediction((truth + 1) % 3, 0.4 + little)
            };
            Judged { truth, swift, deep: prediction(truth, 0.9) }
        };
        (0..n).map(post).collect()
    }

    #[test]
    fn selecting_uncertain_posts_closes_the_gap_twice_as_fast_when_half_are_wrong_and_uncertain() {
        let evaluation = evaluate(&posts(1_800), Some(0.25), [String::new(), String::new()]);
        assert_eq!((evaluation.macro_recall_swift, evaluation.macro_recall_deep), (50.0, 100.0));
        assert_eq!(evaluation.shares.len(), 10);
        for at in evaluation.shares.iter().filter(|at| at.share <= 0.45) {
            assert!((at.recovered - 2.0 * at.share).abs() < 0.02, "{at:?}");
            assert!((at.recovered_at_random - at.share).abs() < 0.02, "{at:?}");
        }
        let quarter = evaluation.shares.iter().find(|at| (at.share - 0.25).abs() < 0.03).unwrap();
        assert!((1.9..2.1).contains(&quarter.ratio), "{quarter:?}");
    }

    #[test]
    fn an_invalid_line_is_named() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"positive\tfine\nmixed\tso so\n").unwrap();
        let error = read(file.path()).unwrap_err().to_string();
        assert!(error.starts_with("line 2 of"), "{error}");
    }
}
