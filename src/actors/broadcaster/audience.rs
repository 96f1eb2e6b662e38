//! Who listens, grouped by what they want: each question about a frame is asked once for all who want the same.

use std::collections::HashMap;
use std::sync::Arc;

use super::replay_buffer::{Kept, News};
use crate::actors::messages::SessionId;
use crate::live::frame::{Encode, Frame, MetricsFrame};
use crate::live::outbox::{Goodbye, Outbox};
use crate::models::bounded::MaxRate;
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
    pub fn dismiss(&mut self, goodbye: Goodbye) {
        for (_, outbox) in self.groups.values().flat_map(|group| &group.members) {
            outbox.close(goodbye);
        }
        self.groups.clear();
        self.sessions.clear();
    }

    fn members_of(&self, feed: Feed) -> impl Iterator<Item = &Outbox> {
        let groups = self.groups.iter().filter(move |(wish, _)| wish.feeds.contains(feed));
        groups.flat_map(|(_, group)| &group.members).map(|(_, outbox)| outbox.as_ref())
    }
}

/// Permits for posts that refill with time. Time is an argument: what was missed is measured by when it happened.
#[derive(Debug)]
pub struct RateBucket {
    per_second: f64,
    permits: f64,
    refilled_ms: i64,
}

impl RateBucket {
    /// With permits for one second, or for one post where the rate is lower.
    pub fn new(rate: MaxRate) -> Self {
        let per_second = f64::from(rate.get());
        Self { per_second, permits: per_second.max(1.0), refilled_ms: i64::MIN }
    }

    /// Takes a permit, or answers `false` when there is none.
    pub fn admit(&mut self, now_ms: i64) -> bool {
        let elapsed_ms = now_ms.saturating_sub(self.refilled_ms).max(0);
        self.refilled_ms = self.refilled_ms.max(now_ms);
        let refill = elapsed_ms as f64 / 1_000.0 * self.per_second;
        self.permits = (self.permits + refill).min(self.per_second.max(1.0));
        if self.permits < 1.0 {
            return false;
        }
        self.permits -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_has_more_posts_than_the_rate_and_a_slow_rate_still_has_its_posts() {
        let admitted = |rate: f32, at_ms: &mut dyn Iterator<Item = i64>| {
            let mut bucket = RateBucket::new(MaxRate::try_from(rate).unwrap());
            at_ms.filter(|at| bucket.admit(*at)).count()
        };
        // A thousand posts in ten seconds: the first second's permits, and what comes in ten.
        assert_eq!(admitted(5.0, &mut (0..1_000).map(|i| i * 10)), 5 + 49);
        assert_eq!(admitted(0.5, &mut (0..1_000).map(|i| i * 10)), 1 + 4);
        assert_eq!(admitted(1_000.0, &mut (0..1_000).map(|i| i * 10)), 1_000);
    }
}
