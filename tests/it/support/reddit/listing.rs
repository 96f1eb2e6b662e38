//! Posts and comments, in pages.

use serde_json::{Value, json};

use super::Reddit;
use super::thing::{Kind, Thing};
use crate::support::web::{Page, Request};

/// How far back a listing goes.
const N_THINGS_MAX: usize = 1_000;

impl Reddit {
    /// Returns a page of a listing, newest first. One `before` or `after` something that is not listed is empty.
    pub(super) fn listing(&self, request: &Request, kind: Kind) -> Page {
        let of_kind = self.things.iter().rev().filter(|it| it.kind == kind).take(N_THINGS_MAX);
        let listed: Vec<&Thing> = of_kind.collect();
        let limit = request.param("limit").and_then(|it| it.parse().ok()).unwrap_or(25_usize).clamp(1, 100);
        let index_of = |name: &str| listed.iter().position(|it| it.raw.is_none() && it.fullname() == name);
        let (start, end) = match (request.param("before"), request.param("after")) {
            (Some(name), _) => match index_of(name) {
                Some(end) => (end.saturating_sub(limit), end),
                None => (0, 0),
            },
            (None, Some(name)) => match index_of(name) {
                Some(index) => (index + 1, (index + 1 + limit).min(listed.len())),
                None => (0, 0),
            },
            (None, None) => (0, limit.min(listed.len())),
        };
        let page = &listed[start..end];
        let after = (end < listed.len()).then(|| page.last().map(|it| it.fullname())).flatten();
        let is_later = request.param("count").is_some() || request.param("before").is_some();
        let before = (is_later && start > 0).then(|| page.first().map(|it| it.fullname())).flatten();
        of(request, page, (json!(after), json!(before)))
    }

    /// Returns the things that have these names, also if they are gone from listings.
    pub(super) fn info(&self, request: &Request) -> Page {
        let names: Vec<&str> = request.param("id").unwrap_or_default().split(',').take(100).collect();
        let all = || self.things.iter().chain(&self.gone).filter(|it| it.raw.is_none());
        let found: Vec<&Thing> =
            names.iter().filter_map(|name| all().find(|it| it.fullname() == **name)).collect();
        of(request, &found, (Value::Null, Value::Null))
    }
}

fn of(request: &Request, things: &[&Thing], (after, before): (Value, Value)) -> Page {
    let is_raw = request.param("raw_json") == Some("1");
    Page {
        headers: Vec::new(),
        head: format!(
            "{{\"kind\":\"Listing\",\"data\":{{\"after\":{after},\"dist\":{},\"modhash\":\"\",\"geo_filter\":\"\",\
             \"children\":[",
            things.len()
        ),
        items: things.iter().map(|it| it.json(is_raw)).collect(),
        tail: format!("],\"before\":{before}}}}}"),
    }
}
