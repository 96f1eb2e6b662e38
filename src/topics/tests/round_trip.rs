use proptest::prelude::*;

use crate::topics::query::{Field, Near, Query, Term};
use crate::topics::{Hint, Pack, parse};

const WORDS: [&str; 8] = ["a", "b", "bee", "bees", "été", "refund", "hive", "x"];

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned)
}

/// Terms that `NEAR` can join. Those of `raw:` are single words.
fn term() -> impl Strategy<Value = Query> {
    prop_oneof![
        4 => prop::collection::vec(word(), 1..4).prop_map(Term::Words),
        1 => prop::sample::select(vec!["refund", "refu", "bees"]).prop_map(|s| Term::Prefix(s.to_owned())),
        1 => prop::sample::select(vec!["Bee", "Refund", "a"]).prop_map(|s| Term::Raw(s.to_owned())),
        1 => word().prop_map(Term::Hashtag),
        1 => prop::collection::vec(word(), 1..3).prop_map(Term::Handle),
    ]
    .prop_map(Query::Term)
}

fn field() -> impl Strategy<Value = Query> {
    prop_oneof![
        prop::sample::select(vec!["en", "de", "deu"]).prop_map(|s| Field::Language(s.to_owned())),
        prop::sample::select(vec!["x", "you tube"]).prop_map(|s| Field::Platform(s.to_owned())),
        prop::sample::select(vec!["b", "ana.bsky.social"]).prop_map(|s| Field::Author(s.to_owned())),
        Just(Field::Country("DE".to_owned())),
    ]
    .prop_map(Query::Field)
}

/// Terms, or up to four of them joined by `NEAR`, with alternatives.
fn near() -> impl Strategy<Value = Query> {
    let group = prop_oneof![3 => term(), 1 => prop::collection::vec(term(), 2..4).prop_map(Query::any)];
    let more = prop::collection::vec((group.clone(), 0_u8..=30, any::<bool>()), 0..=3);
    (group, more).prop_map(|(first, more)| {
        more.into_iter().fold(first, |left, (right, distance, is_ordered)| {
            Query::Near(Near { left: Box::new(left), right: Box::new(right), distance, is_ordered })
        })
    })
}

/// Queries in normal form.
pub fn query() -> impl Strategy<Value = Query> {
    let pack = prop::sample::select(Pack::ALL.to_vec()).prop_map(Query::Pack);
    let leaf = prop_oneof![8 => near(), 2 => field(), 1 => pack];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Query::all),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Query::any),
            inner.prop_map(|part| Query::Not(Box::new(part))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_printed_query_parses_back(part in query()) {
        // Makes any query specific.
        let query = Query::all(vec![Query::Term(Term::Words(vec!["anchor".to_owned()])), part]);
        let parsed = parse(&query.to_string()).map_err(|error| TestCaseError::fail(format!("{query}: {error:?}")))?;
        prop_assert_eq!(&parsed.query, &query, "{}", query);
        prop_assert_eq!(parsed.hints, Vec::<Hint>::new());
    }

    #[test]
    fn any_text_is_parsed_or_rejected_with_a_part_of_it(text in ".{0,200}") {
        check(&text)?;
    }

    #[test]
    fn any_sequence_of_tokens_is_parsed_or_rejected_with_a_part_of_it(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "(", ")", "AND", "OR", "NOT", "-", "NEAR/2", "NEAR/2f", "NEAR", "\"", "“", "a", "É", "ref*", "refu*",
            "#a", "#", "@a.b", "@", "lang:", "lang:en", "raw:\"", "raw:A+", "x:y", ":)", "🔥", " ", "\n", "ﬁ", "ẞ", "İ",
        ]), 0..40),
    ) {
        check(&tokens.join(""))?;
        check(&tokens.join(" "))?;
    }
}

/// Checks that the text is either rejected, with a span inside it, or has a canonical form that means the same.
fn check(text: &str) -> Result<(), TestCaseError> {
    match parse(text) {
        Ok(parsed) => {
            let printed = parsed.query.to_string();
            let again = parse(&printed)
                .map_err(|error| TestCaseError::fail(format!("{text}: {printed}: {error:?}")))?;
            prop_assert_eq!(again.query, parsed.query, "{}", printed);
        }
        Err(error) => {
            prop_assert!(error.span.from <= error.span.to, "{:?}", error);
            prop_assert!(error.span.to <= text.chars().count(), "{:?}", error);
        }
    }
    Ok(())
}
