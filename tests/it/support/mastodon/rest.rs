//! Timelines, statuses and the instance itself.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::channel::Subscriptions;
use super::status::{ACCOUNT_ID, Status};
use super::{Access, FeedAccess, Instance};
use crate::support::web::{Page, Reply, Request, Response};

/// Number of requests that a token has in five minutes.
pub(super) const N_REQUESTS_MAX: u32 = 300;

/// What a feed has.
struct Scope {
    has_local: bool,
    has_remote: bool,
}

impl Instance {
    pub(super) fn answer_rest(&mut self, request: &Request) -> Reply<Subscriptions> {
        if self.resets_at <= Timestamp::now() {
            (self.n_requests_left, self.resets_at) =
                (N_REQUESTS_MAX, Timestamp::now() + SignedDuration::from_mins(5));
        }
        if self.n_requests_left == 0 {
            return self.limited(error(429, "Too many requests")).into();
        }
        self.n_requests_left -= 1;
        if request.method != "GET" {
            return self.limited(error(404, "Not Found")).into();
        }
        let reply = match self.authenticate(request) {
            Err(()) => error(401, "The access token is invalid").into(),
            Ok(has_token) => self.route(request, has_token),
        };
        match reply {
            Reply::Response(response) => self.limited(response).into(),
            Reply::Page(mut page) => {
                page.headers.extend(self.limits());
                Reply::Page(page)
            }
            other => other,
        }
    }

    fn route(&self, request: &Request, has_token: bool) -> Reply<Subscriptions> {
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        match parts[..] {
            ["api", "v2", "instance"] => self.instance().into(),
            ["api", "v1", "timelines", "public"] => {
                let scope = Self::scope(request, self.options.live_feeds, has_token);
                self.timeline(request, scope, Status::is_in_public_feed)
            }
            ["api", "v1", "timelines", "tag", tag] => {
                let tag = percent_encoding::percent_decode_str(tag).decode_utf8_lossy().to_lowercase();
                let any: Vec<String> =
                    request.params("any[]").iter().take(4).map(|it| it.to_lowercase()).collect();
                let scope = Self::scope(request, self.options.hashtag_feeds, has_token);
                self.timeline(request, scope, |it| {
                    it.visibility == "public"
                        && it.tags.iter().any(|own| *own == tag || any.iter().any(|it| it == own))
                })
            }
            ["api", "v1", "statuses"] => {
                let ids = request.params("id[]");
                let asked = self.statuses.iter().filter(|it| ids.contains(&&*self.id(it).to_string()));
                self.page(asked.collect(), Vec::new())
            }
            ["api", "v1", "statuses", id] => {
                match self.statuses.iter().find(|it| self.id(it).to_string() == id) {
                    Some(status) => {
                        Response::text(200, "application/json; charset=utf-8", &self.json(status)).into()
                    }
                    None => error(404, "Record not found").into(),
                }
            }
            ["api", "v1", "accounts", ACCOUNT_ID] if self.statuses.is_empty() => {
                error(404, "Record not found").into()
            }
            ["api", "v1", "accounts", ACCOUNT_ID] => {
                Response::json(200, &json!({"id": ACCOUNT_ID, "acct": "ana", "username": "ana"})).into()
            }
            _ => error(404, "Not Found").into(),
        }
    }

    fn instance(&self) -> Response {
        let access = |feed: FeedAccess| json!({"local": feed.local.as_str(), "remote": feed.remote.as_str()});
        Response::json(
            200,
            &json!({
                "domain": self.address.to_string(),
                "title": "Nimbrels",
                "version": self.options.version,
                "source_url": "https://github.com/mastodon/mastodon",
                "description": "an instance for tests",
                "usage": {"users": {"active_month": 1}},
                "languages": ["en"],
                "configuration": {
                    "urls": {"streaming": format!("ws://{}", self.address), "status": null},
                    "statuses": {"max_characters": 500, "max_media_attachments": 4, "characters_reserved_per_url": 23},
                    "timelines_access": {
                        "live_feeds": access(self.options.live_feeds),
                        "hashtag_feeds": access(self.options.hashtag_feeds),
                        "trending_link_feeds": access(self.options.hashtag_feeds),
                    },
                    "limited_federation": false,
                },
                "registrations": {"enabled": false, "approval_required": false},
                "api_versions": {"mastodon": 7},
                "rules": [],
            }),
        )
    }

