//! Local hosts of the networks, behind one trait, so that every connector is held to the same contract.

pub mod feed; // RSS, Atom and JSON Feed
pub mod jetstream; // Bluesky, versions 2 and 1
pub mod mastodon; // an instance of Mastodon
pub mod reddit; // Reddit's Data API
pub mod x; // the API of X
pub mod youtube; // the YouTube Data API

use std::ops::Range;
use std::time::Duration;

use groundswell::connectors::Connector;
use groundswell::egress::Egress;
use groundswell::egress::allowlist::Allowlist;
use groundswell::models::source::Checkpoint;
use jiff::{SignedDuration, Timestamp};

use crate::support::web;

/// What goes wrong on the next connection.
#[derive(Debug, Clone, Copy)]
pub enum Trouble {
    /// The host answers with a status, and perhaps says in how many seconds to come back.
    Status(u16, Option<u64>),
    /// The connection breaks in the middle of a message, after so many.
    BreaksInside(u64),
    /// The connection is closed in good order after so many messages.
    Closes(u64),
    /// The host reports an error after so many messages, and ends.
    Fails(u64),
    /// Every message comes in two parts.
    Fragmented,
    /// Messages come slowly.
    Slow,
    /// Every message comes twice.
    Twice,
    /// Neighbouring messages come in the other order.
    Swapped,
    /// Nothing comes but what keeps the connection alive.
    Quiet,
    /// Nothing comes at all.
    Silent,
}

/// Host of a network that a test controls.
pub trait LocalNetwork: Sized {
    /// Whether the network says what its users delete. A feed does not: what is gone from it may merely be old.
    const SAYS_WHAT_IS_DELETED: bool = true;

    /// Whether a deletion names the post as it is known everywhere, so that it need not have been heard.
    const NAMES_WHAT_IS_DELETED: bool = true;

    /// Whether the host speaks unasked, so that it is noticed when it says less than usual.
    const SPEAKS_UNASKED: bool = true;

    /// State of a source that the host answers with 403.
    const FORBIDDEN: &str = "needs_key";

    /// Whether the host says when to come back as a time in whole seconds, so that a wait may be shorter.
    const SAYS_WHEN_AS_TIME: bool = false;

    /// How far back the host answers once it has forgotten what it had.
    const REACHES_BACK: SignedDuration = SignedDuration::ZERO;

    /// Starts a host.
    async fn start() -> Self;

    /// Returns a connector that continues after a position. A silence is noticed after [`SILENCE`].
    fn connector(&self, position: Checkpoint) -> Box<dyn Connector>;

    /// Returns a position of 30 hours ago. The host no longer has what follows it once it forgets.
    async fn old_position(&self) -> Checkpoint {
        Checkpoint::at(Timestamp::now() - LONG_AGO)
    }

    /// Offers posts with these numbers.
    fn offer(&self, numbers: Range<u32>);

    /// Returns the id of the post with this number.
    fn id(number: u32) -> String;

    /// Deletes a post.
    fn delete(&self, number: u32);

    /// Deletes everything that the author of the posts has written. Returns the id of the author.
    fn delete_author(&self) -> String;

    /// Edits a post.
    fn edit(&self, number: u32);

    /// Sends what is hardly a post: text, a message that is far too large, one that is nested a thousand deep, and some
    /// with wrong types. Returns how many.
    fn send_garbage(&self) -> u64;

    /// Makes something go wrong on the next connection.
    fn trouble(&self, trouble: Trouble);

    /// Forgets everything that was offered so far.
    fn forget(&self);
}

/// How long a connector of these tests hears nothing before it takes the host for silent, and waits for an answer. Several
/// times as long as the hosts leave between two signs of life, because a busy machine adds to that.
pub const SILENCE: Duration = Duration::from_secs(2);

/// Long enough for a silence to be noticed.
pub const QUIET: Duration = Duration::from_secs(5);

pub const LONG_AGO: SignedDuration = SignedDuration::from_hours(30);

/// Returns a client that reaches hosts on this machine.
pub fn egress() -> Egress {
    Egress::new(Allowlist::parse(["127.0.0.1"]).unwrap()).unwrap()
}

/// Returns what a host that speaks HTTP does.
pub fn web_fault(trouble: Trouble) -> web::Fault {
    match trouble {
        Trouble::Status(status, retry_after) => web::Fault::Status(status, retry_after),
        Trouble::BreaksInside(n) => web::Fault::BreaksInside(n),
        Trouble::Closes(n) => web::Fault::Closes(n),
        Trouble::Fails(n) => web::Fault::Fails(n),
        Trouble::Fragmented => web::Fault::Fragmented,
        Trouble::Slow => web::Fault::Slow,
        Trouble::Twice => web::Fault::Twice,
        Trouble::Swapped => web::Fault::Swapped,
        Trouble::Quiet => web::Fault::Quiet,
        Trouble::Silent => web::Fault::Silent,
    }
}
