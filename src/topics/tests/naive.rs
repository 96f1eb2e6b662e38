//! Compares the search with a naive evaluation that follows the definitions word by word.

use std::ops::Range;

use proptest::prelude::*;

use crate::topics::packs::query_of;
use crate::topics::query::{Near, Query, Term};
use crate::topics::tests::round_trip::query;
use crate::topics::{PreparedText, Subject, TopicSet};

fn word<'a>(text: &'a PreparedText<'_>, index: usize) -> &'a str {
    &text.folded[text.words[index].folded.clone()]
}

fn is_term_at(term: &Term, text: &PreparedText<'_>, at: usize) -> Option<usize> {
    let phrase = |words: &[String]| {
        let is_there = (0..words.len()).all(|i| at + i < text.words.len() && word(text, at + i) == words[i]);
        is_there.then_some(words.len())
    };
    match term {
        Term::Words(words) => {
            let long = words[0].chars().count() >= 4;
            let is_part = word(text, at).starts_with(&words[0]) || word(text, at).ends_with(&words[0]);
            let inside = words.len() == 1 && long && text.words[at].is_hashtag && is_part;
            phrase(words).or(inside.then_some(1))
        }
        Term::Prefix(letters) => word(text, at).starts_with(letters.as_str()).then_some(1),
        Term::Hashtag(tag) => (text.words[at].is_hashtag && word(text, at) == tag).then_some(1),
        Term::Handle(words) => phrase(words).filter(|_| text.words[at].is_handle),
        Term::Raw(literal) => (&text.plain[text.words[at].plain.clone()] == literal).then_some(1),
    }
}

fn ranges(query: &Query, text: &PreparedText<'_>) -> Vec<Range<usize>> {
    match query {
        Query::Term(term) => {
            let at = |at| is_term_at(term, text, at).map(|length| at..at + length);
            (0..text.words.len()).filter_map(at).collect()
        }
        Query::Any(parts) => parts.iter().flat_map(|part| ranges(part, text)).collect(),
        Query::Near(Near { left, right, distance, is_ordered }) => {
            let mut found = Vec::new();
            for left in ranges(left, text) {
                for right in ranges(right, text) {
                    let distance = usize::from(*distance);
                    if left.end <= right.start && right.start - left.end <= distance {
                        found.push(left.start..right.end);
                    }
                    if !is_ordered && right.end <= left.start && left.start - right.end <= distance {
                        found.push(right.start..left.end);
                    }
                }
            }
            found
        }
        other => panic!("{other} has no position"),
    }
}

fn matches(query: &Query, subject: &Subject<'_>) -> bool {
    match query {
        Query::All(parts) => parts.iter().all(|part| matches(part, subject)),
        Query::Any(parts) => parts.iter().any(|part| matches(part, subject)),
        Query::Not(part) => !matches(part, subject),
        Query::Field(field) => field.matches(subject),
        Query::Pack(pack) => matches(query_of(*pack), subject),
        Query::Near(_) | Query::Term(_) => !ranges(query, subject.text).is_empty(),
    }
}

/// Words that occur in the generated queries, so that texts often match.
fn text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a", "b", "Bee", "bees", "#beehive", "#a", "@a", "@b.bee", "été", "Refund", "refunds", "x", ",",
        "mail@a", "giveaway",
    ]);
    prop::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_search_finds_what_the_definitions_say(
        queries in prop::collection::vec(query(), 1..8),
        text in text(),
        lang in prop::option::of(prop::sample::select(vec!["en", "de-AT", "a"])),
    ) {
        let text = PreparedText::new(&text);
        let subject = Subject {
            text: &text,
            lang,
            platform: "x",
            author_handle: Some("b"),
            author_id: None,
            country: None,
        };
        let expected: Vec<usize> =
            (0..queries.len()).filter(|index| matches(&queries[*index], &subject)).collect();
        prop_assert_eq!(TopicSet::compile(&queries).matches(&subject), expected);
    }
}
