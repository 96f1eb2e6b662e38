//! Redis: the stream that carries posts into the pipeline, what died in it, and the news between processes.
//!
//! The only place that names fred. It knows nothing of what becomes of a post. Every command fails within
//! [`COMMAND_TIMEOUT`] when Redis is away, and works again by itself once Redis is back.

mod client; // one connection, its timeouts and reconnecting
mod entry; // how a post lies in the stream
mod error; // what can go wrong, and whether waiting helps
mod keys; // what everything in Redis is called
mod schema; // versions and kinds of entries
mod frame_sequence; // the counter behind the ids of frames
mod unknown_entries; // entries of a newer version or kind

mod cache; // newest figures for others to read
mod consumer; // posts out, exactly as often as needed
mod dead_letters; // posts that killed whoever touched them
mod history; // news of late, for whoever missed some
mod live_tickets; // passes for live connections
mod producer; // posts in
mod subscription; // news from every process
mod trend_slices; // what every process counted of what is spoken of
mod updates; // news to every process

#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;
use std::time::Duration;

pub use cache::Cache;
pub use consumer::{Consumer, DeadLetterRequest};
pub use dead_letters::{DeadLetter, DeadLetterPage, DeadLetters};
pub use entry::{BrokenEntry, Delivered, EntryId};
pub use error::StreamError;
pub use history::{Backfill, BackfilledUpdate, History, HistoryLimits};
pub use live_tickets::{LiveTickets, TICKET_LIFETIME};
pub use producer::Producer;
pub use subscription::{Subscription, UpdateEvent};
pub use trend_slices::{PublishedSlices, TrendSlices};
pub use updates::Updates;

use crate::models::stage_health::StreamHealth;
use client::{Client, Protocol};
use frame_sequence::NewestFrame;
use keys::Keys;

/// How long a command may take.
///
/// A sender waits for its answer, so Redis being away must be an error soon; a slow disk below Redis may hold
/// a command for a second, and must not be one.
pub const COMMAND_TIMEOUT: Duration = Duration::from_millis(1_800);

/// Which Redis, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamParams {
    /// `redis://host:port`, or `redis+unix:///path` for a socket.
    pub redis_url: String,
    /// Put before every key and channel, so that tests and tenants do not meet. Usually empty.
    pub prefix: String,
}

/// A connection to Redis, from which everything else in this module is made. Clones share it.
///
/// Connect outside any stage's Arbiter: the connection lives in a task of the runtime it was made on, and
/// would die with the stage.
#[derive(Clone)]
pub struct Stream {
    client: Client,
    keys: Keys,
    params: StreamParams,
    limits: HistoryLimits,
    newest: NewestFrame,
}

impl Stream {
    /// Connects. A Redis that is away is no error: it is waited for briefly, then in the background.
    pub async fn connect(params: &StreamParams) -> Result<Self, StreamError> {
        let client = Client::connect(params, Protocol::Commands).await?;
        let keys = Keys::new(&params.prefix);
        let (limits, newest) = (HistoryLimits::default(), NewestFrame::default());
        Ok(Self { client, keys, params: params.clone(), limits, newest })
    }

    /// The same connection, keeping so much news for those who come back. All processes should agree: each publisher
    /// enforces its own bounds on what all of them keep.
    #[must_use]
    pub fn with_history_limits(self, limits: HistoryLimits) -> Self {
        Self { limits, ..self }
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), StreamError> {
        self.client.ping().await
    }

    /// How much lies in the stream, waits, is being worked on, and died.
    pub async fn health(&self) -> Result<StreamHealth, StreamError> {
        producer::health(&self.client, &self.keys).await
    }

    /// What puts posts in.
    pub fn producer(&self) -> Producer {
        Producer::new(self.client.clone(), self.keys.clone())
    }

    /// What takes posts out, under a name no other consumer ever had. Opens a connection of its own, since a
    /// blocking read holds up whatever comes after it.
    pub async fn consumer(&self) -> Result<Consumer, StreamError> {
        let reader = Client::connect(&self.params, Protocol::BlockingReads).await?;
        Ok(Consumer::new(self.client.clone(), reader, self.keys.clone()))
    }

    /// What lists and replays the posts that died.
    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters::new(self.client.clone(), self.keys.clone())
    }

    /// What tells every process the news.
    pub fn updates(&self) -> Updates {
        Updates::new(self.client.clone(), self.keys.clone(), (self.limits, Arc::clone(&self.newest)))
    }

    /// What reads the news of late.
    pub fn history(&self) -> History {
        History::new(self.client.clone(), self.keys.clone(), Arc::clone(&self.newest))
    }

    /// The news of every process, this one among them. Opens a connection of its own. Holds at most
    /// `capacity` unread events; what does not fit is dropped and told as a gap.
    pub async fn subscribe(&self, capacity: usize) -> Result<Subscription, StreamError> {
        let client = Client::connect(&self.params, Protocol::Subscription).await?;
        Ok(Subscription::start(client, (self.keys.updates.clone(), Arc::clone(&self.newest)), capacity))
    }

    /// What keeps the newest figures where others can read them.
    pub fn cache(&self) -> Cache {
        Cache::new(self.client.clone(), self.keys.clone())
    }

    /// What lets browsers connect without showing their token in an address.
    pub fn live_tickets(&self) -> LiveTickets {
        LiveTickets::new(self.client.clone(), self.keys.clone())
    }

    /// What keeps the sketches of what is spoken of where every process can read them.
    pub fn trends(&self) -> TrendSlices {
        TrendSlices::new(self.client.clone(), self.keys.clone())
    }

    /// Ends the connection. Commands of all clones fail from here on.
    pub async fn close(&self) {
        self.client.close().await;
    }
}
