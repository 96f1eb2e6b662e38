//! Topics as searches of YouTube: <https://developers.google.com/youtube/v3/docs/search/list>.
//!
//! `|` joins alternatives, and a space what must all be found, but which of them binds more tightly is not said. So a search
//! has only one of the two. Nothing is excluded, because searches are not exact.

use super::approximate::{Approximation, Dialect, Found, Leaf, Search, approximate};
use super::fold::{fold, platform};
use super::outcome::{Outcome, add_name};
use super::words::{self, quoted};
use super::{FollowedTopic, Room};
use crate::models::source::following::{LeftOutEffect, SourceQueries};
use crate::topics::query::{Field, Query, Term};

/// What the search of YouTube does not find in general.
pub const NOTES: [&str; 2] = [
    "YouTube finds videos; comments are heard only of those that are found",
    "YouTube decides on its own which videos are about the words",
];

/// Why a topic is searched for by one of its conditions.
const ONE_KIND: &str = "because a search has either alternatives or words that must all occur";

struct YouTube;

impl Dialect for YouTube {
    const NETWORK: &str = "YouTube";

    fn term(term: &Term) -> Result<Found, &'static str> {
        let (words, note) = words::of(term)?;
        Ok(Found { leaf: Leaf::Words(words), is_exact: false, note })
    }

    fn field(field: &Field) -> Result<Found, &'static str> {
        Err(match field {
            Field::Author(_) => "cannot search for authors and words at once",
            Field::Language(_) => "cannot search for a language alone",
            Field::Country(_) => "does not know the countries of posts",
            Field::Platform(_) => "has no other platforms",
        })
    }
}

/// Topic as it can be searched for.
struct Searchable<'a> {
    name: &'a str,
    query: &'a Query,
    /// Search for several words that must all be found, if that is all that the topic asks for.
    all: Option<String>,
    /// Alternatives, at least one of which is in every post of the topic.
    any: Vec<String>,
    /// Whether the topic asks for nothing but one of the alternatives.
    is_any: bool,
}

/// Alternatives that share a search, and the topics that ask for them.
#[derive(Default)]
struct Shared {
    alternatives: Vec<String>,
    topics: Vec<String>,
}

impl Shared {
    fn text(&self) -> String {
        self.alternatives.join("|")
    }
}

/// Returns the searches for topics. Topics share searches, because each takes its part of the quota. Only one that requires
/// several words has a search of its own, as long as there are enough.
pub fn queries(topics: &[FollowedTopic], room: Room) -> SourceQueries {
    let mut outcome = Outcome::default();
    let mut found = Vec::new();
    for topic in topics {
        found.extend(searchable(topic, room, &mut outcome));
    }
    // Stable, so that topics stay in their order.
    found.sort_by_key(|topic| topic.all.is_none());
    let n_alone_max = found.iter().filter(|topic| topic.all.is_some()).count().min(room.n_queries_max);
    let shared = |n_alone: usize| share(found.iter().skip(n_alone), room);
    let fits = |n_alone: &usize| n_alone + shared(*n_alone).len() <= room.n_queries_max;
    let n_alone = (0..=n_alone_max).rev().find(fits).unwrap_or_default();
    for topic in found.iter().take(n_alone) {
        outcome.ask(topic.all.clone().unwrap_or_default(), vec![topic.name.to_owned()]);
    }
    for topic in found.iter().skip(n_alone).filter(|topic| !topic.is_any) {
        let reason = format!("YouTube is asked for `{}` only, {ONE_KIND}", topic.any.join("|"));
        outcome.leave_out(topic.name, (topic.query.to_string(), reason), LeftOutEffect::Wider);
    }
    for (index, search) in shared(n_alone).into_iter().enumerate() {
        let Shared { topics, .. } = &search;
        if n_alone + index < room.n_queries_max {
            outcome.ask(search.text(), topics.clone());
            continue;
        }
        for topic in topics {
            let reason = format!("a source of YouTube may have {} queries at most", room.n_queries_max);
            outcome.leave_out(topic, (search.text(), reason), LeftOutEffect::Missing);
        }
    }
    outcome.into_queries()
}

/// Returns how a topic can be searched for; `None` if it cannot, which is noted.
fn searchable<'a>(topic: &'a FollowedTopic, room: Room, outcome: &mut Outcome) -> Option<Searchable<'a>> {
    let FollowedTopic { name, query } = topic;
    let folded = match fold(query, &|field| platform(field, "youtube")) {
        Ok(folded) => folded,
        Err(matches_all) => {
            outcome.leave_out_whole(name, query.to_string(), matches_all);
            return None;
        }
    };
    let Approximation { search, dropped } = match approximate::<YouTube>(&folded) {
        Ok(found) => found,
        Err(reason) => {
            outcome.leave_out(name, (query.to_string(), reason), LeftOutEffect::Missing);
            return None;
        }
    };
    for part in dropped {
        outcome.leave_out(name, part, LeftOutEffect::Wider);
    }
    let all = match &search {
        Search::All(parts) => {
            let leaves: Option<Vec<String>> = parts.iter().map(leaf).collect();
            let text = leaves.map(|leaves| leaves.join(" "));
            text.filter(|text| text.chars().count() <= room.n_chars_max)
        }
        Search::Any(_) | Search::Leaf(_) | Search::Not(_) => None,
    };
    let is_any = match &search {
        Search::Any(parts) => parts.iter().all(|part| leaf(part).is_some()),
        other => leaf(other).is_some(),
    };
    Some(Searchable { name, query, all, any: alternatives(&search), is_any })
}

