//! Jetstream hosts of Bluesky.

use std::ops::Range;
use std::time::Duration;

use groundswell::connectors::Connector;
use groundswell::connectors::bluesky::Bluesky;
use groundswell::connectors::silence::SilenceLimits;
use groundswell::models::source::{Checkpoint, SourceSettings};
use jiff::Timestamp;

use super::{LocalNetwork, SILENCE, Trouble, egress};
use crate::support::jetstream::{
    Fault, HostEvent, HostOptions, JetstreamHost, Refusal, Silence, Version, frames,
};

/// A Jetstream host of version 2.
pub struct BlueskyV2(pub JetstreamHost);

/// A Jetstream host of version 1.
pub struct BlueskyV1(pub JetstreamHost);

const AUTHOR: &str = "did:plc:ana";

/// Returns a post with a text of its own.
pub fn post(number: u32) -> HostEvent {
    let created_at = Timestamp::now().to_string();
    HostEvent::post(AUTHOR, &rkey(number), &format!("post {number} about nimbrel"), &created_at)
}

/// Returns the key of the post with this number.
pub fn rkey(number: u32) -> String {
    format!("r{number}")
}

fn jetstream(host: &JetstreamHost, position: Checkpoint) -> Box<dyn Connector> {
    let egress = egress();
    let settings = SourceSettings { base_url: Some(host.url()), ..SourceSettings::default() };
    let limits =
        SilenceLimits { without_messages: SILENCE, without_events: SILENCE, without_events_factor: 3 };
    Box::new(Bluesky::new(egress, &settings, position).unwrap().with_silence_limits(limits))
}

fn options(speaks_v2: bool) -> HostOptions {
    HostOptions {
        speaks_v2,
        first_seq: 100_000,
        ping_every: Duration::from_millis(300),
        ..HostOptions::default()
    }
}

fn fault(trouble: Trouble) -> Fault {
    match trouble {
        Trouble::Status(status, retry_after) => {
            let refusal = Refusal::status(status);
            Fault::Refuse(match retry_after {
                Some(seconds) => refusal.header("retry-after", &seconds.to_string()),
                None => refusal,
            })
        }
        Trouble::BreaksInside(frames) => Fault::ResetInside(frames),
        Trouble::Closes(frames) => Fault::CloseAfter { frames, code: 1001 },
        Trouble::Fails(frames) => Fault::ErrorAfter { frames, name: "InternalError" },
        Trouble::Fragmented => Fault::Fragmented,
        Trouble::Slow => Fault::Pace(Duration::from_millis(3)),
        Trouble::Twice => Fault::Twice,
        Trouble::Swapped => Fault::Swapped,
        Trouble::Quiet => Fault::Silent(Silence::PingsOnly),
        Trouble::Silent => Fault::Silent(Silence::Total),
    }
}

fn garbage(host: &JetstreamHost, version: Version) -> u64 {
    let mut messages = vec![frames::not_json(), frames::huge(version), frames::nested(version)];
    messages.extend(frames::wrong_types(version));
    let n = messages.len();
    host.append_many(messages.into_iter().map(HostEvent::raw));
    n as u64
}

macro_rules! jetstream_network {
    ($name:ident, $speaks_v2:literal, $version:expr) => {
        impl LocalNetwork for $name {
            async fn start() -> Self {
                Self(JetstreamHost::start(options($speaks_v2)).await)
            }

            fn connector(&self, position: Checkpoint) -> Box<dyn Connector> {
                jetstream(&self.0, position)
            }

            fn offer(&self, numbers: Range<u32>) {
                self.0.append_many(numbers.map(post));
            }

            fn id(number: u32) -> String {
                format!("at://{AUTHOR}/app.bsky.feed.post/{}", rkey(number))
            }

            fn delete(&self, number: u32) {
                self.0.append(HostEvent::delete_post(AUTHOR, &rkey(number)));
            }

            fn delete_author(&self) -> String {
                self.0.append(HostEvent::account(AUTHOR, false, Some("deleted")));
                AUTHOR.to_owned()
            }

            fn edit(&self, number: u32) {
                let created_at = Timestamp::now().to_string();
                self.0.append(HostEvent::edit(AUTHOR, &rkey(number), "edited", &created_at));
            }

            fn send_garbage(&self) -> u64 {
                garbage(&self.0, $version)
            }

            fn trouble(&self, trouble: Trouble) {
                // The first request of a connector is for version 2, and has no other fault than being refused.
                let is_first = self.0.connections().is_empty() && self.0.faults_left() == 0;
                if !$speaks_v2 && is_first && !matches!(trouble, Trouble::Status(..)) {
                    self.0.set_faults([]);
                }
                self.0.set_fault(fault(trouble));
            }

            fn forget(&self) {
                self.0.forget_before(self.0.next_seq());
            }
        }
    };
}

jetstream_network!(BlueskyV2, true, Version::V2);
jetstream_network!(BlueskyV1, false, Version::V1);
