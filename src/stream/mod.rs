//! Redis: the stream that carries posts into the pipeline, the dead letters, and the updates between processes.
//!
//! This is the only module that depends on fred. It knows nothing about how posts are processed. While Redis is down,
//! every command fails within [`COMMAND_TIMEOUT`]; once Redis is back, commands succeed again.

mod client; // one connection, its timeouts and reconnection
mod entry; // stream entries of any kind
mod error; // StreamError: what went wrong, and whether waiting helps
mod keys; // names of keys and channels
mod entry_schema; // versions and kinds of entries
mod fields; // fields of entries
mod flow; // streams of one kind of entries
mod frame_sequence; // the counter behind frame ids
mod unknown_entries; // entries of a newer version or kind
mod update_encoding; // updates as they are published and stored

mod metrics_cache; // newest figures for other programs
mod consumer; // reading, claiming, acknowledging and dead-lettering entries
mod dead_letters; // listing and replaying dead letters
mod history; // recent updates, for backfills
mod live_tickets; // single-use tickets for live connections
mod sessions; // sessions of the dashboard
mod sign_in_attempts; // delays between attempts to sign in
mod sign_in_devices; // devices on which people have signed in
mod setup_code; // the code that makes the first account
mod post_entry; // entries that carry posts
mod producer; // appending posts
mod rate_limits; // quotas of callers, shared by all processes
mod subscription; // updates from every process
mod trend_slices; // slices of the trend counters
mod updates; // updates to every process

#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;
use std::time::Duration;

pub use self::metrics_cache::Cache;
pub use consumer::{Consumer, DeadLetterRequest};
pub use dead_letters::{DeadLetter, DeadLetterPage, DeadLetters};
pub use entry::{Delivered, EntryId};
pub use error::StreamError;
pub use fields::Fields;
pub use history::{Backfill, BackfilledUpdate, History, HistoryLimits};
pub use live_tickets::{LiveTickets, TICKET_LIFETIME};
pub use post_entry::decode as decode_post;
pub use producer::Producer;
pub use rate_limits::RateLimits;
pub use sessions::{LIFETIME as SESSION_LIFETIME, NewSession, Sessions};
pub use setup_code::SetupCode;
pub use sign_in_attempts::{Attempt, SignInAttempts, SignInTarget};
pub use sign_in_devices::{DEVICE_LIFETIME, SignInDevices};
pub use subscription::{Subscription, UpdateEvent};
pub use trend_slices::{PublishedSlices, TrendSlices};
pub use updates::Updates;

use crate::models::system_health::StreamHealth;
use client::{Client, Protocol};
use flow::Flow;
use frame_sequence::NewestFrame;
use keys::Keys;

/// Timeout for a command.
///
/// A sender waits for the response, so the timeout is short enough to report an unavailable Redis soon, but long enough
/// for a command that a slow disk underneath Redis delays by a second.
pub const COMMAND_TIMEOUT: Duration = Duration::from_millis(1_800);

/// Address of Redis, and the prefix of all keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamParams {
    /// `redis://host:port`, or `redis+unix:///path` for a socket.
    pub redis_url: String,
    /// Prefix of every key and channel, which separates tests or tenants that share a server. Usually empty.
    pub prefix: String,
}

/// Connection to Redis, from which everything else in this module is created. Clones share it.
///
/// Connect outside any stage's Arbiter: the connection is served by a task on the runtime that opens it, and that task
/// would die with the stage.
#[derive(Clone)]
pub struct Stream {
    client: Client,
    keys: Keys,
    posts: Flow,
    params: StreamParams,
    limits: HistoryLimits,
    newest: NewestFrame,
}

impl Stream {
    /// Connects to Redis. It is not an error if Redis is unavailable: this waits briefly and then keeps trying in the
    /// background.
    pub async fn connect(params: &StreamParams) -> Result<Self, StreamError> {
        let client = Client::connect(params, Protocol::Commands).await?;
        let (keys, posts) = (Keys::new(&params.prefix), Flow::of_posts(&params.prefix));
        let (limits, newest) = (HistoryLimits::default(), NewestFrame::default());
        Ok(Self { client, keys, posts, params: params.clone(), limits, newest })
    }

