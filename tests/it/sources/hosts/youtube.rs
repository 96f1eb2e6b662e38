//! The YouTube Data API.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use groundswell::connectors::Connector;
use groundswell::connectors::access::Access;
use groundswell::connectors::youtube::{Pace, YouTube};
use groundswell::models::source::credentials::Credentials;
use groundswell::models::source::{Checkpoint, SourceSettings};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{LocalNetwork, SILENCE, Trouble, egress, web_fault};
use crate::support::meter::MemoryMeter;
use crate::support::youtube::{self as youtube_host, Video, YouTubeHost, YouTubeOptions, video_id};

/// The YouTube Data API.
pub struct YouTubeApi(pub YouTubeHost);

/// Number of search results that a connector does not look behind.
const RESULTS_REACHED: u32 = 400;

/// Returns a connector that asks every 20 ms, and waits two seconds for the answer.
pub fn youtube(host: &YouTubeHost, meter: Arc<MemoryMeter>, position: Checkpoint) -> YouTube {
    let egress = egress();
    let credentials = Credentials { token: Some("secret".to_owned()), ..Credentials::default() };
    let access = Access { egress, credentials, meter };
    let settings = SourceSettings {
        base_url: Some(format!("{}/youtube/v3", host.web.url())),
        queries: Some(vec!["nimbrel".to_owned()]),
        ..SourceSettings::default()
    };
    YouTube::new(access, &settings, position).unwrap().with_pace(PACE)
}

/// Pace of a connector in tests, which has as many searches and units as it takes.
pub const PACE: Pace = Pace {
    interval: Duration::from_millis(20),
    first_look: Duration::from_millis(20),
    last_look: Duration::from_millis(20),
    timeout: SILENCE,
    n_searches_max: u64::MAX / 4,
    n_units_max: u64::MAX / 4,
};

impl LocalNetwork for YouTubeApi {
    const SAYS_WHAT_IS_DELETED: bool = false;
    const SPEAKS_UNASKED: bool = false;

    async fn start() -> Self {
        let many =
            YouTubeOptions { n_searches: Some(u32::MAX), n_units: u32::MAX, ..YouTubeOptions::default() };
        Self(YouTubeHost::start(many).await)
    }

    fn connector(&self, position: Checkpoint) -> Box<dyn Connector> {
        Box::new(youtube(&self.0, Arc::default(), position))
    }

    fn offer(&self, numbers: Range<u32>) {
        self.0.publish(numbers);
    }

    fn id(number: u32) -> String {
        format!("video:{}", video_id(number))
    }

    fn delete(&self, number: u32) {
        self.0.delete(number);
    }

    fn delete_author(&self) -> String {
        self.0.delete_author()
    }

    fn edit(&self, number: u32) {
        self.0.edit(number, "edited");
    }

    fn send_garbage(&self) -> u64 {
        self.0.add_garbage()
    }

    fn trouble(&self, trouble: Trouble) {
        self.0.web.fault(youtube_host::ANYTHING, web_fault(trouble));
    }

    /// Hides everything behind results that are newer, and whose videos are gone already.
    fn forget(&self) {
        self.0.forget();
        let at = Timestamp::now() - SignedDuration::from_mins(1);
        let snippet = json!({"publishedAt": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()});
        let hidden = (0..RESULTS_REACHED).map(|number| {
            let result = json!({"id": {"videoId": format!("gone{number}")}, "snippet": snippet});
            Video { at, raw: Some(result.to_string()), ..Video::new(u32::MAX) }
        });
        self.0.add(hidden);
    }
}
