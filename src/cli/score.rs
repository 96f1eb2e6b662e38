//! `groundswell score`: texts from the command line or standard input.

use std::io::BufRead;

use anyhow::bail;
use serde::Serialize;

use crate::actors::scoring::scored_post::score_texts;
use crate::inference::{HeadKind, LoadParams, Reading, load, load_alone};
use crate::telemetry;

/// What to score, and how to answer.
pub struct ScoreParams {
    /// The text; `-` stands for those of standard input.
    pub text: String,
    /// Every probability instead of the score that a post would get. Then a line that is a JSON string stands for what
    /// the string says, line breaks included.
    pub raw: bool,
    /// Texts handed over at a time. Where a network is quantized to the range of its batch, answers depend on it.
    pub n_batch: usize,
    /// Which model, and where it lies.
    pub load: LoadParams,
}

/// Scores one text, or each line of standard input for `-`, and prints one JSON object a line.
///
/// # Errors
/// When the model is missing or fails: the lexicon scores only when it is asked for by name.
pub fn run(params: &ScoreParams) -> anyhow::Result<()> {
    telemetry::init_tracing("warn");
    if params.raw {
        return print_raw(params);
    }
    let loaded = load(&params.load);
    if let Some(reason) = loaded.degraded {
        bail!("{reason}; `--model lexicon` scores without a model");
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
        for reading in scorer.score(&texts)? {
            super::print(&serde_json::to_string(&Raw::new(&reading, &alone.heads))?);
        }
        Ok(())
    })
}

fn for_each_batch(
    params: &ScoreParams,
    answer: impl FnMut(&[String]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if params.text == "-" {
        return in_batches(std::io::stdin().lock(), params.n_batch.max(1), answer);
    }
    let mut answer = answer;
    answer(std::slice::from_ref(&params.text))
}

fn in_batches(
    mut input: impl BufRead,
    n_batch: usize,
    mut answer: impl FnMut(&[String]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut batch = Vec::with_capacity(n_batch.min(1_024));
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        // One line that is no text must not cost the others their answers.
        let text = String::from_utf8_lossy(&line);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        batch.push(text.strip_suffix('\r').unwrap_or(text).to_owned());
        line.clear();
        if batch.len() == n_batch {
            answer(&batch)?;
            batch.clear();
        }
    }
    if batch.is_empty() {
        return Ok(());
    }
    answer(&batch)
}

/// What a line says: texts with line breaks come as JSON strings.
fn text_of(line: &str) -> String {
    serde_json::from_str(line).unwrap_or_else(|_| line.to_owned())
}

/// Every probability, and `null` for a question that the model does not answer.
#[derive(Serialize)]
struct Raw {
    sentiment: Option<[f32; 3]>,
    emotion: Option<[f32; 7]>,
    toxicity: Option<f32>,
    churn_risk: Option<f32>,
    doubtful: bool,
}

impl Raw {
    fn new(reading: &Reading, heads: &[HeadKind]) -> Self {
        let has = |kind: HeadKind| heads.contains(&kind);
        Self {
            sentiment: has(HeadKind::Sentiment).then_some(reading.sentiment),
            emotion: has(HeadKind::Emotion).then_some(reading.emotion),
            toxicity: has(HeadKind::Toxicity).then_some(reading.toxicity),
            churn_risk: has(HeadKind::ChurnRisk).then_some(reading.churn_risk),
            doubtful: reading.doubtful,
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
    fn every_line_is_answered_in_batches_of_the_asked_size() {
        let mut sizes = Vec::new();
        in_batches("a\nb\n\nd\ne\n".as_bytes(), 2, |texts| {
            sizes.push(texts.len());
            Ok(())
        })
        .unwrap();
        assert_eq!(sizes, [2, 2, 1]);
    }

    #[test]
    fn a_line_that_is_no_text_costs_no_other_its_answer() {
        let mut texts = Vec::new();
        in_batches(&b"a\r\n\xff\xfe\nb"[..], 8, |batch| {
            texts.extend_from_slice(batch);
            Ok(())
        })
        .unwrap();
        assert_eq!(texts, ["a", "\u{fffd}\u{fffd}", "b"]);
    }

    #[test]
    fn a_question_that_nobody_answers_is_null() {
        let raw = Raw::new(&Reading::default(), &[HeadKind::Toxicity]);
        let told = serde_json::to_value(&raw).unwrap();
        assert!(told["sentiment"].is_null() && told["emotion"].is_null() && told["churn_risk"].is_null());
        assert_eq!(told["toxicity"], 0.0);
    }
}
