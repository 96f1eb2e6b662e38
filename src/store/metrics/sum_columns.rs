//! Sum columns of the rollup tables, from which statements are built and rows are read.

use std::fmt::Display;

use tokio_postgres::Row;

use crate::models::post::LATE_GRACE_MS;
use crate::models::rollup::{MICROS, Sums};
use crate::models::score::{CHURN_HIGH, EMOTIONS, SentimentLabel};
use crate::store::StoreError;

/// Minute in which a rollup's bucket lies. An index on `sentiment_rollups` uses exactly this expression.
pub(in crate::store) const MINUTE_OF_BUCKET: &str =
    "date_bin('1 minute', bucket, '2000-01-01 00:00:00+00'::timestamptz)";

/// Number of fields of [`Sums`], counting each emotion.
pub(in crate::store) const N_SUMS: usize = 17;

/// Number of leading columns that hold post counts and sentiment.
const N_SENTIMENT_SUMS: usize = 5;

/// Which sums a statement computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Detail {
    /// All of them.
    All,
    /// Post counts and sentiment; the rest is left at 0. With one part per author, computing the sums dominates the cost.
    Sentiment,
}

/// Declares each column with its [`Sums`] field and the expression that computes it from posts.
macro_rules! sum_columns {
    ($($name:literal, $field:ident $([$index:literal])?, $over_posts:expr;)*) => {
        /// Column names, in the order of both rollup tables.
        const NAMES: [&str; N_SUMS] = [$($name),*];

        /// Returns the column values.
        pub(in crate::store) fn values(sums: &Sums) -> [i64; N_SUMS] {
            [$(sums.$field $([$index])?),*]
        }

        /// Reads the last [`N_SUMS`] columns of a row.
        pub(in crate::store) fn read(row: &Row) -> Result<Sums, StoreError> {
            let mut columns = row.len().saturating_sub(N_SUMS)..row.len();
            let mut sums = Sums::default();
            $(sums.$field $([$index])? = row.try_get(columns.next().unwrap_or_default())?;)*
            Ok(sums)
        }

        /// Returns the expressions that sum the tables `post` and `score` exactly as `models::rollup` counts a post.
        fn expressions_over_posts() -> [String; N_SUMS] {
            [$($over_posts),*]
        }
    };
}

sum_columns! {
    "count", count, "count(*)".to_owned();
    "positive", positive, labelled(SentimentLabel::Positive);
    "neutral", neutral, labelled(SentimentLabel::Neutral);
    "negative", negative, labelled(SentimentLabel::Negative);
    "sentiment_micros", sentiment_micros, micros("score.score", "sign(score.score) * 0.5");
    "churn_micros", churn_micros, micros("score.churn_risk", 0.5);
    "churn_high", churn_high, count_where(format!("score.churn_risk >= {CHURN_HIGH}::real"));
    "toxicity_micros", toxicity_micros, micros("score.toxicity", 0.5);
    "emotion_anger", emotions[0], with_emotion(EMOTIONS[0]);
    "emotion_disgust", emotions[1], with_emotion(EMOTIONS[1]);
    "emotion_fear", emotions[2], with_emotion(EMOTIONS[2]);
    "emotion_joy", emotions[3], with_emotion(EMOTIONS[3]);
    "emotion_neutral", emotions[4], with_emotion(EMOTIONS[4]);
    "emotion_sadness", emotions[5], with_emotion(EMOTIONS[5]);
    "emotion_surprise", emotions[6], with_emotion(EMOTIONS[6]);
    "late", late, late();
    "revision", revision, "count(*)".to_owned();
}

fn count_where(condition: impl Display) -> String {
    format!("count(*) FILTER (WHERE {condition})")
}

fn labelled(label: SentimentLabel) -> String {
    count_where(format!("score.label = '{}'", label.as_str()))
}

fn with_emotion(emotion: &str) -> String {
    count_where(format!("score.emotion = '{emotion}'"))
}

/// Sums a score in millionths, rounding halves away from zero.
fn micros(column: &str, half: impl Display) -> String {
    format!("sum(trunc({column}::float8 * {MICROS} + {half}))::bigint")
}

fn late() -> String {
    let closed_after_ms = 60_000 + LATE_GRACE_MS;
    count_where(format!(
        "post.received_at >= date_bin('1 minute', post.created_at, '2000-01-01 00:00:00+00'::timestamptz)
            + interval '{closed_after_ms} milliseconds'"
    ))
}

/// Returns the column names, separated by commas.
pub(in crate::store) fn names() -> String {
    NAMES.join(", ")
}

/// Returns the parameter types of the columns as `unnest` arguments, numbered from `$first`.
pub(in crate::store) fn array_parameters(first: usize) -> String {
    let parameters: Vec<String> = (first..first + N_SUMS).map(|n| format!("${n}::bigint[]")).collect();
    parameters.join(", ")
}

/// Returns expressions that add up rollup rows, each named like its column.
pub(in crate::store) fn totals(detail: Detail) -> String {
    selected(NAMES.map(|name| format!("sum({name})::bigint")), detail)
}

/// Returns expressions that sum the tables `post` and `score`, each named like its column.
pub(in crate::store) fn totals_over_posts(detail: Detail) -> String {
    selected(expressions_over_posts(), detail)
}

fn selected(expressions: [String; N_SUMS], detail: Detail) -> String {
    let columns = NAMES.iter().zip(expressions).enumerate().map(|(i, (name, expression))| {
        let is_selected = detail == Detail::All || i < N_SENTIMENT_SUMS;
        format!("{} AS {name}", if is_selected { &expression } else { "0::bigint" })
    });
    columns.collect::<Vec<_>>().join(", ")
}

/// Returns the clause that adds an inserted row to the existing row of the table aliased `rollup`. The server adds to the
/// newest version of the row, so no contribution overwrites another.
pub(in crate::store) fn add_on_conflict() -> String {
    let additions = NAMES.map(|name| format!("{name} = rollup.{name} + excluded.{name}"));
    format!("ON CONFLICT (bucket, source, dimension, key) DO UPDATE SET {}", additions.join(", "))
}