    /// Returns whether a feed has what was written here, and what was written elsewhere.
    fn scope(request: &Request, feeds: FeedAccess, has_token: bool) -> Result<Scope, Response> {
        let is_true =
            |name| request.param(name).is_some_and(|it| !["", "0", "f", "false", "off"].contains(&it));
        let (wants_local, wants_remote) = match (is_true("local"), is_true("remote")) {
            (true, false) => (true, false),
            (false, true) => (false, true),
            _ => (true, true),
        };
        let needs_token = (wants_local && feeds.local == Access::Authenticated)
            || (wants_remote && feeds.remote == Access::Authenticated);
        if needs_token && !has_token {
            return Err(error(401, "The access token is invalid"));
        }
        Ok(Scope {
            has_local: wants_local && feeds.local != Access::Disabled,
            has_remote: wants_remote && feeds.remote != Access::Disabled,
        })
    }

    fn timeline(
        &self,
        request: &Request,
        scope: Result<Scope, Response>,
        is_in_feed: impl Fn(&Status) -> bool,
    ) -> Reply<Subscriptions> {
        let scope = match scope {
            Ok(scope) => scope,
            Err(refusal) => return refusal.into(),
        };
        let id = |name| request.param(name).map(|it| it.parse::<u64>().unwrap_or(0));
        let (max_id, since_id, min_id) = (id("max_id"), id("since_id"), id("min_id"));
        let limit = request.param("limit").and_then(|it| it.parse().ok()).unwrap_or(20_usize).min(40);
        let is_asked = |it: &&Status| {
            let own = self.id(it);
            let is_between = max_id.is_none_or(|id| own < id)
                && since_id.is_none_or(|id| own > id)
                && min_id.is_none_or(|id| own > id);
            let is_in_scope = if it.is_local { scope.has_local } else { scope.has_remote };
            is_between && is_in_scope && (is_in_feed(it) || it.raw.is_some())
        };
        let mut asked: Vec<&Status> = match min_id {
            // The page immediately after.
            Some(_) => self.statuses.iter().filter(is_asked).take(limit).collect(),
            None => self.statuses.iter().rev().filter(is_asked).take(limit).collect(),
        };
        if min_id.is_some() {
            asked.reverse();
        }
        let links = self.links(request, &asked);
        self.page(asked, links)
    }

    /// Returns the header that leads to the pages before and after.
    fn links(&self, request: &Request, page: &[&Status]) -> Vec<(String, String)> {
        let (Some(newest), Some(oldest)) = (page.first(), page.last()) else {
            return Vec::new();
        };
        let url = |name: &str, id: u64| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            let kept = ["local", "remote", "limit", "any[]"];
            query.extend_pairs(request.query.iter().filter(|(name, _)| kept.contains(&&**name)));
            query.append_pair(name, &id.to_string());
            format!("http://{}{}?{}", self.address, request.path, query.finish())
        };
        let (next, previous) = (url("max_id", self.id(oldest)), url("min_id", self.id(newest)));
        vec![("link".to_owned(), format!("<{next}>; rel=\"next\", <{previous}>; rel=\"prev\""))]
    }

    fn page(&self, statuses: Vec<&Status>, headers: Vec<(String, String)>) -> Reply<Subscriptions> {
        let items = statuses.into_iter().map(|it| self.json(it)).collect();
        Reply::Page(Page { headers, head: "[".to_owned(), items, tail: "]".to_owned() })
    }

    fn limits(&self) -> Vec<(String, String)> {
        limits(N_REQUESTS_MAX, self.n_requests_left, self.resets_at)
    }

    fn limited(&self, mut response: Response) -> Response {
        response.headers.extend(self.limits());
        response
    }
}

fn limits(n_max: u32, n_left: u32, resets_at: Timestamp) -> Vec<(String, String)> {
    let header = |name: &str, value: String| (format!("X-RateLimit-{name}"), value);
    vec![
        header("Limit", n_max.to_string()),
        header("Remaining", n_left.to_string()),
        header("Reset", resets_at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()),
    ]
}

fn error(status: u16, message: &str) -> Response {
    Response::json(status, &json!({"error": message}))
}

/// Refuses a request as the software does. A time to come back stands in its own header if too much was asked, and
/// otherwise in the header of the proxy before it.
pub(super) fn refusal(status: u16, wait_s: Option<u64>) -> Response {
    let message = match status {
        401 => "The access token is invalid",
        403 => "This action is not allowed",
        404 => "Record not found",
        410 => "Gone",
        422 => "Validation failed",
        429 => "Too many requests",
        503 => "Service Unavailable",
        _ => "There was a problem on our end",
    };
    let mut refusal = error(status, message);
    match (status, wait_s) {
        (429, Some(seconds)) => {
            let resets_at = Timestamp::now() + SignedDuration::from_secs(seconds as i64);
            refusal.headers.extend(limits(N_REQUESTS_MAX, 0, resets_at));
            refusal
        }
        (_, Some(seconds)) => refusal.header("retry-after", seconds),
        _ => refusal,
    }
}
