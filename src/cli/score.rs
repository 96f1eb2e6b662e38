//! `groundswell score`: texts from the command line or standard input.

use std::io::BufRead as _;

use tracing::warn;

use crate::actors::scoring::score_texts;
use crate::inference::{LoadParams, load};
use crate::telemetry;

/// Texts scored at a time.
const BATCH: usize = 256;

/// Scores one text, or each line of standard input for `-`, and prints one JSON object a line.
///
/// # Errors
/// When the input is not UTF-8 or the model fails.
pub fn run(text: &str, params: &LoadParams) -> anyhow::Result<()> {
    telemetry::init_tracing("warn");
    let loaded = load(params);
    if let Some(reason) = &loaded.degraded {
        warn!(reason, "no model could be loaded: the lexicon scores, and every score says so");
    }
    let mut scorer = loaded.factory.build()?;
    let mut answer = |texts: &[String]| -> anyhow::Result<()> {
        for score in score_texts(scorer.as_mut(), texts)? {
            super::print(&serde_json::to_string(&score)?);
        }
        Ok(())
    };
    if text != "-" {
        return answer(&[text.to_owned()]);
    }
    let mut batch = Vec::with_capacity(BATCH);
    for line in std::io::stdin().lock().lines() {
        batch.push(line?);
        if batch.len() == BATCH {
            answer(&batch)?;
            batch.clear();
        }
    }
    answer(&batch)
}
