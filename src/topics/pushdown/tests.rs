//! What is pushed down is never narrower than the topics, as networks read it.

use proptest::prelude::*;

use super::*;
use crate::models::source::following::{LeftOutEffect, SourceQueries};
use crate::topics::tests::round_trip::query;
use crate::topics::{PreparedText, Subject, TopicSet, parse};

/// Returns topics with these queries, named `T0`, `T1` and so on.
pub fn topics(queries: &[&str]) -> Vec<FollowedTopic> {
    let topic = |(index, query): (usize, &&str)| FollowedTopic {
        name: format!("T{index}"),
        query: parse(query).unwrap_or_else(|error| panic!("{query}: {error}")).query,
    };
    queries.iter().enumerate().map(topic).collect()
}

/// Returns what a network is asked for.
pub fn asked(queries: &SourceQueries) -> Vec<String> {
    queries.texts()
}

/// Returns what was left out, each as its effect, the part and the reason.
pub fn left_out(queries: &SourceQueries) -> Vec<String> {
    let word = |effect| match effect {
        LeftOutEffect::Wider => "wider",
        LeftOutEffect::Missing => "missing",
        LeftOutEffect::Nothing => "nothing",
    };
    let line = |it: &crate::models::source::following::LeftOut| {
        format!("{}: {}: {}", word(it.effect), it.part, it.reason)
    };
    queries.left_out.iter().map(line).collect()
}

/// Post whose language the network may know or not.
#[derive(Debug, Clone)]
struct Written {
    text: String,
    /// Language as the network says.
    known: Option<&'static str>,
    /// Language as Groundswell determines it if the network does not say.
    detected: Option<&'static str>,
    author: &'static str,
}

impl Written {
    fn is_matched(&self, query: &Query, platform: &str, lang: Option<&str>) -> bool {
        let text = PreparedText::new(&self.text);
        let subject = Subject {
            text: &text,
            lang,
            platform,
            author_handle: Some(self.author),
            author_id: Some("7"),
            country: Some("DE"),
        };
        !TopicSet::compile(std::slice::from_ref(query)).matches(&subject).is_empty()
    }

    fn concerns(&self, topic: &Query, platform: &str) -> bool {
        self.is_matched(topic, platform, self.known.or(self.detected))
    }

    /// Returns whether a query in X's language, which this part of has the syntax of topics, finds it.
    fn is_found_by_x(&self, rule: &str) -> bool {
        let rule = parse(rule).unwrap_or_else(|error| panic!("{rule}: {error}")).query;
        self.is_matched(&rule, "x", Some(self.known.unwrap_or("und")))
    }

    /// Returns whether YouTube finds it, however tightly `|` binds.
    fn is_found_by_youtube(&self, search: &str) -> bool {
        let parts = |separator: char| -> Vec<String> {
            let mut is_quoted = false;
            let split = |c: char| {
                is_quoted ^= c == '"';
                c == separator && !is_quoted
            };
            search.split(split).map(str::to_owned).collect()
        };
        let (any, all) = (parts('|'), parts(' '));
        assert!(any.len() == 1 || all.len() == 1, "{search} is ambiguous");
        let has = |part: &String| self.is_matched(&parse(part).unwrap().query, "youtube", None);
        if any.len() > 1 { any.iter().any(has) } else { all.iter().all(has) }
    }
}

fn written() -> impl Strategy<Value = Written> {
    let words = vec![
        "a", "b", "Bee", "bees", "#beehive", "#a", "#b", "#bee", "@a", "@b.bee", "été", "Refund", "refunds",
        "x", ",", "hive", "bee a", "a b", "#refund", "#hive", "#x",
    ];
    let languages = prop::option::of(prop::sample::select(vec!["en", "de"]));
    (
        prop::collection::vec(prop::sample::select(words), 0..14),
        languages.clone(),
        languages,
        prop::sample::select(vec!["b", "ana"]),
    )
        .prop_map(|(words, known, detected, author)| Written {
            text: words.join(" "),
            known,
            detected,
            author,
        })
}

