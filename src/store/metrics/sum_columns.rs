//! Sum columns of the rollup tables: their names, and the expressions that statements use to read and add them up.

use std::fmt::Display;

use tokio_postgres::Row;

use crate::models::post::LATE_GRACE_MS;
use crate::models::rollup::{MICROS, Sums};
use crate::models::score::{CHURN_HIGH, EMOTIONS, SentimentLabel};
use crate::store::StoreError;

/// Expression for the minute that contains a rollup's bucket. An index on `sentiment_rollups` uses exactly this
/// expression.
pub(in crate::store) const MINUTE_OF_BUCKET: &str =
    "date_bin('1 minute', bucket, '2000-01-01 00:00:00+00'::timestamptz)";

/// Number of sum columns: the fields of [`Sums`], with one column per emotion.
pub(in crate::store) const N_SUMS: usize = 17;

/// Number of leading sum columns that hold post counts and sentiment.
const N_SENTIMENT_SUMS: usize = 5;

/// Which sums a statement computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Detail {
    /// Every sum.
    All,
    /// Only post counts and sentiment; the others are 0. In a breakdown by author, computing the sums dominates the
    /// cost.
    Sentiment,
}

/// Declares each column with its [`Sums`] field and the expression that computes it from posts.
macro_rules! sum_columns {
    ($($name:literal, $field:ident $([$index:literal])?, $over_posts:expr;)*) => {
        /// Column names, in the order of both rollup tables.
        const NAMES: [&str; N_SUMS] = [$($name),*];

        /// Returns the value of each column.
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

        /// Returns one expression per column that computes the sum from the tables `post` and `score`, exactly as
        /// `models::rollup` counts a post.
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

/// Returns an expression that sums a score column in millionths, rounding halves away from zero.
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

/// Returns the columns as typed array placeholders for `unnest`, numbered from `$first`.
pub(in crate::store) fn array_parameters(first: usize) -> String {
    let parameters: Vec<String> = (first..first + N_SUMS).map(|n| format!("${n}::bigint[]")).collect();
    parameters.join(", ")
}

/// Returns the columns of rollup rows to subtract, each named after its column. Revisions are not subtracted: a
/// transaction changes one row of all posts, but any number of other rows.
pub(in crate::store) fn negated() -> String {
    let negated = NAMES.map(|name| match name {
        "revision" => format!("0::bigint AS {name}"),
        _ => format!("-{name} AS {name}"),
    });
    negated.join(", ")
}

/// Returns the expressions that add up rollup rows, each named after its column.
pub(in crate::store) fn totals(detail: Detail) -> String {
    selected(NAMES.map(|name| format!("sum({name})::bigint")), detail)
}

/// Returns the expressions that compute the sums from the tables `post` and `score`, each named after its column.
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

/// Returns the clause that adds an inserted row to the existing row of the table with the alias `rollup`. The server
/// adds to the newest version of the row, so no transaction overwrites the contribution of another.
pub(in crate::store) fn add_on_conflict() -> String {
    let additions = NAMES.map(|name| format!("{name} = rollup.{name} + excluded.{name}"));
    format!("ON CONFLICT (bucket, source, dimension, key) DO UPDATE SET {}", additions.join(", "))
}
