//! Sessions grouped by subscription, so that each frame is matched once for all sessions with the same subscription.

use std::collections::HashMap;
use std::sync::Arc;

use super::rate_bucket::RateBucket;
use super::replay_buffer::{Event, LoggedEvent};
use crate::actors::messages::SessionId;
use crate::live::frame::{Encode, Frame, MetricsFrame};
use crate::live::outbox::Outbox;
use crate::live::outbox_batch::CloseReason;
use crate::models::principal::Identity;
use crate::models::subscription::{Feed, Subscription};

/// All sessions of this process, grouped by subscription.
#[derive(Default)]
pub struct Subscribers {
    groups: HashMap<Arc<Subscription>, Group>,
    sessions: HashMap<SessionId, Arc<Subscription>>,
}

/// Session that receives frames.
pub struct Subscriber {
    /// Session through which the client is connected.
    pub id: SessionId,
    /// Who the client is.
    pub identity: Identity,
    /// Queue of frames that the session sends to its client.
    pub outbox: Arc<Outbox>,
}

struct Group {
    members: Vec<Subscriber>,
    bucket: Option<RateBucket>,
    /// Number of posts skipped by the rate limit but not yet reported to the sessions.
    n_by_rate: u64,
}

impl Subscribers {
    /// Returns the number of sessions across all groups.
    pub fn n_sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Returns whether any session receives metrics as deltas rather than whole windows.
    pub fn takes_deltas(&self) -> bool {
        self.groups
            .keys()
            .any(|subscription| subscription.delta && subscription.feeds.contains(Feed::Metrics))
    }

    /// Adds a session, or replaces its subscription.
    pub fn join(&mut self, subscriber: Subscriber, subscription: Subscription) {
        let id = subscriber.id;
        self.leave(id);
        subscriber.outbox.take_delta(subscription.delta);
        let subscription = match self.groups.get_key_value(&subscription) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::new(subscription),
        };
        let group = self.groups.entry(Arc::clone(&subscription)).or_insert_with(|| Group {
            members: Vec::new(),
            bucket: subscription.max_rate.map(RateBucket::new),
            n_by_rate: 0,
        });
        group.members.push(subscriber);
        self.sessions.insert(id, subscription);
    }

    /// Removes a session, and also its group if no other session belongs to it.
    pub fn leave(&mut self, id: SessionId) {
        let Some(subscription) = self.sessions.remove(&id) else {
            return;
        };
        let Some(group) = self.groups.get_mut(&subscription) else {
            return;
        };
        group.members.retain(|member| member.id != id);
        if group.members.is_empty() {
            self.groups.remove(&subscription);
        }
    }

    /// Delivers an event to every session of its audience whose subscription includes it, and returns the number of those
    /// sessions. The event is encoded only if there are any.
    pub fn deliver(&mut self, logged: &LoggedEvent, epoch: &str, encode: Encode) -> usize {
        let mut n_delivered = 0;
        for (subscription, group) in &mut self.groups {
            if !logged.event.is_for(subscription) {
                continue;
            }
            if logged.is_rated() && group.bucket.as_mut().is_some_and(|bucket| !bucket.admit(logged.at_ms)) {
                group.n_by_rate += 1;
                continue;
            }
            for member in group.members.iter().filter(|member| logged.audience.includes(&member.identity)) {
                let Some(frame) = logged.frame(epoch, encode) else {
                    return n_delivered;
                };
                match logged.event {
                    Event::Post(_) | Event::Correction(_) => member.outbox.post(frame),
                    Event::Alert(..) => member.outbox.alert(frame),
                }
                n_delivered += 1;
            }
        }
        n_delivered
    }

    /// Queues the live window for every session subscribed to metrics, and returns the number of those sessions.
    /// `is_first` marks the first window that the broadcaster shows.
    pub fn show_metrics(&self, frame: &Arc<MetricsFrame>, is_first: bool) -> usize {
        self.members_of(Feed::Metrics).map(|outbox| outbox.metrics(frame, is_first)).count()
    }

    /// Queues the health of the pipeline for every session subscribed to it, and returns the number of those sessions.
    pub fn show_system(&self, frame: &Arc<Frame>) -> usize {
        self.members_of(Feed::System).map(|outbox| outbox.system(frame)).count()
    }

    /// Returns whether any session is subscribed to a feed.
    pub fn has_subscribers(&self, feed: Feed) -> bool {
        self.members_of(feed).next().is_some()
    }

    /// Tells each session how many posts its rate limit has skipped since the last report.
    pub fn report_skipped(&mut self) {
        for group in self.groups.values_mut().filter(|group| group.n_by_rate > 0) {
            for Subscriber { outbox, .. } in &group.members {
                outbox.skip_by_rate(group.n_by_rate);
            }
            group.n_by_rate = 0;
        }
    }

    /// Closes all sessions, giving each the same reason.
    pub fn close_all(&mut self, close_reason: CloseReason) {
        for Subscriber { outbox, .. } in self.groups.values().flat_map(|group| &group.members) {
            outbox.close(close_reason);
        }
        self.groups.clear();
        self.sessions.clear();
    }

    fn members_of(&self, feed: Feed) -> impl Iterator<Item = &Outbox> {
        let groups = self.groups.iter().filter(move |(subscription, _)| subscription.feeds.contains(feed));
        groups.flat_map(|(_, group)| &group.members).map(|member| member.outbox.as_ref())
    }
}
