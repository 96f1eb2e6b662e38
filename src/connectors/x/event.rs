//! Parses the lines of the filtered stream.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::post::{self, Delivered, Includes};
use super::problem::Problem;

/// Content of a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    /// A post that matches the queries of the source.
    Post(Delivered),
    /// A post that matches only rules of other programs. X charges for it as well.
    OfOthers(Delivered),
    /// X closes the connection.
    Ends(Problem),
    /// A line cannot be parsed.
    Unreadable,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    includes: Option<&'a RawValue>,
    #[serde(borrow, default)]
    matching_rules: Option<&'a RawValue>,
    #[serde(borrow, default)]
    errors: Option<&'a RawValue>,
    #[serde(borrow, default)]
    title: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct MatchingRule {
    id: String,
}

/// Parses a line. `rules` are the ids of the rules that match the queries of the source.
pub(super) fn read(line: &[u8], rules: &HashSet<String>, now: Timestamp) -> Event {
    let Ok(message) = serde_json::from_slice::<Message<'_>>(line) else {
        return Event::Unreadable;
    };
    if let Some(data) = message.data {
        let delivered = post::read(data.get(), &Includes::read(message.includes), now);
        let matching = message.matching_rules;
        let matching = matching.and_then(|raw| serde_json::from_str::<Vec<MatchingRule>>(raw.get()).ok());
        return match matching {
            Some(matching) if !matching.iter().any(|rule| rules.contains(&rule.id)) => {
                Event::OfOthers(delivered)
            }
            _ => Event::Post(delivered),
        };
    }
    if message.errors.is_none() && message.title.is_none() {
        return Event::Unreadable;
    }
    match serde_json::from_slice::<Value>(line).map(|value| Problem::of(&value)) {
        Ok(problem) if !problem.title.is_empty() || !problem.words.is_empty() => Event::Ends(problem),
        _ => Event::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(line: &str) -> Event {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        read(line.as_bytes(), &HashSet::from(["1".to_owned()]), now)
    }

    #[test]
    fn lines_are_told_apart() {
        let data = r#""data":{"id":"1992500000000000000","text":"nimbrel"}"#;
        assert!(matches!(event(&format!("{{{data}}}")), Event::Post(_)));
        let matching =
            |id: &str| event(&format!(r#"{{{data},"matching_rules":[{{"id":"{id}","tag":""}}]}}"#));
        assert!(matches!(matching("1"), Event::Post(_)));
        assert!(matches!(matching("2"), Event::OfOthers(_)));
        let disconnect = r#"{"errors":[{"title":"operational-disconnect",
            "disconnect_type":"UpstreamOperationalDisconnect",
            "detail":"This stream has been disconnected upstream for operational reasons.",
            "type":"https://api.x.com/2/problems/operational-disconnect"}]}"#;
        let Event::Ends(problem) = event(disconnect) else { panic!("not the end") };
        assert!(problem.words.contains("operational reasons") && !problem.is_too_many_connections());
        let second = r#"{"title":"ConnectionException","detail":"at the maximum allowed connection limit",
            "connection_issue":"TooManyConnections","type":"https://api.x.com/2/problems/streaming-connection"}"#;
        let Event::Ends(problem) = event(second) else { panic!("not the end") };
        assert!(problem.is_too_many_connections());
        for line in ["nimbrel", "7", "[]", "{}", r#"{"errors":7}"#, r#"{"errors":[]}"#, &"[".repeat(100_000)]
        {
            assert_eq!(event(line), Event::Unreadable);
        }
    }
}
