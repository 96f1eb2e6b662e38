//! An instance of Mastodon.

use std::ops::Range;
use std::sync::LazyLock;
use std::time::Duration;

use groundswell::connectors::Connector;
use groundswell::connectors::mastodon::{Mastodon, Pace};
use groundswell::models::source::credentials::Credentials;
use groundswell::models::source::{Checkpoint, SourceSettings};
use jiff::Timestamp;

use super::{LocalNetwork, SILENCE, Trouble, egress, web_fault};
use crate::support::mastodon::{self, InstanceOptions, MastodonHost, Status, status_id};

/// An instance of Mastodon, which shows posts of another one.
pub struct Fediverse(pub MastodonHost);

/// Time in the ids of the instances, so that they are known beforehand.
static IDS_FROM: LazyLock<Timestamp> = LazyLock::new(Timestamp::now);

/// Returns a status with a text of its own, written on another instance.
pub fn status(number: u32) -> Status {
    Status { is_local: false, ..Status::new(number) }
}

/// Starts an instance that may be asked as often as tests need.
pub async fn instance(token: Option<&str>) -> MastodonHost {
    let host = MastodonHost::start(InstanceOptions {
        token: token.map(str::to_owned),
        ping_every: Duration::from_millis(300),
        ids_from: *IDS_FROM,
        ..InstanceOptions::default()
    });
    let host = host.await;
    host.limit_requests(100_000, Duration::from_secs(3_600));
    host
}

/// Returns a connector that asks ten times a second if there is no stream, and otherwise checks it twice a second. A
/// silence is noticed after two seconds.
pub fn mastodon_with(settings: SourceSettings, token: Option<&str>, position: Checkpoint) -> Mastodon {
    let egress = egress();
    let credentials = Credentials { token: token.map(str::to_owned), ..Credentials::default() };
    Mastodon::new(egress, &settings, &credentials, position).unwrap().with_pace(Pace {
        interval: Duration::from_millis(100),
        check_every: Duration::from_millis(500),
        settle: Duration::from_millis(300),
        silence: SILENCE,
        timeout: SILENCE,
        ..Pace::default()
    })
}

impl LocalNetwork for Fediverse {
    const SAYS_WHEN_AS_TIME: bool = true;
    const NAMES_WHAT_IS_DELETED: bool = false;
    // Its timelines show whether its stream says too little.
    const SPEAKS_UNASKED: bool = false;

    async fn start() -> Self {
        Self(instance(None).await)
    }

    fn connector(&self, position: Checkpoint) -> Box<dyn Connector> {
        let settings = SourceSettings { base_url: Some(self.0.web.url()), ..SourceSettings::default() };
        Box::new(mastodon_with(settings, None, position))
    }

    fn offer(&self, numbers: Range<u32>) {
        self.0.add(numbers.map(status));
    }

    fn id(number: u32) -> String {
        format!("https://elsewhere.example/users/ana/statuses/{}", status_id(*IDS_FROM, number))
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
        match trouble {
            Trouble::Status(..) => self.0.web.fault(mastodon::ANYTHING, web_fault(trouble)),
            _ => {
                for path in [mastodon::TIMELINES, mastodon::STREAMING] {
                    self.0.web.fault(path, web_fault(trouble));
                }
            }
        }
    }

    fn forget(&self) {
        self.0.forget();
    }
}
