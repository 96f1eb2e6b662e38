//! Reddit's Data API.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use groundswell::connectors::Connector;
use groundswell::connectors::access::Access;
use groundswell::connectors::reddit::{Pace, Reddit};
use groundswell::models::source::credentials::Credentials;
use groundswell::models::source::{Checkpoint, SourceSettings};
use jiff::{SignedDuration, Timestamp};

use super::{LocalNetwork, SILENCE, Trouble, egress, web_fault};
use crate::support::meter::MemoryMeter;
use crate::support::reddit::{self as reddit_host, Kind, RedditHost, RedditOptions, Thing, fullname};

/// Reddit's Data API.
pub struct RedditApi(pub RedditHost);

/// Number of things that a listing has.
const N_LISTED: u32 = 1_000;

/// Number of the first of the things that hide others.
const FIRST_HIDING: u32 = 1_000_000;

/// Pace of a connector in tests, which has as many requests as it takes.
pub const PACE: Pace = Pace {
    interval: Duration::from_millis(20),
    first_look: Duration::from_millis(20),
    last_look: Duration::from_millis(20),
    timeout: SILENCE,
    n_requests_max: u64::MAX / 4,
    n_looks_max: u64::MAX / 4,
};

/// Returns what a connector needs to reach a host.
pub fn access(meter: Arc<MemoryMeter>) -> Access {
    let credentials = Credentials {
        client_id: Some("client".to_owned()),
        client_secret: Some("secret".to_owned()),
        token: None,
    };
    Access { egress: egress(), credentials, meter }
}

/// Returns settings for a host.
pub fn settings(host: &RedditHost) -> SourceSettings {
    SourceSettings {
        base_url: Some(host.web.url()),
        subreddits: Some(vec!["nimbrel".to_owned()]),
        ..SourceSettings::default()
    }
}

/// Returns a connector that asks every 20 ms, and waits two seconds for the answer.
pub fn reddit(host: &RedditHost, meter: Arc<MemoryMeter>, position: Checkpoint) -> Reddit {
    Reddit::new(access(meter), &settings(host), position).unwrap().with_pace(PACE)
}

/// Starts a host that answers as many requests as it gets.
pub async fn host(options: RedditOptions) -> RedditHost {
    let host = RedditHost::start(options).await;
    host.limit_requests(u32::MAX / 2, Duration::from_secs(600));
    host
}

impl LocalNetwork for RedditApi {
    const NAMES_WHAT_IS_DELETED: bool = false;
    const SPEAKS_UNASKED: bool = false;
    const FORBIDDEN: &str = "needs_approval";

    async fn start() -> Self {
        Self(host(RedditOptions::default()).await)
    }

    fn connector(&self, position: Checkpoint) -> Box<dyn Connector> {
        Box::new(reddit(&self.0, Arc::default(), position))
    }

    fn offer(&self, numbers: Range<u32>) {
        self.0.publish(numbers);
    }

    fn id(number: u32) -> String {
        fullname(Kind::Post, number)
    }

    fn delete(&self, number: u32) {
        self.0.delete(Kind::Post, number);
    }

    fn delete_author(&self) -> String {
        self.0.delete_author()
    }

    fn edit(&self, number: u32) {
        self.0.edit(Kind::Post, number, "edited");
    }

    fn send_garbage(&self) -> u64 {
        self.0.add_garbage()
    }

    /// A status is the answer to any request, even for a token. Everything else happens to pages.
    fn trouble(&self, trouble: Trouble) {
        let path = match trouble {
            Trouble::Status(..) => reddit_host::ANYTHING,
            _ => reddit_host::LISTINGS,
        };
        self.0.web.fault(path, web_fault(trouble));
    }

    /// Pushes everything out of the listing, by things that were removed already.
    fn forget(&self) {
        self.0.forget();
        let at = Timestamp::now() - SignedDuration::from_mins(1);
        let hiding = (FIRST_HIDING..FIRST_HIDING + N_LISTED).map(|number| Thing {
            at,
            text: "[removed]".to_owned(),
            is_removed: true,
            ..Thing::new(Kind::Post, number)
        });
        self.0.add(hiding);
    }
}
