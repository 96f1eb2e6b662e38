//! Who listens, grouped by what they want: each question about a frame is asked once for all who want the same.

use std::collections::HashMap;
use std::sync::Arc;

use super::rate_bucket::RateBucket;
use super::replay_buffer::{Kept, News};
use crate::actors::messages::SessionId;
use crate::live::frame::{Encode, Frame, MetricsFrame};
use crate::live::outbox::{CloseReason, Outbox};
use crate::models::subscription::{Feed, Subscription};

/// All sessions of this process.
#[derive(Default)]
pub struct Audience {
    groups: HashMap<Arc<Subscription>, Group>,
    sessions: HashMap<SessionId, Arc<Subscription>>,
}

struct Group {
    members: Vec<(SessionId, Arc<Outbox>)>,
    bucket: Option<RateBucket>,
    /// Posts its rate left out that its members were not told of yet.
    n_by_rate: u64,
}

impl Audience {
    /// How many there are.
    pub fn n_sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Whether anybody takes metrics as what has changed.
    pub fn takes_deltas(&self) -> bool {
        self.groups.keys().any(|wish| wish.delta && wish.feeds.contains(Feed::Metrics))
    }

    /// Takes a session in, or changes what it wants.
    pub fn join(&mut self, id: SessionId, outbox: Arc<Outbox>, subscription: Subscription) {
        self.leave(id);
        outbox.take_delta(subscription.delta);
        let subscription = match self.groups.get_key_value(&subscription) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::new(subscription),
        };
        let group = self.groups.entry(Arc::clone(&subscription)).or_insert_with(|| Group {
            members: Vec::new(),
            bucket: subscription.max_rate.map(RateBucket::new),
            n_by_rate: 0,
        });
        group.members.push((id, outbox));
        self.sessions.insert(id, subscription);
    }

    /// Lets a session go.
    pub fn leave(&mut self, id: SessionId) {
        let Some(subscription) = self.sessions.remove(&id) else {
            return;
        };
        let Some(group) = self.groups.get_mut(&subscription) else {
            return;
        };
        group.members.retain(|(member, _)| *member != id);
        if group.members.is_empty() {
            self.groups.remove(&subscription);
        }
    }

    /// Hands a piece of news to everybody who wants it, and answers to how many. It is written only if anybody does.
    pub fn tell(&mut self, kept: &Kept, epoch: &str, encode: Encode) -> usize {
        let is_post = kept.news.feed() == Feed::Messages;
        let mut n_told = 0;
        for (subscription, group) in &mut self.groups {
            if !kept.news.is_for(subscription) {
                continue;
            }
            if is_post && group.bucket.as_mut().is_some_and(|bucket| !bucket.admit(kept.at_ms)) {
                group.n_by_rate += 1;
                continue;
            }
            let Some(frame) = kept.frame(epoch, encode) else {
                return n_told;
            };
            for (_, outbox) in &group.members {
                match kept.news {
                    News::Post(_) | News::Correction(_) => outbox.post(frame),
                    News::Alert(..) => outbox.alert(frame),
                }
            }
            n_told += group.members.len();
        }
        n_told
    }

    /// Shows the window. `is_first`: nobody has seen one yet.
    pub fn show_metrics(&self, frame: &Arc<MetricsFrame>, is_first: bool) -> usize {
        self.members_of(Feed::Metrics).map(|outbox| outbox.metrics(frame, is_first)).count()
    }

    /// Shows the pipeline's health.
    pub fn show_system(&self, frame: &Arc<Frame>) -> usize {
        self.members_of(Feed::System).map(|outbox| outbox.system(frame)).count()
    }

    /// Whether anybody wants a feed.
    pub fn wants(&self, feed: Feed) -> bool {
        self.members_of(feed).next().is_some()
    }

    /// Tells members of what their rate left out.
    pub fn tell_skipped(&mut self) {
        for group in self.groups.values_mut().filter(|group| group.n_by_rate > 0) {
            for (_, outbox) in &group.members {
                outbox.skip_by_rate(group.n_by_rate);
            }
            group.n_by_rate = 0;
        }
    }

    /// Sends everybody away.
    pub fn dismiss(&mut self, close_reason: CloseReason) {
        for (_, outbox) in self.groups.values().flat_map(|group| &group.members) {
            outbox.close(close_reason);
        }
        self.groups.clear();
        self.sessions.clear();
    }

    fn members_of(&self, feed: Feed) -> impl Iterator<Item = &Outbox> {
        let groups = self.groups.iter().filter(move |(wish, _)| wish.feeds.contains(feed));
        groups.flat_map(|(_, group)| &group.members).map(|(_, outbox)| outbox.as_ref())
    }
}
