//! Posts as they are written, to the one client that may listen.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::X;
use super::problem;
use super::tweet::{Asked, Tweet};
use crate::support::web::{Reply, Request};

/// What happens on the network.
pub(super) struct Event {
    at: Timestamp,
    what: What,
}

enum What {
    Written(Box<Tweet>),
    /// A whole line.
    Raw(String),
}

impl Event {
    pub(super) fn new(tweet: Tweet) -> Self {
        Self { at: Timestamp::now(), what: What::Written(Box::new(tweet)) }
    }

    pub(super) fn raw(line: String) -> Self {
        Self { at: Timestamp::now(), what: What::Raw(line) }
    }
}

/// What a client wants to know, and how far it has heard.
#[derive(Debug)]
pub struct Listener {
    asked: Asked,
    n_heard: usize,
}

impl X {
    pub(super) fn listen(&mut self, request: &Request) -> Reply<Listener> {
        if self.n_streams > 0 {
            let detail = "This stream is currently at the maximum allowed connection limit.";
            return problem::connection(429, "TooManyConnections", detail).into();
        }
        if self.rules.is_empty() {
            let detail = "Rules must be configured before connecting.";
            return problem::connection(409, "RuleConfigurationIssue", detail).into();
        }
        let mut n_heard = self.events.len();
        if let Some(minutes) = request.param("backfill_minutes") {
            let n_minutes = minutes.parse().ok().filter(|n| (0..=5).contains(n) && self.options.has_backfill);
            let Some(n_minutes) = n_minutes else {
                let message = format!("Invalid use of 'backfill_minutes':'{minutes}'");
                return problem::invalid("backfill_minutes", minutes, &message).into();
            };
            let since = Timestamp::now() - SignedDuration::from_mins(n_minutes);
            n_heard = self.events.partition_point(|event| event.at < since);
        }
        self.n_streams += 1;
        Reply::Lines(Listener { asked: Asked::of(request), n_heard }, Vec::new())
    }

    pub(super) fn next_post(&mut self, listener: &mut Listener) -> Option<String> {
        loop {
            let event = self.events.get(listener.n_heard)?;
            listener.n_heard += 1;
            let tweet = match &event.what {
                What::Raw(line) => return Some(line.clone()),
                What::Written(tweet) => tweet,
            };
            let matching = self.rules.iter().filter(|rule| tweet.raw.is_some() || rule.filter.matches(tweet));
            let matching: Vec<_> = matching.map(|rule| json!({"id": rule.id, "tag": rule.tag})).collect();
            if matching.is_empty() {
                continue;
            }
            let includes = listener.asked.includes().map(|it| format!("\"includes\":{it},"));
            let data = tweet.json(self.options.ids_from, &listener.asked);
            self.n_posts_read += 1;
            return Some(format!(
                "{{\"data\":{data},{}\"matching_rules\":{}}}",
                includes.unwrap_or_default(),
                json!(matching)
            ));
        }
    }
}
