//! Recent search, and posts by their ids.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::X;
use super::filter::Filter;
use super::problem;
use super::stream::Listener;
use super::tweet::{Asked, Tweet, time_of};
use crate::support::web::{Page, Reply, Request, Response};

/// How far back a recent search goes.
const HISTORY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long ago a time must be that a search is limited by.
const DELAY: SignedDuration = SignedDuration::from_secs(10);

/// Length of the longest query.
const N_CHARACTERS_MAX: usize = 512;

/// What a search is limited by.
struct Limits {
    filter: Filter,
    n_max: usize,
    after: u64,
    before: u64,
    from: Timestamp,
    to: Timestamp,
}

impl X {
    pub(super) fn search(&mut self, request: &Request) -> Reply<Listener> {
        let limits = match limits(request) {
            Ok(limits) => limits,
            Err(refusal) => return refusal.into(),
        };
        let is_found = |it: &&Tweet| {
            let id = self.id(it);
            limits.after < id
                && id < limits.before
                && limits.from <= it.at
                && it.at < limits.to
                && (it.raw.is_some() || limits.filter.matches(it))
        };
        let mut found: Vec<&Tweet> =
            self.tweets.iter().rev().filter(is_found).take(limits.n_max + 1).collect();
        let has_more = found.len() > limits.n_max;
        found.truncate(limits.n_max);
        let (Some(newest), Some(oldest)) = (found.first(), found.last()) else {
            // There is not even an empty list.
            return Response::json(200, &json!({"meta": {"result_count": 0}})).into();
        };
        let mut meta = json!({
            "newest_id": self.id(newest).to_string(),
            "oldest_id": self.id(oldest).to_string(),
            "result_count": found.len(),
        });
        if has_more {
            meta["next_token"] = json!(format!("b26v89c19z{:x}", self.id(oldest)));
        }
        let asked = Asked::of(request);
        let items: Vec<String> = found.iter().map(|it| it.json(self.options.ids_from, &asked)).collect();
        self.n_posts_read += items.len() as u64;
        let includes = asked.includes().map(|it| format!(",\"includes\":{it}"));
        Reply::Page(Page {
            headers: Vec::new(),
            head: "{\"data\":[".to_owned(),
            items,
            tail: format!("]{},\"meta\":{meta}}}", includes.unwrap_or_default()),
        })
    }

    /// Answers with the posts that have these ids, and says which do not exist.
    pub(super) fn look_up(&mut self, request: &Request) -> Reply<Listener> {
        let asked_ids = request.param("ids").unwrap_or_default();
        let ids: Vec<&str> = asked_ids.split(',').filter(|it| !it.is_empty()).collect();
        if ids.is_empty() || ids.len() > 100 {
            let message = format!("size must be between 1 and 100, but is {}", ids.len());
            return problem::invalid("ids", asked_ids, &message).into();
        }
        let asked = Asked::of(request);
        let (mut items, mut errors) = (Vec::new(), Vec::new());
        for id in ids {
            // An older version leads to the newest.
            let is_version = |it: &&Tweet| {
                let versions = [it.first_id(self.options.ids_from)].into_iter().chain(it.later_ids.clone());
                versions.into_iter().any(|version| version.to_string() == id)
            };
            match self.tweets.iter().find(is_version) {
                Some(tweet) => items.push(tweet.json(self.options.ids_from, &asked)),
                None => errors.push(problem::missing(id)),
            }
        }
        if items.is_empty() {
            return Response::json(200, &json!({"errors": errors})).into();
        }
        self.n_posts_read += items.len() as u64;
        let mut tail = "]".to_owned();
        if let Some(includes) = asked.includes() {
            tail.push_str(&format!(",\"includes\":{includes}"));
        }
        if !errors.is_empty() {
            tail.push_str(&format!(",\"errors\":{}", json!(errors)));
        }
        tail.push('}');
        Reply::Page(Page { headers: Vec::new(), head: "{\"data\":[".to_owned(), items, tail })
    }
}

fn limits(request: &Request) -> Result<Limits, Response> {
    let query = request.param("query").unwrap_or_default();
    let n_characters = query.chars().count();
    if n_characters == 0 || n_characters > N_CHARACTERS_MAX {
        let message = format!("Rule length must be between 1 and {N_CHARACTERS_MAX}, but is {n_characters}");
        return Err(problem::invalid("query", query, &message));
    }
    let filter = Filter::parse(query).map_err(|error| {
        problem::invalid("query", query, &format!("There were errors processing your request: {error}"))
    })?;
    let asked_max = request.param("max_results").unwrap_or("10");
    let n_max = asked_max.parse().ok().filter(|n| (10..=100).contains(n)).ok_or_else(|| {
        let message =
            format!("The `max_results` query parameter value [{asked_max}] is not between 10 and 100");
        problem::invalid("max_results", asked_max, &message)
    })?;
    let has_id = ["since_id", "until_id"].iter().any(|name| request.param(name).is_some());
    let has_time = ["start_time", "end_time"].iter().any(|name| request.param(name).is_some());
    if has_id && has_time {
        let message =
            "Invalid use of 'since_id' or 'until_id' in conjunction with 'start_time' or 'end_time'.";
        return Err(problem::invalid("since_id", request.param("since_id").unwrap_or_default(), message));
    }
    let (from, to) = (time(request, "start_time")?, time(request, "end_time")?);
    let after = id(request, "since_id")?;
    let token = request.param("next_token").or(request.param("pagination_token"));
    let before = match token {
        Some(token) => {
            let id = token.strip_prefix("b26v89c19z").and_then(|hex| u64::from_str_radix(hex, 16).ok());
            Some(id.ok_or_else(|| {
                problem::invalid("next_token", token, &format!("Invalid 'next_token':'{token}'."))
            })?)
        }
        None => id(request, "until_id")?,
    };
    Ok(Limits {
        filter,
        n_max,
        after: after.unwrap_or(0),
        before: before.unwrap_or(u64::MAX),
        from: from.unwrap_or(Timestamp::now() - HISTORY),
        to: to.unwrap_or(Timestamp::MAX),
    })
}

fn time(request: &Request, name: &str) -> Result<Option<Timestamp>, Response> {
    let Some(value) = request.param(name) else {
        return Ok(None);
    };
    let now = Timestamp::now();
    let refused =
        |message: String| problem::invalid(name, value, &format!("Invalid '{name}':'{value}'. {message}"));
    let at: Timestamp = value.parse().map_err(|_| refused(format!("'{name}' must be an RFC 3339 time")))?;
    let earliest = now - HISTORY;
    if at < earliest {
        let earliest = earliest.strftime("%Y-%m-%dT%H:%MZ");
        return Err(refused(format!("'{name}' must be on or after {earliest}")));
    }
    if at > now - DELAY {
        return Err(refused(format!("'{name}' must be a minimum of 10 seconds prior to the request time.")));
    }
    Ok(Some(at))
}

fn id(request: &Request, name: &str) -> Result<Option<u64>, Response> {
    let Some(value) = request.param(name) else {
        return Ok(None);
    };
    let refused = |message: String| problem::invalid(name, value, &message);
    let id = value
        .parse()
        .map_err(|_| refused(format!("The `{name}` query parameter value [{value}] is not valid")))?;
    let earliest = Timestamp::now() - HISTORY;
    if time_of(id) < earliest {
        let earliest = earliest.strftime("%Y-%m-%dT%H:%MZ");
        let message = format!(
            "'{name}' must be a tweet id created after [{earliest}]. Please use a '{name}' that is larger"
        );
        return Err(refused(message));
    }
    Ok(Some(id))
}
