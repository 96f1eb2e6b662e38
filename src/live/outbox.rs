//! Outbox of a session: a bounded queue of frames. A slow reader loses posts or, if alerts pile up, its connection.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::frame::{Frame, MetricsFrame};
use super::outbox_batch::{Batch, CloseReason, PostsSkipped};
use crate::telemetry::FRAMES_SKIPPED_TOTAL;

/// Maximum number of queued posts. One transaction yields up to 256 at once, so half this number would skip posts even
/// for sessions that keep up.
pub const POSTS_QUEUED_MAX: usize = 512;

/// Maximum size of the queued posts in bytes. Frames are shared, so this limits the memory that one slow session keeps
/// alive.
pub const POST_BYTES_MAX: usize = 16 << 20;

/// Maximum number of queued alerts. Alerts are never skipped: a session that exceeds the limit is closed, and the
/// client reconnects and receives them from the history.
pub const ALERTS_QUEUED_MAX: usize = 1_000;

/// Maximum size of the queued alerts in bytes.
pub const ALERT_BYTES_MAX: usize = 8 << 20;

/// Maximum number of queued replies: twice as many as a client may request in a burst. Without this limit, a client
/// that keeps sending requests without reading the replies would exhaust memory.
pub const REPLIES_QUEUED_MAX: usize = 100;

/// Minimum interval between reports on skipped posts while other frames are queued.
const REPORT_SKIPPED_EVERY: Duration = Duration::from_secs(1);

/// Frames queued for a session.
///
/// The outbox is bounded, whatever the client does. Posts beyond the limit are skipped and counted. Alerts or replies
/// beyond their limits close the session. At most two live windows and two health reports are kept: one in its place in
/// the queue, and the newest of the later ones, which joins the end of the queue once the first is taken. So a live
/// window is never sent before the updates that it includes, and the newest id that a client has received shows which
/// updates it has.
#[derive(Debug)]
pub struct Outbox {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Whether frames are held back because the client may still subscribe.
    is_held: bool,
    queue: VecDeque<Entry>,
    n_posts: usize,
    post_bytes: usize,
    n_alerts: usize,
    alert_bytes: usize,
    n_replies: usize,
    takes_delta: bool,
    /// Version of the live window sent last; 0 before the first.
    has_version: u64,
    /// Whether the next live window must be sent as `metrics:initial`.
    owes_initial: bool,
    is_metrics_queued: bool,
    next_metrics: Option<Arc<MetricsFrame>>,
    is_system_queued: bool,
    next_system: Option<Arc<Frame>>,
    skipped: PostsSkipped,
    reported_at: Option<Instant>,
    close_reason: Option<CloseReason>,
    waker: Option<Waker>,
    /// Whether the waker was called since the last poll.
    is_notified: bool,
    /// Time at which frames began to queue without being taken.
    stalled_at: Option<Instant>,
    /// Time at which the session was last active.
    alive_at: Instant,
}

#[derive(Debug)]
enum Entry {
    Post(Arc<Frame>),
    Alert(Arc<Frame>),
    Reply(Arc<Frame>),
    /// Frame from a replay of missed updates, which is bounded.
    Replay(Arc<Frame>),
    Metrics(Arc<MetricsFrame>),
    System(Arc<Frame>),
}

impl Outbox {
    /// Creates an empty outbox. It holds frames back until [`Self::begin`] or [`Self::release`].
    pub fn new(now: Instant) -> Self {
        let state = State {
            is_held: true,
            queue: VecDeque::new(),
            n_posts: 0,
            post_bytes: 0,
            n_alerts: 0,
            alert_bytes: 0,
            n_replies: 0,
            takes_delta: false,
            has_version: 0,
            owes_initial: false,
            is_metrics_queued: false,
            next_metrics: None,
            is_system_queued: false,
            next_system: None,
            skipped: PostsSkipped::default(),
            reported_at: None,
            close_reason: None,
            waker: None,
            is_notified: false,
            stalled_at: None,
            alive_at: now,
        };
        Self { state: Mutex::new(state) }
    }

    /// Starts delivery after the client's first subscription. Frames queued before it are discarded.
    pub fn begin(&self) {
        self.change(|state| {
            if std::mem::take(&mut state.is_held) {
                state.forget_all();
            }
        });
    }