    /// Returns the same connection with different limits on the history. All processes should use the same limits,
    /// because each of them applies its own when it publishes to the shared history.
    #[must_use]
    pub fn with_history_limits(self, limits: HistoryLimits) -> Self {
        Self { limits, ..self }
    }

    /// Checks that Redis responds.
    pub async fn ping(&self) -> Result<(), StreamError> {
        self.client.ping().await
    }

    /// Measures the stream of posts: its length, its lag, its pending entries and the number of dead letters.
    pub async fn health(&self) -> Result<StreamHealth, StreamError> {
        producer::health(&self.client, &self.posts).await
    }

    /// Returns a producer, which appends posts to the stream.
    pub fn producer(&self) -> Producer {
        Producer::new(self.client.clone(), self.posts.clone())
    }

    /// Returns a consumer of posts with a unique name. It gets a connection of its own, because a blocking read delays all
    /// later commands on the same connection.
    pub async fn consumer(&self) -> Result<Consumer, StreamError> {
        let reader = Client::connect(&self.params, Protocol::BlockingReads).await?;
        Ok(Consumer::new(self.client.clone(), reader, self.posts.clone()))
    }

    /// Returns a handle for listing and replaying posts that are dead letters.
    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters::new(self.client.clone(), self.posts.clone())
    }

    /// Returns a publisher of updates to all processes.
    pub fn updates(&self) -> Updates {
        Updates::new(self.client.clone(), self.keys.clone(), (self.limits, Arc::clone(&self.newest)))
    }

    /// Returns a reader of the recent updates.
    pub fn history(&self) -> History {
        History::new(self.client.clone(), self.keys.clone(), Arc::clone(&self.newest))
    }

    /// Subscribes, on a connection of its own, to the updates of every process, including this one. Up to `capacity`
    /// unread events are held; any further ones are dropped and reported as a gap.
    pub async fn subscribe(&self, capacity: usize) -> Result<Subscription, StreamError> {
        let client = Client::connect(&self.params, Protocol::Subscription).await?;
        Ok(Subscription::start(client, (self.keys.updates.clone(), Arc::clone(&self.newest)), capacity))
    }

    /// Returns the cache of the latest figures, which other programs read.
    pub fn cache(&self) -> Cache {
        Cache::new(self.client.clone(), self.keys.clone())
    }

    /// Returns the issuer of live tickets, which let browsers connect without a token in the URL.
    pub fn live_tickets(&self) -> LiveTickets {
        LiveTickets::new(self.client.clone(), self.keys.clone())
    }

    /// Returns the sessions of the dashboard.
    pub fn sessions(&self) -> Sessions {
        Sessions::new(self.client.clone(), self.keys.clone())
    }

    /// Returns the attempts to sign in, which delay further ones.
    pub fn sign_in_attempts(&self) -> SignInAttempts {
        SignInAttempts::new(self.client.clone(), self.keys.clone())
    }

    /// Returns the devices on which people have signed in.
    pub fn sign_in_devices(&self) -> SignInDevices {
        SignInDevices::new(self.client.clone(), self.keys.clone())
    }

    /// Returns the code that makes the first account.
    pub fn setup_code(&self) -> SetupCode {
        SetupCode::new(self.client.clone(), self.keys.clone())
    }

    /// Returns the quotas of callers, which all processes share.
    pub fn rate_limits(&self) -> RateLimits {
        RateLimits::new(self.client.clone(), self.keys.clone())
    }

    /// Returns the trend slices, which all processes share.
    pub fn trends(&self) -> TrendSlices {
        TrendSlices::new(self.client.clone(), self.keys.clone())
    }

    /// Closes the connection. Later commands on any clone fail.
    pub async fn close(&self) {
        self.client.close().await;
    }
}
