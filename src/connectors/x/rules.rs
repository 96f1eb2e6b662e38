//! Rules of the filtered stream: <https://docs.x.com/x-api/posts/filtered-stream/introduction>.
//!
//! An app has one set of rules, which other programs may share. Rules that Groundswell adds have tags of their own, and
//! only those are deleted.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Api, Call, CallError};
use super::limits::Endpoint;
use super::problem::Problem;
use crate::connectors::ConnectorError;
use crate::connectors::excerpt::excerpt;

/// Beginning of the tags of the rules that Groundswell adds.
const TAG: &str = "groundswell:";

const PATH: &str = "2/tweets/search/stream/rules";

/// Rule as X lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Rule {
    id: String,
    value: String,
    #[serde(default)]
    tag: Option<String>,
}

/// Changes that make the rules of an app match the queries of the source.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changes {
    /// Ids of the rules to delete.
    delete: Vec<String>,
    /// Tags and values of the rules to add.
    add: Vec<(String, String)>,
    /// Ids of the rules that stay.
    keep: HashSet<String>,
}

/// Returns the changes needed to receive posts that match the queries.
fn changes(rules: &[Rule], queries: &[String]) -> Changes {
    let mut changes = Changes::default();
    let mut present = HashSet::new();
    for rule in rules {
        if queries.contains(&rule.value) {
            // A rule that another program added matches the same posts, and X accepts no duplicates.
            present.insert(rule.value.as_str());
            changes.keep.insert(rule.id.clone());
        } else if rule.tag.as_deref().is_some_and(|tag| tag.starts_with(TAG)) {
            changes.delete.push(rule.id.clone());
        }
    }
    for (n, query) in queries.iter().enumerate() {
        if present.insert(query) {
            changes.add.push((format!("{TAG}{n}"), query.clone()));
        }
    }
    changes
}

/// Adds missing rules to the app and deletes obsolete ones. Returns the ids of the rules that match the queries.
pub(super) async fn reconcile(api: &Api, queries: &[String]) -> Result<HashSet<String>, ConnectorError> {
    let Changes { delete, add, mut keep } = changes(&list(api).await?, queries);
    if !delete.is_empty() {
        change(api, json!({"delete": {"ids": delete}})).await?;
    }
    if !add.is_empty() {
        let add: Vec<Value> = add.iter().map(|(tag, value)| json!({"value": value, "tag": tag})).collect();
        let answer = change(api, json!({"add": add})).await?;
        keep.extend(check_added(&answer)?);
        keep.extend(read(&answer)?.into_iter().map(|rule| rule.id));
    }
    Ok(keep)
}

/// Returns the number of queries that have no rule yet.
pub(super) async fn n_missing(api: &Api, queries: &[String]) -> Result<usize, ConnectorError> {
    Ok(changes(&list(api).await?, queries).add.len())
}

async fn list(api: &Api) -> Result<Vec<Rule>, ConnectorError> {
    let call = Call { endpoint: Endpoint::Rules, path: PATH, query: &[], json: None };
    read(&parse(&api.ask(call).await.map_err(CallError::into_error)?)?)
}

async fn change(api: &Api, json: Value) -> Result<Value, ConnectorError> {
    let call = Call { endpoint: Endpoint::RuleChanges, path: PATH, query: &[], json: Some(json) };
    parse(&api.ask(call).await.map_err(CallError::into_error)?)
}

fn parse(body: &[u8]) -> Result<Value, ConnectorError> {
    serde_json::from_slice(body).map_err(|_| unreadable())
}

fn read(answer: &Value) -> Result<Vec<Rule>, ConnectorError> {
    // The data is absent if there are no rules.
    let Some(data) = answer.get("data") else {
        return Ok(Vec::new());
    };
    serde_json::from_value(data.clone()).map_err(|_| unreadable())
}

fn unreadable() -> ConnectorError {
    ConnectorError::Interrupted("X's response cannot be read as a list of rules".to_owned())
}

/// Checks that X has accepted all rules, because even a successful response may list rejected ones. Returns the ids of
/// rules that already existed.
fn check_added(answer: &Value) -> Result<Vec<String>, ConnectorError> {
    let errors = answer.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut present = Vec::new();
    for error in errors {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("title") != "DuplicateRule" {
            let detail = error.get("details").and_then(|details| details.get(0)).and_then(Value::as_str);
            let words = detail.map_or_else(|| Problem::of(error).words, excerpt);
            let value = text("value");
            return Err(ConnectorError::Refused(format!("X does not accept the query `{value}`: {words}")));
        }
        present.push(text("id").to_owned());
    }
    Ok(present)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: &str, value: &str, tag: Option<&str>) -> Rule {
        Rule { id: id.to_owned(), value: value.to_owned(), tag: tag.map(str::to_owned) }
    }

    #[test]
    fn only_rules_that_groundswell_added_are_deleted() {
        let rules = [
            rule("1", "nimbrel", Some("groundswell:0")),
            rule("2", "former", Some("groundswell:1")),
            rule("3", "of others", Some("dashboard")),
            rule("4", "without a tag", None),
            rule("5", "vexa", None),
        ];
        let queries = ["nimbrel", "vexa", "new", "new"].map(str::to_owned);
        let Changes { delete, add, keep } = changes(&rules, &queries);
        assert_eq!(delete, ["2"]);
        assert_eq!(add, [("groundswell:2".to_owned(), "new".to_owned())]);
        assert_eq!(keep, HashSet::from(["1".to_owned(), "5".to_owned()]));
    }

    #[test]
    fn a_query_that_x_does_not_accept_is_named() {
        let invalid = json!({"title": "Invalid Rule", "value": "a OR", "details": ["no viable alternative"],
            "type": "https://api.x.com/2/problems/invalid-rules"});
        let duplicate = json!({"title": "DuplicateRule", "value": "a", "id": "1"});
        assert_eq!(check_added(&json!({"meta": {}, "errors": [duplicate]})), Ok(vec!["1".to_owned()]));
        let refused = check_added(&json!({"meta": {}, "errors": [duplicate, invalid]})).unwrap_err();
        assert_eq!(refused.to_string(), "X does not accept the query `a OR`: no viable alternative");
    }
}