    /// Starts delivery to a client that did not subscribe in time. Frames already queued are kept.
    pub fn release(&self) {
        self.change(|state| state.is_held = false);
    }

    /// Sets whether metrics are sent as deltas.
    pub fn take_delta(&self, takes_delta: bool) {
        self.lock().takes_delta = takes_delta;
    }

    /// Queues a post, or skips and counts it if the posts have reached their limit.
    pub fn post(&self, frame: &Arc<Frame>) {
        self.change(|state| {
            if state.n_posts >= POSTS_QUEUED_MAX || state.post_bytes >= POST_BYTES_MAX {
                state.skipped.too_slow += 1;
                return;
            }
            state.n_posts += 1;
            state.post_bytes += frame.text.len();
            state.queue.push_back(Entry::Post(Arc::clone(frame)));
        });
    }

    /// Queues an alert, or closes the session if the alerts exceed their limit.
    pub fn alert(&self, frame: &Arc<Frame>) {
        self.change(|state| {
            state.n_alerts += 1;
            state.alert_bytes += frame.text.len();
            if state.n_alerts > ALERTS_QUEUED_MAX || state.alert_bytes > ALERT_BYTES_MAX {
                return state.close_too_slow();
            }
            state.queue.push_back(Entry::Alert(Arc::clone(frame)));
        });
    }

    /// Queues the reply to an operation, or closes the session if the replies exceed their limit.
    pub fn reply(&self, frame: Arc<Frame>) {
        self.change(|state| {
            state.n_replies += 1;
            if state.n_replies > REPLIES_QUEUED_MAX {
                return state.close_too_slow();
            }
            state.queue.push_back(Entry::Reply(frame));
        });
    }

    /// Queues a missed frame from a replay. Replays are bounded, so these frames do not count towards any limit.
    pub fn replay(&self, frame: Arc<Frame>) {
        self.change(|state| state.queue.push_back(Entry::Replay(frame)));
    }

    /// Queues the live window, replacing an earlier one that is still waiting. If `is_first`, the session receives this
    /// or a newer window as `metrics:initial`.
    pub fn metrics(&self, frame: &Arc<MetricsFrame>, is_first: bool) {
        self.change(|state| {
            state.owes_initial |= is_first;
            if std::mem::replace(&mut state.is_metrics_queued, true) {
                state.next_metrics = Some(Arc::clone(frame));
                return;
            }
            state.queue.push_back(Entry::Metrics(Arc::clone(frame)));
        });
    }

    /// Queues the health of the pipeline, replacing an earlier report that is still waiting.
    pub fn system(&self, frame: &Arc<Frame>) {
        self.change(|state| {
            if std::mem::replace(&mut state.is_system_queued, true) {
                state.next_system = Some(Arc::clone(frame));
                return;
            }
            state.queue.push_back(Entry::System(Arc::clone(frame)));
        });
    }

    /// Counts posts that were skipped because of the rate limit.
    pub fn skip_by_rate(&self, n_posts: u64) {
        self.change(|state| state.skipped.by_rate += n_posts);
    }

    /// Closes the session after the frames that are already queued.
    pub fn close(&self, close_reason: CloseReason) {
        self.change(|state| {
            state.close_reason.get_or_insert(close_reason);
        });
    }

    /// Closes the session at once and discards what is queued: the client may no longer receive it.
    pub fn end(&self) {
        let mut state = self.lock();
        state.forget_all();
        // Another reason to close would let the client receive what is queued.
        state.close_reason = Some(CloseReason::AccessEnded);
        state.notify();
    }

    /// Takes about `bytes` bytes of queued frames, or registers the waker if there are none. Each call counts as
    /// activity.
    pub fn poll_batch(&self, context: &Context<'_>, bytes: usize) -> Poll<Batch> {
        let mut state = self.lock();
        let now = Instant::now();
        state.alive_at = now;
        let batch = state.has_output().then(|| state.take(bytes, now));
        if batch.as_ref().is_none_or(|batch| batch.is_all) {
            state.is_notified = false;
            if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                state.waker = Some(context.waker().clone());
            }
        }
        batch.map_or(Poll::Pending, Poll::Ready)
    }

    /// Records that the session is active.
    pub fn is_alive(&self) {
        self.lock().alive_at = Instant::now();
    }

    /// Returns how long frames have been queued without being taken.
    pub fn stalled_for(&self, now: Instant) -> Duration {
        self.lock().stalled_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at))
    }

    /// Returns how long the session has been inactive.
    pub fn silent_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.lock().alive_at)
    }

    /// Returns whether the session is closing.
    pub fn is_closing(&self) -> bool {
        self.lock().close_reason.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies a change and wakes the session if there is something to send. Does nothing if the session is closing.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        if state.close_reason.is_some() {
            return;
        }
        change(&mut state);
        state.notify();
    }
}

