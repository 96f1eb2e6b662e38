//! Explains a peak by what distinguishes the posts of its period from those of another. Pure: the posts, their sums and
//! the current time are arguments.
//!
//! Numbers of posts are sums over all posts; terms, near copies and authors come from a sample. Explanations never
//! claim a cause.

use jiff::Timestamp;

use crate::models::explanation::{
    ComparedPeriods, Explanation, PeriodChange, PeriodFigures, PostsRead, SampledPost,
};
use crate::models::metrics::Summary;
use crate::models::rollup::{BUCKET_SECONDS, Sums, complete_until};

mod near_copies; // posts with nearly the same text
mod terms; // terms that are used more often than before

mod authors; // who wrote the posts
mod contributions; // products, platforms, channels and cities that changed

mod sentences; // the sentences
mod wording; // how numbers read in a sentence

/// Minimum number of posts for a comparison.
const POSTS_MIN: i64 = 30;

/// Data that an explanation is based on.
#[derive(Debug)]
pub struct Findings {
    /// Sums of both periods.
    pub compared: ComparedPeriods,
    /// Posts of the period, all or a sample.
    pub posts: Vec<SampledPost>,
    /// Posts of the other period, all or a sample.
    pub posts_before: Vec<SampledPost>,
    /// Whether `posts` is only a sample.
    pub is_sampled: bool,
    /// Whether `posts_before` is only a sample.
    pub is_sampled_before: bool,
    /// Current time.
    pub now: Timestamp,
}

/// Explains a period.
pub fn explain(findings: &Findings) -> Explanation {
    let Findings { compared, posts, posts_before, is_sampled, is_sampled_before, now } = findings;
    let groups = near_copies::groups(posts);
    let groups_before = near_copies::groups(posts_before);
    let (figures, before) = (figures_of(&compared.now), figures_of(&compared.before));
    let mut explanation = Explanation {
        range: compared.range,
        complete: compared.range.to <= complete_until(*now, BUCKET_SECONDS),
        compared_with: compared.compared_with,
        answered_from: compared.answered_from,
        sample: compared.sample,
        now: figures,
        before,
        change: change_between(&figures, &before),
        sentences: Vec::new(),
        read: read_of(posts, figures.count, *is_sampled),
        read_before: read_of(posts_before, before.count, *is_sampled_before),
        terms: terms::explained((posts, &groups), (posts_before, &groups_before)),
        clusters: near_copies::clusters(posts, &groups),
        distinct_texts: count(groups.len()),
        authors: authors::explained(posts),
        contributions: contributions::largest(compared),
    };
    explanation.sentences = sentences::sentences(&explanation);
    explanation
}

fn figures_of(sums: &Sums) -> PeriodFigures {
    let Summary { count, sentiment, .. } = Summary::from(sums);
    let negative_share = (count > 0).then(|| share(sentiment.negative, count));
    PeriodFigures { count, sentiment, negative_share }
}

fn change_between(now: &PeriodFigures, before: &PeriodFigures) -> Option<PeriodChange> {
    if now.count.min(before.count) < POSTS_MIN {
        return None;
    }
    Some(PeriodChange {
        count: now.count - before.count,
        sentiment: now.sentiment.average? - before.sentiment.average?,
        negative_share: now.negative_share? - before.negative_share?,
    })
}

fn read_of(posts: &[SampledPost], of: i64, sampled: bool) -> PostsRead {
    let n_read = count(posts.len());
    // The variance of a share is largest at one half; reading more of a finite number of posts reduces it.
    let unread = 1.0 - share(n_read, of).min(1.0);
    let error = if sampled { (0.25 * unread / n_read.max(1) as f64).sqrt() } else { 0.0 };
    PostsRead { posts: n_read, of: of.max(n_read), sampled, error }
}

fn share(part: i64, of: i64) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod testing; // posts and sums for the tests
#[cfg(test)]
mod tests;
