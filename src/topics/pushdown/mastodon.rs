//! Topics as hashtags of Mastodon, which has no other public timelines of what people write about.

use super::fold::{fold, platform};
use super::outcome::{Outcome, add_name};
use super::words::is_hashtag;
use super::{FollowedTopic, Room};
use crate::models::source::following::{LeftOutEffect, SourceQueries};
use crate::topics::query::{Query, Term};

/// What the timelines of Mastodon do not show in general.
pub const NOTES: [&str; 1] =
    ["Mastodon shows only posts with the hashtags, of instances that this one knows"];

/// Why something without a hashtag is left out.
const NO_HASHTAG: &str = "Mastodon can be asked for hashtags only";

/// Hashtags, at least one of which every post that a query matches has, except those that only `missed` finds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tags {
    tags: Vec<String>,
    /// Alternatives without a hashtag.
    missed: Vec<String>,
}

/// Returns the hashtags for topics.
pub fn tags(topics: &[FollowedTopic], room: Room) -> SourceQueries {
    let mut outcome = Outcome::default();
    let mut asked: Vec<(String, Vec<String>)> = Vec::new();
    for FollowedTopic { name, query } in topics {
        let folded = match fold(query, &|field| platform(field, "mastodon")) {
            Ok(folded) => folded,
            Err(matches_all) => {
                outcome.leave_out_whole(name, query.to_string(), matches_all);
                continue;
            }
        };
        let Tags { tags, missed } = tags_of(&folded);
        for part in missed {
            outcome.leave_out(name, (part, NO_HASHTAG.to_owned()), LeftOutEffect::Missing);
        }
        for tag in tags {
            if let Some((_, topics)) = asked.iter_mut().find(|(known, _)| *known == tag) {
                add_name(topics, name);
            } else if asked.len() < room.n_queries_max {
                asked.push((tag, vec![name.clone()]));
            } else {
                let reason = format!("a source of Mastodon may have {} hashtags at most", room.n_queries_max);
                outcome.leave_out(name, (format!("#{tag}"), reason), LeftOutEffect::Missing);
            }
        }
    }
    for (tag, topics) in asked {
        outcome.ask(tag, topics);
    }
    outcome.into_queries()
}

/// Returns the hashtags without which a post does not match: of conditions, those of the one that misses least.
fn tags_of(query: &Query) -> Tags {
    let nothing = || Tags { tags: Vec::new(), missed: vec![query.to_string()] };
    match query {
        Query::Term(Term::Hashtag(tag)) if is_hashtag(tag) => {
            Tags { tags: vec![tag.clone()], missed: Vec::new() }
        }
        Query::All(parts) => best(parts.iter()).unwrap_or_else(nothing),
        Query::Near(near) => {
            best([near.left.as_ref(), near.right.as_ref()].into_iter()).unwrap_or_else(nothing)
        }
        Query::Any(parts) => {
            let mut all = Tags::default();
            for part in parts.iter().map(tags_of) {
                all.tags
                    .extend(part.tags.into_iter().filter(|tag| !all.tags.contains(tag)).collect::<Vec<_>>());
                all.missed.extend(part.missed);
            }
            all
        }
        Query::Not(_) | Query::Term(_) | Query::Field(_) | Query::Pack(_) => nothing(),
    }
}

/// Returns the hashtags of the part that misses the fewest alternatives, and, of several, has the fewest hashtags; `None` if
/// none has any.
fn best<'a>(parts: impl Iterator<Item = &'a Query>) -> Option<Tags> {
    let with_tags = parts.map(tags_of).filter(|found| !found.tags.is_empty());
    with_tags.min_by_key(|found| (found.missed.len(), found.tags.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::pushdown::tests::{asked, left_out, topics};

    const ROOM: Room = Room { n_queries_max: 20, n_chars_max: 100 };

    fn check(query: &str, expected: &[&str], missed: &[&str]) {
        let found = tags(&topics(&[query]), ROOM);
        let missed: Vec<String> =
            missed.iter().map(|part| format!("missing: {part}: {NO_HASHTAG}")).collect();
        assert_eq!(asked(&found), expected, "{query}");
        assert_eq!(left_out(&found), missed, "{query}");
    }

    #[test]
    fn hashtags_are_those_without_which_a_topic_does_not_match() {
        check("#Nimbrel", &["nimbrel"], &[]);
        check("#nimbrel refund -job", &["nimbrel"], &[]);
        check("#nimbrel OR (#vexa NEAR/2 refund)", &["nimbrel", "vexa"], &[]);
        check("(#nimbrel OR #vexa) #orlo", &["orlo"], &[]);
        check("#nimbrel OR nimbrel", &["nimbrel"], &["nimbrel"]);
        check("(#nimbrel OR nimbrel) refund", &["nimbrel"], &["nimbrel"]);
        check("(#nimbrel OR nimbrel) (#vexa OR #orlo)", &["vexa", "orlo"], &[]);
        check("nimbrel", &[], &["nimbrel"]);
        check("nimbrel -#ad", &[], &["nimbrel AND NOT #ad"]);
        check("#2026 OR #käse", &["käse"], &["#2026"]);
        check("#nimbrel platform:mastodon", &["nimbrel"], &[]);
    }

    #[test]
    fn topics_share_hashtags_and_there_are_not_too_many() {
        let found =
            tags(&topics(&["#nimbrel", "#NIMBREL OR #vexa", "#orlo"]), Room { n_queries_max: 2, ..ROOM });
        assert_eq!(asked(&found), ["nimbrel", "vexa"]);
        assert_eq!(found.queries[0].topics, ["T0", "T1"]);
        assert_eq!(left_out(&found), ["missing: #orlo: a source of Mastodon may have 2 hashtags at most"]);
        let elsewhere = tags(&topics(&["#nimbrel platform:x"]), ROOM);
        assert_eq!(elsewhere.left_out[0].effect, LeftOutEffect::Nothing);
    }
}