impl State {
    /// Wakes the task that takes the output, if there is any output and the task was not woken for it yet.
    fn notify(&mut self) {
        if !self.has_output() {
            return;
        }
        if self.stalled_at.is_none() {
            self.stalled_at = Some(Instant::now());
        }
        if !std::mem::replace(&mut self.is_notified, true)
            && let Some(waker) = &self.waker
        {
            waker.wake_by_ref();
        }
    }

    fn has_output(&self) -> bool {
        let has_frames = !self.queue.is_empty() || !self.skipped.is_none();
        (has_frames && !self.is_held) || self.close_reason.is_some()
    }

    fn take(&mut self, bytes: usize, now: Instant) -> Batch {
        let mut batch = Batch::default();
        if self.is_held {
            batch.close_reason = self.close_reason;
            return batch;
        }
        let mut n_bytes = 0;
        while n_bytes < bytes
            && let Some(entry) = self.queue.pop_front()
        {
            if let Some(frame) = self.frame_of(entry) {
                n_bytes += frame.text.len();
                batch.frames.push(frame);
            }
        }
        let is_empty = self.queue.is_empty();
        let is_due =
            self.reported_at.is_none_or(|at| now.saturating_duration_since(at) >= REPORT_SKIPPED_EVERY);
        if !self.skipped.is_none() && (is_empty || is_due) {
            let skipped = std::mem::take(&mut self.skipped);
            metrics::counter!(FRAMES_SKIPPED_TOTAL, "why" => "slow").increment(skipped.too_slow);
            metrics::counter!(FRAMES_SKIPPED_TOTAL, "why" => "rate").increment(skipped.by_rate);
            batch.skipped = Some(skipped);
            self.reported_at = Some(now);
        }
        if is_empty {
            // A session that has caught up after a stall releases its queue's memory.
            self.queue.shrink_to(CAPACITY_KEPT);
            batch.close_reason = self.close_reason;
        }
        self.stalled_at = (!is_empty).then_some(now);
        batch.is_all = is_empty && batch.close_reason.is_none();
        batch
    }

    /// Returns the frame to send for an entry taken from the queue, or `None` if it cannot be encoded.
    fn frame_of(&mut self, entry: Entry) -> Option<Arc<Frame>> {
        match entry {
            Entry::Post(frame) => {
                self.n_posts -= 1;
                self.post_bytes -= frame.text.len();
                Some(frame)
            }
            Entry::Alert(frame) => {
                self.n_alerts -= 1;
                self.alert_bytes -= frame.text.len();
                Some(frame)
            }
            Entry::Reply(frame) => {
                self.n_replies -= 1;
                Some(frame)
            }
            Entry::Replay(frame) => Some(frame),
            Entry::System(frame) => {
                let next = self.next_system.take();
                self.is_system_queued = next.is_some();
                self.queue.extend(next.map(Entry::System));
                Some(frame)
            }
            Entry::Metrics(frame) => {
                let next = self.next_metrics.take();
                self.is_metrics_queued = next.is_some();
                self.queue.extend(next.map(Entry::Metrics));
                let has = std::mem::replace(&mut self.has_version, frame.version());
                if std::mem::take(&mut self.owes_initial) {
                    return frame.initial();
                }
                frame.update(has, self.takes_delta)
            }
        }
    }

    fn close_too_slow(&mut self) {
        self.forget_all();
        self.close_reason = Some(CloseReason::TooSlow);
    }

    fn forget_all(&mut self) {
        self.queue = VecDeque::new();
        (self.n_posts, self.post_bytes, self.n_alerts, self.alert_bytes, self.n_replies) = (0, 0, 0, 0, 0);
        (self.is_metrics_queued, self.next_metrics) = (false, None);
        (self.is_system_queued, self.next_system) = (false, None);
        self.owes_initial = false;
        self.skipped = PostsSkipped::default();
    }
}

