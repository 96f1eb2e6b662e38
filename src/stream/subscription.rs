//! Hears the news of every process, and says when some of it was has_gap.

use std::time::Duration;

use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::Message;
use fred::types::config::Server;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use crate::models::live::{FrameId, SequencedUpdate};

use super::client::Client;
use super::frame_sequence::{self, NewestFrame};
use super::updates;

/// A connection whose other end vanished is only noticed by speaking on it.
const PING_EVERY: Duration = Duration::from_secs(3);

/// Between two attempts to subscribe on a connection that stands.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// What a listener hears.
#[derive(Debug, Clone, PartialEq)]
pub enum UpdateEvent {
    /// Something happened.
    Update(SequencedUpdate),
    /// Something may have been has_gap: at the start, after a disconnection, or because the listener was slow.
    /// Whoever keeps sums reads them anew from the database.
    Gap,
}

/// The news, in order. Dropping it ends the subscription.
pub struct Subscription {
    events: mpsc::Receiver<UpdateEvent>,
}

impl Subscription {
    pub(super) fn start(client: Client, channel: (String, NewestFrame), capacity: usize) -> Self {
        let (channel, newest) = channel;
        let (sender, events) = mpsc::channel(capacity.max(1));
        let listener = Listener {
            connected: client.commands().reconnect_rx(),
            messages: client.commands().message_rx(),
            client,
            channel,
            newest,
            sender,
            next: None,
            has_gap: false,
        };
        tokio::spawn(listener.run());
        Self { events }
    }

    /// The next event. `None` once the runtime shuts down.
    pub async fn next(&mut self) -> Option<UpdateEvent> {
        self.events.recv().await
    }
}

struct Listener {
    client: Client,
    channel: String,
    newest: NewestFrame,
    connected: Receiver<Server>,
    messages: Receiver<Message>,
    sender: mpsc::Sender<UpdateEvent>,
    /// The id the next update must have.
    next: Option<FrameId>,
    /// A gap is still to be told.
    has_gap: bool,
}

impl Listener {
    async fn run(mut self) {
        let mut ping = tokio::time::interval(PING_EVERY);
        let mut subscribed = false;
        let sender = self.sender.clone();
        loop {
            if !subscribed {
                subscribed = self.subscribe().await;
            }
            tokio::select! {
                () = sender.closed() => break,
                reconnected = self.connected.recv() => match reconnected {
                    Ok(_) | Err(RecvError::Lagged(_)) => subscribed = false,
                    Err(RecvError::Closed) => break,
                },
                message = self.messages.recv() => match message {
                    Ok(message) => self.receive(&message),
                    Err(RecvError::Lagged(_)) => self.has_gap = true,
                    Err(RecvError::Closed) => break,
                },
                // The gap is told as soon as the listener has room, even if nothing else happens.
                permit = sender.reserve(), if self.has_gap => {
                    if let Ok(permit) = permit {
                        permit.send(UpdateEvent::Gap);
                        self.has_gap = false;
                    }
                },
                _ = ping.tick(), if subscribed => {
                    // Unanswered, it makes the connection count as dead, and fred makes a new one.
                    if let Err(error) = self.client.ping().await {
                        debug!(%error, "the subscription's connection does not answer");
                    }
                },
                () = tokio::time::sleep(RETRY_AFTER), if !subscribed => {},
            }
        }
        self.client.close().await;
    }

    /// Subscribes, then tells a gap: what was published before is not heard, and a listener that healed
    /// earlier would miss what happened in between.
    async fn subscribe(&mut self) -> bool {
        let commands = self.client.commands();
        if !commands.is_connected() {
            return false;
        }
        if let Err(error) = commands.subscribe(self.channel.as_str()).await {
            warn!(%error, "cannot subscribe to updates yet");
            return false;
        }
        self.next = None;
        self.has_gap = true;
        true
    }

    fn receive(&mut self, message: &Message) {
        let opened = message.value.as_bytes().and_then(updates::open);
        let Some(update) = opened else {
            warn!("an update could not be read; is another version running?");
            self.next = None;
            self.has_gap = true;
            return;
        };
        if self.next.as_ref().is_some_and(|next| *next != update.first) {
            self.has_gap = true;
        }
        self.next = Some(FrameId {
            epoch: update.first.epoch.clone(),
            offset: update.first.offset.saturating_add(update.update.n_frames()),
        });
        let n_frames = update.update.n_frames();
        let last = update.first.offset.saturating_add(n_frames.saturating_sub(1));
        frame_sequence::advance(&self.newest, &FrameId { epoch: update.first.epoch.clone(), offset: last });
        if self.has_gap && self.sender.try_send(UpdateEvent::Gap).is_ok() {
            self.has_gap = false;
        }
        // Never wait here: news that nobody takes would pile up in Redis.
        if self.has_gap || self.sender.try_send(UpdateEvent::Update(update)).is_err() {
            self.has_gap = true;
        }
    }
}