/// Queries that a topic may have.
fn topic_query() -> impl Strategy<Value = Query> {
    query().prop_filter("not specific", Query::is_specific)
}

fn named(queries: &[Query]) -> Vec<FollowedTopic> {
    let name =
        |(index, query): (usize, &Query)| FollowedTopic { name: format!("T{index}"), query: query.clone() };
    queries.iter().enumerate().map(name).collect()
}

/// Returns whether posts of a topic may be missing.
fn is_partial(found: &SourceQueries, topic: &str) -> bool {
    found.left_out.iter().any(|it| it.topic == topic && it.effect == LeftOutEffect::Missing)
}

fn check_limits(found: &SourceQueries, room: Room) -> Result<(), TestCaseError> {
    prop_assert!(found.queries.len() <= room.n_queries_max);
    for text in found.texts() {
        prop_assert!((1..=room.n_chars_max).contains(&text.chars().count()), "{}", text);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn rules_of_x_are_never_narrower_than_topics(
        queries in prop::collection::vec(topic_query(), 1..5),
        posts in prop::collection::vec(written(), 8),
        n_chars_max in prop::sample::select(vec![512, 256, 128]),
    ) {
        let room = Room { n_queries_max: 25, n_chars_max };
        let found = x::queries(&named(&queries), room);
        check_limits(&found, room)?;
        for (topic, post) in named(&queries).iter().flat_map(|topic| posts.iter().map(move |post| (topic, post))) {
            if post.concerns(&topic.query, "x") && !is_partial(&found, &topic.name) {
                let mut rules = found.queries.iter().filter(|rule| rule.topics.contains(&topic.name));
                prop_assert!(
                    rules.any(|rule| post.is_found_by_x(&rule.query)),
                    "{}: {:?} of {:?}", topic.query, post, found
                );
            }
        }
    }

    #[test]
    fn searches_of_youtube_are_never_narrower_than_topics(
        queries in prop::collection::vec(topic_query(), 1..8),
        posts in prop::collection::vec(written(), 8),
        n_chars_max in prop::sample::select(vec![512, 128]),
    ) {
        let room = Room { n_queries_max: 5, n_chars_max };
        let found = youtube::queries(&named(&queries), room);
        check_limits(&found, room)?;
        for (topic, post) in named(&queries).iter().flat_map(|topic| posts.iter().map(move |post| (topic, post))) {
            if post.concerns(&topic.query, "youtube") && !is_partial(&found, &topic.name) {
                let mut searches = found.queries.iter().filter(|it| it.topics.contains(&topic.name));
                prop_assert!(
                    searches.any(|search| post.is_found_by_youtube(&search.query)),
                    "{}: {:?} of {:?}", topic.query, post, found
                );
            }
        }
    }

    #[test]
    fn hashtags_of_mastodon_miss_only_what_is_said_to_be_missing(
        queries in prop::collection::vec(topic_query(), 1..5),
        posts in prop::collection::vec(written(), 8),
    ) {
        let room = Room { n_queries_max: 20, n_chars_max: 100 };
        let found = mastodon::tags(&named(&queries), room);
        check_limits(&found, room)?;
        for (topic, post) in named(&queries).iter().flat_map(|topic| posts.iter().map(move |post| (topic, post))) {
            if !post.concerns(&topic.query, "mastodon") {
                continue;
            }
            let lang = post.known.or(post.detected);
            let matches = |query: &Query| post.is_matched(query, "mastodon", lang);
            let has_tag = |tag: &String| matches(&parse(&format!("#{tag}")).unwrap().query);
            let is_found = found.queries.iter().any(|it| it.topics.contains(&topic.name) && has_tag(&it.query));
            let anchored = Written { text: format!("{} anchor", post.text), ..post.clone() };
            let is_missed = found.left_out.iter().any(|it| {
                // A part need not be a query that a topic may have.
                let part = parse(&format!("anchor ({})", it.part)).unwrap().query;
                it.topic == topic.name && anchored.is_matched(&part, "mastodon", lang)
            });
            prop_assert!(is_found || is_missed, "{}: {:?} of {:?}", topic.query, post, found);
        }
    }
}
