//! `groundswell score`: scores texts from the command line or standard input.

use std::io::BufRead;

use anyhow::bail;
use serde::Serialize;

use crate::actors::scoring::score_posts::score_texts;
use crate::inference::{HeadKind, LoadParams, Prediction, load, load_alone};
use crate::telemetry;

/// Options for `groundswell score`.
pub struct ScoreParams {
    /// Text to score; `-` stands for the lines of standard input.
    pub text: String,
    /// Whether to print every probability instead of the score that a post would get. A line that is a JSON string then
    /// stands for the decoded string, including its line breaks.
    pub raw: bool,
    /// Texts per call to the model. This affects the results of a network that is quantized to the value range of its
    /// batch.
    pub n_batch: usize,
    /// The model to use, and where to find it and its runtime.
    pub load: LoadParams,
}

/// Scores the text, or each line of standard input if the text is `-`, and prints one JSON object per text.
///
/// # Errors
/// If the model is missing or fails. The lexicon scores only if it is selected by name.
pub fn run(params: &ScoreParams) -> anyhow::Result<()> {
    telemetry::init_tracing("warn");
    if params.raw {
        return print_raw(params);
    }
    let loaded = load(&params.load);
    if let Some(reason) = loaded.degraded {
        bail!("{reason}; use `--model lexicon` to score without a model");
    }
    let mut scorer = loaded.factory.build()?;
    for_each_batch(params, |texts| {
        for score in score_texts(scorer.as_mut(), texts)? {
            super::print(&serde_json::to_string(&score)?);
        }
        Ok(())
    })
}

fn print_raw(params: &ScoreParams) -> anyhow::Result<()> {
    let alone = load_alone(&LoadParams { cache_bytes: 0, ..params.load.clone() })?;
    let mut scorer = alone.factory.build()?;
    for_each_batch(params, |lines| {
        let texts: Vec<String> = lines.iter().map(|line| text_of(line)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for prediction in scorer.score(&texts)? {
            super::print(&serde_json::to_string(&Raw::new(&prediction, &alone.heads))?);
        }
        Ok(())
    })
}

fn for_each_batch(
    params: &ScoreParams,
    score_batch: impl FnMut(&[String]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if params.text == "-" {
        return in_batches(std::io::stdin().lock(), params.n_batch.max(1), score_batch);
    }
    let mut score_batch = score_batch;
    score_batch(std::slice::from_ref(&params.text))
}

fn in_batches(
    mut input: impl BufRead,
    n_batch: usize,
    mut score_batch: impl FnMut(&[String]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut batch = Vec::with_capacity(n_batch.min(1_024));
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        // A single line that is not valid UTF-8 must not affect the results of the others.
        let text = String::from_utf8_lossy(&line);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        batch.push(text.strip_suffix('\r').unwrap_or(text).to_owned());
        line.clear();
        if batch.len() == n_batch {
            score_batch(&batch)?;
            batch.clear();
        }
    }
    if batch.is_empty() {
        return Ok(());
    }
    score_batch(&batch)
}

/// Returns the text on a line, decoding a JSON string. Texts with line breaks must be written as JSON strings.
fn text_of(line: &str) -> String {
    serde_json::from_str(line).unwrap_or_else(|_| line.to_owned())
}

/// Every probability predicted for a text; `null` for outputs that the model does not have.
#[derive(Serialize)]
struct Raw {
    sentiment: Option<[f32; 3]>,
    emotion: Option<[f32; 7]>,
    toxicity: Option<f32>,
    churn_risk: Option<f32>,
    #[serde(rename = "doubtful")]
    uncertain: bool,
}

impl Raw {
    fn new(prediction: &Prediction, heads: &[HeadKind]) -> Self {
        let has = |kind: HeadKind| heads.contains(&kind);
        Self {
            sentiment: has(HeadKind::Sentiment).then_some(prediction.sentiment),
            emotion: has(HeadKind::Emotion).then_some(prediction.emotion),
            toxicity: has(HeadKind::Toxicity).then_some(prediction.toxicity),
            churn_risk: has(HeadKind::ChurnRisk).then_some(prediction.churn_risk),
            uncertain: prediction.uncertain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_its_text_unless_it_is_a_json_string() {
        let check = |line: &str, text: &str| assert_eq!(text_of(line), text, "{line}");
        check("it is fine", "it is fine");
        check(r#""two\nlines""#, "two\nlines");
        check(r#""unclosed"#, r#""unclosed"#);
        check("17", "17");
        check("", "");
    }

    #[test]
    fn every_line_is_scored_in_batches_of_the_requested_size() {
        let mut sizes = Vec::new();
        in_batches("a\nb\n\nd\ne\n".as_bytes(), 2, |texts| {
            sizes.push(texts.len());
            Ok(())
        })
        .unwrap();
        assert_eq!(sizes, [2, 2, 1]);
    }

    #[test]
    fn a_line_that_is_not_utf8_costs_no_other_line_its_result() {
        let mut texts = Vec::new();
        in_batches(&b"a\r\n\xff\xfe\nb"[..], 8, |batch| {
            texts.extend_from_slice(batch);
            Ok(())
        })
        .unwrap();
        assert_eq!(texts, ["a", "\u{fffd}\u{fffd}", "b"]);
    }

    #[test]
    fn an_output_that_the_model_lacks_is_null() {
        let raw = Raw::new(&Prediction::default(), &[HeadKind::Toxicity]);
        let json = serde_json::to_value(&raw).unwrap();
        assert!(json["sentiment"].is_null() && json["emotion"].is_null() && json["churn_risk"].is_null());
        assert_eq!(json["toxicity"], 0.0);
    }
}