/// Returns a word or phrase as YouTube reads it.
fn leaf(search: &Search) -> Option<String> {
    match search {
        Search::Leaf(Leaf::Words(words)) => Some(quoted(words)),
        _ => None,
    }
}

/// Returns alternatives, at least one of which is in everything that a search finds: the fewest possible.
fn alternatives(search: &Search) -> Vec<String> {
    match search {
        Search::All(parts) => {
            let each = parts.iter().map(alternatives).filter(|any| !any.is_empty());
            let shortest = |any: &Vec<String>| any.iter().map(String::len).min();
            each.min_by_key(|any| (any.len(), std::cmp::Reverse(shortest(any)))).unwrap_or_default()
        }
        Search::Any(parts) => parts.iter().flat_map(alternatives).collect(),
        Search::Leaf(_) | Search::Not(_) => leaf(search).into_iter().collect(),
    }
}

/// Packs the alternatives of topics into as few searches as their length allows.
fn share<'a>(topics: impl Iterator<Item = &'a Searchable<'a>>, room: Room) -> Vec<Shared> {
    let mut searches: Vec<Shared> = Vec::new();
    for topic in topics {
        for alternative in &topic.any {
            let has_room = |shared: &Shared| {
                let n_chars = shared.text().chars().count() + 1 + alternative.chars().count();
                shared.alternatives.contains(alternative) || n_chars <= room.n_chars_max
            };
            let known = searches.iter().position(|shared| shared.alternatives.contains(alternative));
            let place = known.or_else(|| searches.iter().position(has_room)).unwrap_or(searches.len());
            if place == searches.len() {
                searches.push(Shared::default());
            }
            if let Some(shared) = searches.get_mut(place) {
                if known.is_none() {
                    shared.alternatives.push(alternative.clone());
                }
                add_name(&mut shared.topics, topic.name);
            }
        }
    }
    searches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::pushdown::tests::{asked, left_out, topics};

    const ROOM: Room = Room { n_queries_max: 5, n_chars_max: 512 };

    fn check(queries_of: &[&str], searches: &[&str], dropped: &[&str]) {
        let found = queries(&topics(queries_of), ROOM);
        assert_eq!(asked(&found), searches, "{queries_of:?}");
        assert_eq!(left_out(&found), dropped, "{queries_of:?}");
    }

    #[test]
    fn topics_share_searches() {
        check(
            &["nimbrel", "\"Vexa One\" OR #Orlo", "nimbrel OR @vexa"],
            &["nimbrel|\"vexa one\"|orlo|vexa"],
            &[],
        );
        check(&["nimbrel \"vexa one\"", "orlo"], &["nimbrel \"vexa one\"", "orlo"], &[]);
        check(
            &["(nimbrel OR vexa) (refund OR return OR repair)"],
            &["nimbrel|vexa"],
            &[
                "wider: (nimbrel OR vexa) AND (refund OR return OR repair): YouTube is asked for `nimbrel|vexa` only, \
               because a search has either alternatives or words that must all occur",
            ],
        );
        check(&["nimbrel platform:youtube"], &["nimbrel"], &[]);
        let found = queries(&topics(&["a b", "c d", "e f", "g h", "i j", "k"]), ROOM);
        assert_eq!(asked(&found), ["a b", "c d", "e f", "g h", "i|k"]);
        assert_eq!(found.queries[4].topics, ["T4", "T5"]);
        let found = queries(&topics(&["a b", "A B"]), ROOM);
        assert_eq!((asked(&found), found.queries[0].topics.len()), (vec!["a b".to_owned()], 2));
    }

    #[test]
    fn what_cannot_be_searched_for_is_left_out() {
        check(
            &["nimbrel lang:en -job"],
            &["nimbrel"],
            &[
                "wider: lang:en: YouTube cannot search for a language alone",
                "wider: NOT job: YouTube would exclude other posts, too",
            ],
        );
        check(
            &["nimbrel OR refund*"],
            &[],
            &["missing: nimbrel OR refund*: `refund*`: YouTube cannot search for the beginnings of words"],
        );
        check(
            &["nimbrel platform:x"],
            &[],
            &["nothing: nimbrel AND platform:x: it matches no post of this network"],
        );
        let words: Vec<String> = (0..400).map(|n| format!("wrd{n}")).collect();
        let found = queries(&topics(&["nimbrel vexa", &words.join(" OR ")]), ROOM);
        assert_eq!(found.queries.len(), 5);
        assert!(asked(&found).iter().all(|search| search.chars().count() <= 512));
        let missing = found.left_out.iter().filter(|it| it.effect == LeftOutEffect::Missing).count();
        assert_eq!(missing, found.left_out.len() - 1, "{:?}", found.left_out);
    }
}
