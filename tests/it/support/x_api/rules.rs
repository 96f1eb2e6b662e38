//! Rules of the stream.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::X;
use super::filter::Filter;
use super::problem;
use super::tweet::milliseconds;
use crate::support::web::{Request, Response};

/// Length of the longest rule.
const N_CHARACTERS_MAX: usize = 1_024;

/// Ids of rules begin here.
const FIRST_ID: u64 = 1_273_026_480_692_322_304;

/// A rule.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) value: String,
    pub(super) tag: Option<String>,
    pub(super) filter: Filter,
}

impl Rule {
    fn json(&self) -> Value {
        let mut rule = json!({"id": self.id, "value": self.value});
        if let Some(tag) = &self.tag {
            rule["tag"] = json!(tag);
        }
        rule
    }
}

impl X {
    pub(super) fn list_rules(&self) -> Response {
        let mut answer =
            json!({"meta": {"sent": milliseconds(Timestamp::now()), "result_count": self.rules.len()}});
        if !self.rules.is_empty() {
            answer["data"] = self.rules.iter().map(Rule::json).collect();
        }
        Response::json(200, &answer)
    }

    pub(super) fn change_rules(&mut self, request: &Request) -> Response {
        let body = request.json();
        let is_dry_run = request.param("dry_run") == Some("true");
        match (body["add"].as_array(), &body["delete"]) {
            (Some(rules), Value::Null) => self.add_rules(rules, is_dry_run),
            (None, Value::Object(wanted)) => {
                self.delete_rules(wanted.get("ids"), wanted.get("values"), is_dry_run)
            }
            _ => problem::invalid("add", "", "exactly one of `add` and `delete` is required"),
        }
    }

    /// Adds rules. Those that exist are left out, and one that is invalid keeps all from being added.
    fn add_rules(&mut self, wanted: &[Value], is_dry_run: bool) -> Response {
        if self.rules.len() + wanted.len() > self.options.n_rules_max {
            let detail = format!("Rules count exceeds the maximum of {}", self.options.n_rules_max);
            let refusal = problem::rule("rule-cap", json!({"detail": detail}));
            return Response::json(422, &refusal);
        }
        let (mut added, mut errors) = (Vec::<Rule>::new(), Vec::new());
        let mut n_invalid = 0;
        for rule in wanted {
            let value = rule["value"].as_str().unwrap_or_default();
            let known = self.rules.iter().chain(&added).find(|it| it.value == value);
            if let Some(known) = known {
                n_invalid += 1;
                errors.push(problem::rule("duplicate-rules", json!({"value": value, "id": known.id})));
                continue;
            }
            let is_too_long = value.chars().count() > N_CHARACTERS_MAX;
            let filter = match is_too_long {
                true => Err(format!("Rule exceeds the maximum length of {N_CHARACTERS_MAX}")),
                false => Filter::parse(value),
            };
            match filter {
                Ok(filter) => {
                    let id = (FIRST_ID + self.n_rules_ever + added.len() as u64).to_string();
                    let tag = rule["tag"].as_str().map(str::to_owned);
                    added.push(Rule { id, value: value.to_owned(), tag, filter });
                }
                Err(detail) => {
                    n_invalid += 1;
                    errors.push(problem::rule("invalid-rules", json!({"value": value, "details": [detail]})));
                }
            }
        }
        let n_valid = added.len();
        if errors.iter().any(|error| error["title"] == "UnprocessableEntity") {
            added.clear();
        }
        let n_created = added.len();
        let summary = json!({
            "created": n_created,
            "not_created": wanted.len() - n_created,
            "valid": n_valid,
            "invalid": n_invalid,
        });
        let mut answer = json!({"meta": {"sent": milliseconds(Timestamp::now()), "summary": summary}});
        if n_created > 0 {
            answer["data"] = added.iter().map(Rule::json).collect();
        }
        if !errors.is_empty() {
            answer["errors"] = json!(errors);
        }
        if !is_dry_run {
            self.n_rules_ever += n_created as u64;
            self.rules.extend(added);
        }
        Response::json(201, &answer)
    }

    fn delete_rules(&mut self, ids: Option<&Value>, values: Option<&Value>, is_dry_run: bool) -> Response {
        let list = |list: Option<&Value>| list.and_then(Value::as_array).cloned().unwrap_or_default();
        let (ids, values) = (list(ids), list(values));
        let is_wanted = |rule: &Rule| ids.contains(&json!(rule.id)) || values.contains(&json!(rule.value));
        let n_deleted = self.rules.iter().filter(|rule| is_wanted(rule)).count();
        let n_missing = ids.len() + values.len() - n_deleted;
        if !is_dry_run {
            self.rules.retain(|rule| !is_wanted(rule));
        }
        let summary = json!({"deleted": n_deleted, "not_deleted": n_missing});
        let mut answer = json!({"meta": {"sent": milliseconds(Timestamp::now()), "summary": summary}});
        if n_missing > 0 {
            answer["errors"] = json!([{
                "errors": [{"parameters": {}, "message": "Rule does not exist"}],
                "title": "Invalid Request",
                "detail": "One or more parameters to your request was invalid.",
                "type": "https://api.x.com/2/problems/invalid-request",
            }]);
        }
        Response::json(200, &answer)
    }
}
