//! Writes two sentences about an explanation: how many posts there were, and what they have in common.
//!
//! They state figures next to each other and claim no cause. Where posts are few, they say so instead of comparing.

use jiff::Timestamp;

use super::wording::{compact, counted, duration, number, percent, posts};
use super::{POSTS_MIN, share};
use crate::models::explanation::{Contribution, Explanation, PostCluster, Sentence, SentencePart};
use crate::models::explore::BreakdownBy;

/// Difference between two numbers of posts, in standard deviations of chance, below which they count as alike.
const ALIKE_DEVIATIONS: f64 = 2.0;

/// Difference between two numbers of posts, as a share of the larger, below which they count as alike.
const ALIKE_SHARE: f64 = 0.1;

/// Minimum change of the share of negative posts that is worth mentioning.
const NEGATIVE_CHANGE_MIN: f64 = 0.1;

/// Minimum share of a key among the posts, and minimum growth of that share, for it to be mentioned.
const KEY_SHARE_MIN: f64 = 0.3;
const KEY_GROWTH_MIN: f64 = 0.05;

/// Minimum share of the largest group of near copies for it to be mentioned.
const COPIES_SHARE_MIN: f64 = 0.1;

/// Minimum share of the most active author for them to be mentioned.
const AUTHOR_SHARE_MIN: f64 = 0.2;

/// Returns both sentences.
pub(super) fn sentences(explanation: &Explanation) -> Vec<Sentence> {
    vec![volume(explanation), content(explanation)]
}

/// Sentence under construction.
#[derive(Default)]
struct Draft {
    parts: Vec<SentencePart>,
}

impl Draft {
    fn text(&mut self, text: impl AsRef<str>) {
        if let Some(SentencePart::Text(last)) = self.parts.last_mut() {
            last.push_str(text.as_ref());
            return;
        }
        self.parts.push(SentencePart::Text(text.as_ref().to_owned()));
    }

    fn span(&mut self, from: Timestamp, to: Timestamp) {
        self.text(" between ");
        self.parts.push(SentencePart::Time(from));
        self.text(" and ");
        self.parts.push(SentencePart::Time(to));
    }

    fn finish(mut self) -> Sentence {
        self.text(".");
        let written = |part: &SentencePart| match part {
            SentencePart::Text(text) => text.clone(),
            SentencePart::Time(at) => at.to_string(),
        };
        Sentence { text: self.parts.iter().map(written).collect(), parts: self.parts }
    }
}

/// How one number of posts relates to another.
#[derive(Debug, PartialEq, Eq)]
enum Relation {
    Up,
    Down,
    Alike,
    /// Too few posts, or the period is unfinished.
    Unknown,
}

fn relation(explanation: &Explanation) -> Relation {
    let (now, before) = (explanation.now.count, explanation.before.count);
    let difference = (now - before).abs() as f64;
    // The difference of two Poisson variables has the sum of their variances.
    let is_alike = difference <= ALIKE_DEVIATIONS * ((now + before) as f64).sqrt()
        || difference <= ALIKE_SHARE * now.max(before) as f64;
    match () {
        // A rise from a few posts to many is a rise, whatever the floor for percentages says.
        () if now.max(before) < POSTS_MIN => Relation::Unknown,
        () if now > before && !is_alike => Relation::Up,
        // More posts may still arrive.
        () if !explanation.complete => Relation::Unknown,
        () if is_alike => Relation::Alike,
        () => Relation::Down,
    }
}

/// States how many posts there are, compared with the other period, and which products and labels stand out.
fn volume(explanation: &Explanation) -> Sentence {
    let Explanation { range, compared_with, now, before, sample, .. } = explanation;
    let mut draft = Draft::default();
    if sample.is_some() {
        draft.text("About ");
    }
    draft.text(if now.count == 0 { "No posts".to_owned() } else { posts(now.count) });
    draft.span(range.from, range.to);
    if !explanation.complete {
        draft.text(" so far");
    }
    draft.text(match relation(explanation) {
        Relation::Up => ", up from ",
        Relation::Down => ", down from ",
        Relation::Alike => ", about as many as the ",
        Relation::Unknown => ", compared with ",
    });
    draft.text(number(before.count));
    if compared_with.to == range.from {
        draft.text(format!(" in the {} before", duration(compared_with.seconds)));
    } else {
        draft.span(compared_with.from, compared_with.to);
    }
    let clauses: Vec<String> =
        [key_clause(explanation), negative_clause(explanation)].into_iter().flatten().collect();
    if !clauses.is_empty() {
        draft.text(format!("; {}", clauses.join(", ")));
    }
    draft.finish()
}

