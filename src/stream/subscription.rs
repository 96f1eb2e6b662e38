//! Subscription to the updates of every process, which detects gaps.

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
use super::update_encoding;

/// Interval between pings. Without pings, a broken connection would go unnoticed.
const PING_EVERY: Duration = Duration::from_secs(3);

/// Wait before another attempt to subscribe on an open connection.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Event that a subscriber is notified of.
#[derive(Debug, Clone, PartialEq)]
pub enum UpdateEvent {
    /// The next update in the sequence arrived.
    Update(SequencedUpdate),
    /// Updates may have been lost: at the start, while the connection was down, or while the subscriber was too slow.
    /// The subscriber must rebuild its sums from the database.
    Gap,
}

/// Subscription that receives updates in order. Dropping it ends the subscription.
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
        // unsupervised: ends the subscription, and with it the supervised task `listener`
        tokio::spawn(listener.run());
        Self { events }
    }

    /// Returns the next event; `None` once the runtime shuts down.
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
    /// Id that the next update must have; `None` until the first update.
    next: Option<FrameId>,
    /// Whether a gap has occurred that has not been reported yet.
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
                // The gap is reported as soon as the channel has room, even if no update follows.
                permit = sender.reserve(), if self.has_gap => {
                    if let Ok(permit) = permit {
                        permit.send(UpdateEvent::Gap);
                        self.has_gap = false;
                    }
                },
                _ = ping.tick(), if subscribed => {
                    // Without a response the connection counts as dead, and fred opens a new one.
                    if let Err(error) = self.client.ping().await {
                        debug!(%error, "the subscription's connection does not respond");
                    }
                },
                () = tokio::time::sleep(RETRY_AFTER), if !subscribed => {},
            }
        }
        self.client.close().await;
    }

    /// Subscribes and then reports a gap, because any updates published earlier were not received. A subscriber that
    /// rebuilt its state any earlier would miss the updates in between.
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
        let opened = message.value.as_bytes().and_then(update_encoding::open);
        let Some(update) = opened else {
            warn!("cannot decode an update, another version may be running");
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
        // Never wait here: unread updates would pile up in Redis.
        if self.has_gap || self.sender.try_send(UpdateEvent::Update(update)).is_err() {
            self.has_gap = true;
        }
    }
}
