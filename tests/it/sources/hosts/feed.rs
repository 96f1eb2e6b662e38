//! Sites with feeds.

use std::ops::Range;
use std::time::Duration;

use groundswell::connectors::Connector;
use groundswell::connectors::feed::{Feed, PollTimes};
use groundswell::models::source::{Checkpoint, SourceSettings};
use jiff::Timestamp;

use super::{LONG_AGO, LocalNetwork, SILENCE, Trouble, egress};
use crate::support::feed_host::{self, Entry, FeedHost, Format};

/// A site with an RSS feed.
pub struct RssFeed(pub FeedHost);

/// A site with an Atom feed.
pub struct AtomFeed(pub FeedHost);

/// A site with a feed in JSON Feed.
pub struct JsonFeed(pub FeedHost);

/// Returns a connector that asks for a feed every 20 ms, and waits two seconds for the answer.
pub fn feed(host: &FeedHost, position: Checkpoint) -> Feed {
    let egress = egress();
    let settings = SourceSettings { url: Some(host.url()), ..SourceSettings::default() };
    let times = PollTimes { interval: Duration::from_millis(20), timeout: SILENCE };
    Feed::new(egress, &settings, position).unwrap().with_poll_times(times)
}

fn feed_fault(trouble: Trouble) -> feed_host::Fault {
    match trouble {
        Trouble::Status(status, retry_after) => feed_host::Fault::Status(status, retry_after),
        Trouble::BreaksInside(n) => feed_host::Fault::BreaksInside(n),
        Trouble::Closes(n) => feed_host::Fault::EndsAfter(n),
        Trouble::Fails(_) => feed_host::Fault::Status(502, None),
        Trouble::Fragmented | Trouble::Slow => feed_host::Fault::Slow,
        Trouble::Twice => feed_host::Fault::Twice,
        Trouble::Swapped => feed_host::Fault::Reversed,
        Trouble::Quiet => feed_host::Fault::Empty,
        Trouble::Silent => feed_host::Fault::Silent,
    }
}

macro_rules! feed_network {
    ($name:ident, $format:expr) => {
        impl LocalNetwork for $name {
            const SAYS_WHAT_IS_DELETED: bool = false;
            const SPEAKS_UNASKED: bool = false;

            async fn start() -> Self {
                Self(FeedHost::start($format).await)
            }

            fn connector(&self, position: Checkpoint) -> Box<dyn Connector> {
                Box::new(feed(&self.0, position))
            }

            async fn old_position(&self) -> Checkpoint {
                let at = Timestamp::now() - LONG_AGO;
                self.0.add((1_000..1_010).map(|number| Entry { at, ..Entry::new(number) }));
                let batch = self.connector(Checkpoint::at(at)).next_batch().await.unwrap();
                batch.checkpoint.unwrap()
            }

            fn offer(&self, numbers: Range<u32>) {
                self.0.add(numbers.map(Entry::new));
            }

            fn id(number: u32) -> String {
                Entry::new(number).id.unwrap()
            }

            fn delete(&self, number: u32) {
                self.0.remove(number);
            }

            fn delete_author(&self) -> String {
                self.forget();
                String::new()
            }

            fn edit(&self, number: u32) {
                self.0.edit(number, "edited");
            }

            fn send_garbage(&self) -> u64 {
                self.0.add_garbage()
            }

            fn trouble(&self, trouble: Trouble) {
                self.0.fault(feed_fault(trouble));
            }

            fn forget(&self) {
                self.0.clear();
            }
        }
    };
}

feed_network!(RssFeed, Format::Rss);
feed_network!(AtomFeed, Format::Atom);
feed_network!(JsonFeed, Format::Json);
