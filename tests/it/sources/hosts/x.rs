//! The API of X.

use std::ops::Range;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use groundswell::connectors::Connector;
use groundswell::connectors::access::Access;
use groundswell::connectors::silence::SilenceLimits;
use groundswell::connectors::x::{self, X};
use groundswell::models::source::budget::Budget;
use groundswell::models::source::credentials::Credentials;
use groundswell::models::source::{Checkpoint, SourceSettings};
use jiff::{SignedDuration, Timestamp};

use super::{LONG_AGO, LocalNetwork, SILENCE, Trouble, egress, web_fault};
use crate::support::meter::MemoryMeter;
use crate::support::web;
use crate::support::x_api::{self, XHost, XOptions, tweet_id};

/// The API of X, with one meter for all its connectors.
pub struct XApi {
    pub host: XHost,
    pub meter: Arc<MemoryMeter>,
}

/// Time in the id of the first post of all local APIs of X.
static IDS_FROM: LazyLock<Timestamp> = LazyLock::new(Timestamp::now);

impl XApi {
    /// Starts an API that knows one token.
    pub async fn start_api() -> Self {
        let ping_every = Duration::from_millis(300);
        let options = XOptions { ping_every, ids_from: *IDS_FROM, ..XOptions::default() };
        Self { host: XHost::start(options).await, meter: Arc::default() }
    }

    /// Returns settings with a query and a budget.
    pub fn settings(&self, usd_per_month: f64) -> SourceSettings {
        SourceSettings {
            base_url: Some(self.host.web.url()),
            queries: Some(vec!["nimbrel".to_owned()]),
            usd_per_month: Some(Budget::try_from(usd_per_month).unwrap()),
            ..SourceSettings::default()
        }
    }

    /// Returns a connector that waits two seconds for an answer, and searches for what it missed at once.
    pub fn connect(&self, settings: &SourceSettings, position: Checkpoint) -> X {
        let egress = egress();
        let credentials = Credentials { token: Some("secret".to_owned()), ..Credentials::default() };
        let access = Access { egress, credentials, meter: self.meter.clone() };
        let silence =
            SilenceLimits { without_messages: SILENCE, without_events: SILENCE, without_events_factor: 3 };
        let times = x::Times { settle: Duration::ZERO, timeout: SILENCE, silence };
        X::new(access, settings, position).unwrap().with_times(times)
    }
}

impl LocalNetwork for XApi {
    const SAYS_WHEN_AS_TIME: bool = true;
    // Only lookups show what is deleted.
    const SAYS_WHAT_IS_DELETED: bool = false;
    const FORBIDDEN: &str = "needs_approval";
    const REACHES_BACK: SignedDuration = SignedDuration::from_hours(7 * 24);

    async fn start() -> Self {
        Self::start_api().await
    }

    fn connector(&self, position: Checkpoint) -> Box<dyn Connector> {
        Box::new(self.connect(&self.settings(1_000.0), position))
    }

    async fn old_position(&self) -> Checkpoint {
        Checkpoint::at(Timestamp::now() - Self::REACHES_BACK - LONG_AGO)
    }

    fn offer(&self, numbers: Range<u32>) {
        self.host.publish(numbers);
    }

    fn id(number: u32) -> String {
        tweet_id(*IDS_FROM, number).to_string()
    }

    fn delete(&self, number: u32) {
        self.host.delete(number);
    }

    fn delete_author(&self) -> String {
        self.host.delete_author()
    }

    fn edit(&self, number: u32) {
        self.host.edit(number, "edited post about nimbrel");
    }

    fn send_garbage(&self) -> u64 {
        self.host.add_garbage()
    }

    fn trouble(&self, trouble: Trouble) {
        if !matches!(trouble, Trouble::Status(..)) {
            // The stream's path begins that of its rules, which are listed and perhaps changed before each connection.
            self.host.web.fault(x_api::RULES, web::Fault::Fragmented);
            self.host.web.fault(x_api::RULES, web::Fault::Fragmented);
        }
        self.host.web.fault(x_api::STREAM, web_fault(trouble));
    }

    fn forget(&self) {
        self.host.forget();
    }
}
