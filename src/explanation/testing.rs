//! Posts and sums for tests.

use jiff::{SignedDuration, Timestamp};

use crate::models::explanation::{ComparedPeriods, ExamplePost, SampledPost};
use crate::models::explore::AnsweredFrom;
use crate::models::id::PostId;
use crate::models::metrics::Window;
use crate::models::rollup::Sums;

/// Returns the start of the explained period.
pub(super) fn start() -> Timestamp {
    "2026-11-21T08:40:00Z".parse().unwrap()
}

/// Returns posts with these texts, a second apart, each by another author.
pub(super) fn sampled(texts: &[&str]) -> Vec<SampledPost> {
    let post = |(n, text): (usize, &&str)| SampledPost {
        post: ExamplePost {
            uuid: PostId::from_u128(n as u128),
            created_at: start() + SignedDuration::from_secs(n as i64),
            platform: "bluesky".to_owned(),
            text: (*text).to_owned(),
            lang: Some("en".to_owned()),
            author: Some(format!("author{n}")),
            followers: Some(100),
        },
        reach: 100,
    };
    texts.iter().enumerate().map(post).collect()
}

/// Returns the sums of two periods of ten minutes with these numbers of posts, a fifth of them negative.
pub(super) fn compared(now: i64, before: i64) -> ComparedPeriods {
    let sums = |count: i64| Sums {
        count,
        positive: count - count / 5,
        negative: count / 5,
        sentiment_micros: count * 100_000,
        ..Sums::default()
    };
    let from = start();
    let length = SignedDuration::from_mins(10);
    let window = |from: Timestamp| Window { from, to: from + length, seconds: 600 };
    ComparedPeriods {
        range: window(from),
        compared_with: window(from - length),
        answered_from: AnsweredFrom::Rollups,
        sample: None,
        now: sums(now),
        before: sums(before),
        keys: Vec::new(),
    }
}
