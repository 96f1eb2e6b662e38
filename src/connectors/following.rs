//! What sources ask their networks for, and what the topics that they follow add to it.

use super::{ConnectorError, mastodon, x, youtube};
use crate::models::source::following::{LeftOut, LeftOutEffect, SourceQueries, SourceQuery};
use crate::models::source::{Network, SourceSettings};
use crate::models::topic::Topic;
use crate::topics::parse;
use crate::topics::pushdown::{self, FollowedTopic, Room};

/// Networks whose sources can follow topics.
pub const NETWORKS: [Network; 3] = [Network::Mastodon, Network::X, Network::YouTube];

/// Returns what a source asks its network for, given all topics.
pub fn queries(network: Network, settings: &SourceSettings, topics: &[Topic]) -> SourceQueries {
    let own = match network {
        Network::Mastodon => &settings.tags,
        _ => &settings.queries,
    };
    let own = own.iter().flatten().map(|query| query.trim().to_owned());
    let own = own.map(|query| SourceQuery { query, is_own: true, topics: Vec::new() });
    let mut asked = SourceQueries { queries: own.collect(), ..SourceQueries::default() };
    if settings.follow_topics != Some(true) {
        return asked;
    }
    let (followed, unreadable) = read(topics);
    asked.left_out = unreadable;
    let room = |n_queries_max: usize, n_chars_max| Room {
        n_queries_max: n_queries_max.saturating_sub(asked.queries.len()),
        n_chars_max,
    };
    let (added, notes): (_, &[&str]) = match network {
        Network::Mastodon => {
            let room = room(mastodon::TAGS_MAX, mastodon::TAG_CHARS_MAX);
            (pushdown::mastodon::tags(&followed, room), &pushdown::mastodon::NOTES)
        }
        Network::X => {
            let room = room(x::QUERIES_MAX, x::QUERY_CHARS_MAX);
            (pushdown::x::queries(&followed, room), &pushdown::x::NOTES)
        }
        Network::YouTube => {
            let room = room(youtube::QUERIES_MAX, youtube::QUERY_CHARS_MAX);
            (pushdown::youtube::queries(&followed, room), &pushdown::youtube::NOTES)
        }
        Network::Bluesky | Network::Feed | Network::Reddit | Network::Webhook => return asked,
    };
    asked.notes = notes.iter().map(|&note| note.to_owned()).collect();
    asked.left_out.extend(added.left_out);
    for query in added.queries {
        // Hashtags of topics are in lower case.
        let is_same = |own: &str| match network {
            Network::Mastodon => own.to_lowercase() == query.query,
            _ => own == query.query,
        };
        match asked.queries.iter_mut().find(|own| is_same(&own.query)) {
            Some(own) => own.topics.extend(query.topics),
            None => asked.queries.push(query),
        }
    }
    asked
}

/// Returns the enabled topics, and those that this version cannot read.
fn read(topics: &[Topic]) -> (Vec<FollowedTopic>, Vec<LeftOut>) {
    let (mut followed, mut unreadable) = (Vec::new(), Vec::new());
    for topic in topics.iter().filter(|topic| topic.enabled) {
        match parse(&topic.query) {
            Ok(parsed) => followed.push(FollowedTopic { name: topic.name.clone(), query: parsed.query }),
            Err(error) => unreadable.push(LeftOut {
                topic: topic.name.clone(),
                part: topic.query.clone(),
                reason: error.to_string(),
                effect: LeftOutEffect::Missing,
            }),
        }
    }
    (followed, unreadable)
}

/// Returns the settings of a source with what the topics add to them, in place of the wish to follow topics.
///
/// # Errors
/// If there is nothing to ask the network for.
pub fn resolve(
    network: Network,
    settings: &SourceSettings,
    topics: &[Topic],
) -> Result<SourceSettings, ConnectorError> {
    if settings.follow_topics != Some(true) {
        return Ok(settings.clone());
    }
    let asked = queries(network, settings, topics).texts();
    if asked.is_empty() {
        let n_enabled = topics.iter().filter(|topic| topic.enabled).count();
        return Err(ConnectorError::NothingToHear(match n_enabled {
            0 => "no topic is enabled that it could follow".to_owned(),
            1 => "the only enabled topic cannot be asked for; its queries say why".to_owned(),
            n => format!("none of the {n} enabled topics can be asked for; its queries say why"),
        }));
    }
    let resolved = SourceSettings { follow_topics: None, ..settings.clone() };
    Ok(match network {
        Network::Mastodon => SourceSettings { tags: Some(asked), ..resolved },
        _ => SourceSettings { queries: Some(asked), ..resolved },
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::models::id::TopicId;
    use crate::models::topic::TopicKind;

    fn topic(name: &str, query: &str) -> Topic {
        let at = Timestamp::UNIX_EPOCH;
        Topic {
            id: TopicId::now_v7(),
            name: name.to_owned(),
            kind: TopicKind::Brand,
            is_ours: true,
            query: query.to_owned(),
            tracks_churn: true,
            enabled: true,
            created_at: at,
            updated_at: at,
            created_by: None,
            updated_by: None,
        }
    }

    fn list(texts: &[&str]) -> Option<Vec<String>> {
        Some(texts.iter().map(|&text| text.to_owned()).collect())
    }

    #[test]
    fn topics_add_to_the_settings() {
        let topics = [topic("Nimbrel", "#nimbrel OR #vexa"), topic("Broken", "(")];
        let settings = SourceSettings {
            queries: list(&[" #nimbrel OR #vexa ", "own"]),
            follow_topics: Some(true),
            ..SourceSettings::default()
        };
        let asked = queries(Network::X, &settings, &topics);
        assert_eq!(asked.texts(), ["#nimbrel OR #vexa", "own"]);
        assert_eq!(
            (asked.queries[0].is_own, &asked.queries[0].topics[..]),
            (true, &["Nimbrel".to_owned()][..])
        );
        assert_eq!((asked.left_out.len(), asked.notes.len()), (1, 2));
        let resolved = resolve(Network::YouTube, &settings, &topics).unwrap();
        assert_eq!(resolved.queries, list(&["#nimbrel OR #vexa", "own", "nimbrel|vexa"]));
        assert_eq!(resolved.follow_topics, None);
        let settings = SourceSettings { tags: list(&["Vexa"]), ..settings };
        let resolved = resolve(Network::Mastodon, &settings, &topics).unwrap();
        assert_eq!(resolved.tags, list(&["Vexa", "nimbrel"]));
        // Whoever follows no topics asks for what the settings say.
        let settings = SourceSettings { follow_topics: Some(false), ..settings };
        assert_eq!(resolve(Network::Mastodon, &settings, &topics), Ok(settings.clone()));
        assert_eq!(queries(Network::Mastodon, &settings, &topics).texts(), ["Vexa"]);
    }

    #[test]
    fn a_source_without_anything_to_ask_for_says_why() {
        let settings = SourceSettings { follow_topics: Some(true), ..SourceSettings::default() };
        let check = |topics: &[Topic], words: &str| {
            let error = resolve(Network::Mastodon, &settings, topics).unwrap_err();
            assert_eq!(error.state().as_str(), "waiting");
            assert!(!error.is_temporary() && error.to_string().starts_with(words), "{error}");
        };
        check(&[], "no topic is enabled");
        check(&[Topic { enabled: false, ..topic("Nimbrel", "#nimbrel") }], "no topic is enabled");
        check(&[topic("Nimbrel", "nimbrel")], "the only enabled topic cannot");
        check(&[topic("Nimbrel", "nimbrel"), topic("Vexa", "vexa")], "none of the 2 enabled topics");
    }
}