/// Names the product whose share of the posts grew most, or else the channel, city or platform.
fn key_clause(explanation: &Explanation) -> Option<String> {
    if explanation.now.count < POSTS_MIN {
        return None;
    }
    let share_before = |found: &Contribution| share(found.previous_count, explanation.before.count);
    let stands_out = |found: &&Contribution| {
        !found.key.is_empty()
            && found.share >= KEY_SHARE_MIN
            && found.share - share_before(found) >= KEY_GROWTH_MIN
    };
    let dimensions = [BreakdownBy::Product, BreakdownBy::Channel, BreakdownBy::City, BreakdownBy::Platform];
    let found = dimensions.into_iter().find_map(|by| {
        let keys = explanation.contributions.iter().filter(|found| found.by == by);
        keys.filter(stands_out).max_by(|a, b| a.share.total_cmp(&b.share))
    })?;
    let relation = match found.by {
        BreakdownBy::Product => "about",
        BreakdownBy::City => "from",
        BreakdownBy::Channel => "in the channel",
        _ => "on",
    };
    let before = if explanation.before.count >= POSTS_MIN {
        format!(" ({} before)", percent(share_before(found)))
    } else {
        String::new()
    };
    Some(format!("{} of them {relation} {}{before}", percent(found.share), found.key))
}

/// States the share of negative posts if it changed noticeably.
fn negative_clause(explanation: &Explanation) -> Option<String> {
    let change = explanation.change?.negative_share;
    let (now, before) = (explanation.now.negative_share?, explanation.before.negative_share?);
    if change.abs() < NEGATIVE_CHANGE_MIN {
        return None;
    }
    Some(format!("{} negative ({} before)", percent(now), percent(before)))
}

/// States what the posts have in common: near copies, a term, an author.
fn content(explanation: &Explanation) -> Sentence {
    let mut draft = Draft::default();
    let n_read = explanation.read.posts;
    if n_read < POSTS_MIN {
        draft.text(match n_read {
            0 => "There are no posts to describe".to_owned(),
            _ => format!("{} {} too few to describe", posts(n_read), if n_read == 1 { "is" } else { "are" }),
        });
        return draft.finish();
    }
    let clauses: Vec<String> =
        [copies_clause(explanation), term_clause(explanation), author_clause(explanation)]
            .into_iter()
            .flatten()
            .take(2)
            .collect();
    if explanation.read.sampled {
        draft.text(format!("Of {} read, ", posts(n_read)));
    }
    let text = if clauses.is_empty() { plain_clause(explanation) } else { clauses.join("; ") };
    draft.text(if explanation.read.sampled { text } else { capitalized(&text) });
    draft.finish()
}

fn copies_clause(explanation: &Explanation) -> Option<String> {
    let largest = explanation.clusters.first().filter(|cluster| cluster.share >= COPIES_SHARE_MIN)?;
    let PostCluster { share, example, .. } = largest;
    let first = match (&example.author, example.followers) {
        (None, _) => String::new(),
        (Some(author), None) => format!(", the earliest by {author}"),
        (Some(author), Some(followers)) => {
            let followers =
                format!("{} follower{}", compact(followers), if followers == 1 { "" } else { "s" });
            format!(", the earliest by {author} with {followers}")
        }
    };
    Some(format!("{} are near copies of one post{first}", percent(*share)))
}

fn term_clause(explanation: &Explanation) -> Option<String> {
    let strongest = explanation.terms.first()?;
    let before = match explanation.read_before.posts {
        ..POSTS_MIN => String::new(),
        _ => format!(", before in {}", percent(strongest.previous_share)),
    };
    Some(format!("“{}” appears in {}{before}", strongest.term, percent(strongest.share)))
}

fn author_clause(explanation: &Explanation) -> Option<String> {
    let most_active = explanation.authors.items.first().filter(|author| author.share >= AUTHOR_SHARE_MIN)?;
    Some(format!("{} wrote {}", most_active.author, percent(most_active.share)))
}

/// States that nothing stands out.
fn plain_clause(explanation: &Explanation) -> String {
    let authors = &explanation.authors;
    let by = match authors.items.first() {
        Some(most_active) if authors.distinct > 1 => format!(
            "; {} wrote them, the most active {}",
            counted(authors.distinct, "author"),
            percent(most_active.share)
        ),
        _ => String::new(),
    };
    format!("no single post or term stands out{by}")
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