/// Capacity of the queue that an idle outbox retains.
const CAPACITY_KEPT: usize = 8;

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn frame(text: &str) -> Arc<Frame> {
        Arc::new(Frame::new("message:new", None, text.into()))
    }

    fn open() -> Outbox {
        let outbox = Outbox::new(Instant::now());
        outbox.begin();
        outbox
    }

    fn take(outbox: &Outbox) -> Batch {
        let mut all = Batch::default();
        let context = Context::from_waker(Waker::noop());
        while let Poll::Ready(batch) = outbox.poll_batch(&context, 1) {
            all.frames.extend(batch.frames);
            all.skipped = all.skipped.or(batch.skipped);
            if batch.close_reason.is_some() {
                all.close_reason = batch.close_reason;
                return all;
            }
        }
        all
    }

    fn texts(outbox: &Outbox) -> Vec<String> {
        take(outbox).frames.iter().map(|frame| frame.text.to_string()).collect()
    }

    #[test]
    fn only_the_newest_queued_state_is_sent_and_events_keep_their_order() {
        let outbox = open();
        for text in ["s1", "s2", "s3"] {
            outbox.system(&frame(text));
            outbox.post(&frame(&text.replace('s', "p")));
        }
        assert_eq!(texts(&outbox), ["s1", "p1", "p2", "p3", "s3"]);
        outbox.system(&frame("s4"));
        assert_eq!(texts(&outbox), ["s4"]);
    }

    #[test]
    fn posts_beyond_the_maximum_are_counted_and_replays_are_kept() {
        let outbox = open();
        for _ in 0..POSTS_QUEUED_MAX + 7 {
            outbox.post(&frame("p"));
        }
        outbox.alert(&frame("a"));
        outbox.replay(frame("o"));
        let taken = take(&outbox);
        assert_eq!(taken.frames.len(), POSTS_QUEUED_MAX + 2);
        assert_eq!(taken.skipped, Some(PostsSkipped { by_rate: 0, too_slow: 7 }));
        outbox.post(&frame("p"));
        assert_eq!(texts(&outbox), ["p"], "there is room again");
    }

    #[test]
    fn one_alert_beyond_the_maximum_closes_the_session_and_releases_its_memory() {
        let outbox = open();
        let alert = frame("a");
        for _ in 0..ALERTS_QUEUED_MAX {
            outbox.alert(&alert);
        }
        assert!(!outbox.is_closing());
        outbox.alert(&alert);
        outbox.alert(&alert);
        assert_eq!(Arc::strong_count(&alert), 1);
        let taken = take(&outbox);
        assert_eq!((taken.frames.len(), taken.close_reason), (0, Some(CloseReason::TooSlow)));
    }

    #[test]
    fn one_reply_beyond_the_maximum_closes_the_session() {
        let outbox = open();
        for (n_more, close_reason) in [(0, None), (0, None), (1, Some(CloseReason::TooSlow))] {
            (0..REPLIES_QUEUED_MAX + n_more).for_each(|_| outbox.reply(frame("a")));
            assert_eq!(take(&outbox).close_reason, close_reason);
        }
    }

    #[test]
    fn an_ended_session_receives_nothing_more() {
        let outbox = open();
        let queued = frame("a");
        outbox.alert(&queued);
        outbox.post(&queued);
        outbox.close(CloseReason::TryAgainLater);
        outbox.end();
        outbox.alert(&queued);
        assert_eq!(Arc::strong_count(&queued), 1);
        let taken = take(&outbox);
        assert_eq!((taken.frames.len(), taken.close_reason), (0, Some(CloseReason::AccessEnded)));
    }

    #[test]
    fn frames_queued_before_the_first_subscription_are_discarded_unless_there_is_none() {
        for subscribes in [true, false] {
            let outbox = Outbox::new(Instant::now());
            outbox.alert(&frame("a"));
            assert_eq!(texts(&outbox), [""; 0]);
            if subscribes {
                outbox.begin()
            } else {
                outbox.release()
            }
            assert_eq!(texts(&outbox).len(), usize::from(!subscribes));
        }
    }
}
