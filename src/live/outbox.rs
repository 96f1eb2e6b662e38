//! What waits for one session, and what is left out when it does not read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::frame::{Frame, MetricsFrame};
use crate::telemetry::FRAMES_SKIPPED_TOTAL;

/// Posts that may wait. One transaction shows up to 256 at once, so half of it would leave out posts for sessions that
/// read well.
pub const POSTS_WAITING_MAX: usize = 512;

/// Bytes of posts that may wait; frames are shared, so this bounds what a single slow session keeps alive.
pub const POST_BYTES_MAX: usize = 16 << 20;

/// Alerts that may wait. They are never left out: a session with more is closed, comes back, and gets them from history.
pub const ALERTS_WAITING_MAX: usize = 1_000;

/// Bytes of alerts that may wait.
pub const ALERT_BYTES_MAX: usize = 8 << 20;

/// Answers that may wait: twice what a client may ask for at once. One that goes on and hardly reads would fill the memory.
pub const ANSWERS_WAITING_MAX: usize = 100;

/// How often a session is told of posts left out while more wait to be sent.
const TELL_SKIPPED_EVERY: Duration = Duration::from_secs(1);

/// Why a session must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// More alerts or answers wait for it than are kept.
    TooSlow,
    /// News was lost on its way to this process, and is not in the history either.
    PositionLost,
    /// Nobody delivers at the moment.
    TryAgainLater,
}

/// What is taken out of an outbox at once.
#[derive(Debug, Default)]
pub struct Batch {
    /// In the order in which they are to be sent.
    pub frames: Vec<Arc<Frame>>,
    /// Posts left out before the next frame, if that is to be told now.
    pub skipped: Option<PostsSkipped>,
    /// Nothing follows.
    pub close_reason: Option<CloseReason>,
    /// Nothing was left: whoever asked is told when there is something again, and need not ask before.
    pub is_all: bool,
}

/// How many posts were left out, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PostsSkipped {
    /// The session asked for no more a second.
    pub by_rate: u64,
    /// It did not read.
    pub too_slow: u64,
}

impl PostsSkipped {
    fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// Frames on their way to one session, in the order of their ids.
///
/// Bounded, whatever the session does. Of aggregates one waits in its place and at most one more behind everything else,
/// the newest; posts that find no room are left out and counted; alerts are kept, up to a bound at which the session must
/// go. So a frame never overtakes one with an earlier id, and the newest id a client has tells what it has received.
#[derive(Debug)]
pub struct Outbox {
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    /// Nothing is taken before its session has had time to say what it wants.
    is_held: bool,
    queue: VecDeque<Entry>,
    n_posts: usize,
    post_bytes: usize,
    n_alerts: usize,
    alert_bytes: usize,
    n_answers: usize,
    takes_delta: bool,
    /// The version of the window it was sent last; 0 before the first.
    has_version: u64,
    /// The next window is its first.
    owes_initial: bool,
    is_metrics_queued: bool,
    next_metrics: Option<Arc<MetricsFrame>>,
    is_system_queued: bool,
    next_system: Option<Arc<Frame>>,
    skipped: PostsSkipped,
    told_at: Option<Instant>,
    close_reason: Option<CloseReason>,
    waker: Option<Waker>,
    /// Its session was told that something waits, and has not asked since.
    is_told: bool,
    /// Since when something waits and nothing was taken.
    stalled_at: Option<Instant>,
    /// When its session last gave a sign of life.
    alive_at: Instant,
}

#[derive(Debug)]
enum Entry {
    Post(Arc<Frame>),
    Alert(Arc<Frame>),
    Answer(Arc<Frame>),
    /// What was missed: as many as were promised.
    Owed(Arc<Frame>),
    Metrics(Arc<MetricsFrame>),
    System(Arc<Frame>),
}

impl Outbox {
    /// Nothing waits yet, and nothing is taken until [`Self::begin`] or [`Self::release`].
    pub fn new(now: Instant) -> Self {
        let waiting = Waiting {
            is_held: true,
            queue: VecDeque::new(),
            n_posts: 0,
            post_bytes: 0,
            n_alerts: 0,
            alert_bytes: 0,
            n_answers: 0,
            takes_delta: false,
            has_version: 0,
            owes_initial: false,
            is_metrics_queued: false,
            next_metrics: None,
            is_system_queued: false,
            next_system: None,
            skipped: PostsSkipped::default(),
            told_at: None,
            close_reason: None,
            waker: None,
            is_told: false,
            stalled_at: None,
            alive_at: now,
        };
        Self { waiting: Mutex::new(waiting) }
    }

    /// Its session has said what it wants: what waited before it did, if none of that was taken, is not it.
    pub fn begin(&self) {
        self.change(|waiting| {
            if std::mem::take(&mut waiting.is_held) {
                waiting.forget_all();
            }
        });
    }

    /// Its session says nothing: it gets what has waited.
    pub fn release(&self) {
        self.change(|waiting| waiting.is_held = false);
    }

    /// Whether metrics are to be sent as what has changed.
    pub fn take_delta(&self, takes_delta: bool) {
        self.lock().takes_delta = takes_delta;
    }

    /// A post, unless too many wait already.
    pub fn post(&self, frame: &Arc<Frame>) {
        self.change(|waiting| {
            if waiting.n_posts >= POSTS_WAITING_MAX || waiting.post_bytes >= POST_BYTES_MAX {
                waiting.skipped.too_slow += 1;
                return;
            }
            waiting.n_posts += 1;
            waiting.post_bytes += frame.text.len();
            waiting.queue.push_back(Entry::Post(Arc::clone(frame)));
        });
    }

    /// An alert. One too many ends the session.
    pub fn alert(&self, frame: &Arc<Frame>) {
        self.change(|waiting| {
            waiting.n_alerts += 1;
            waiting.alert_bytes += frame.text.len();
            if waiting.n_alerts > ALERTS_WAITING_MAX || waiting.alert_bytes > ALERT_BYTES_MAX {
                return waiting.give_up();
            }
            waiting.queue.push_back(Entry::Alert(Arc::clone(frame)));
        });
    }

    /// The answer to what its client asked. One too many ends the session.
    pub fn answer(&self, frame: Arc<Frame>) {
        self.change(|waiting| {
            waiting.n_answers += 1;
            if waiting.n_answers > ANSWERS_WAITING_MAX {
                return waiting.give_up();
            }
            waiting.queue.push_back(Entry::Answer(frame));
        });
    }

    /// Something that was promised, in bounded number: it is neither left out nor counted.
    pub fn owe(&self, frame: Arc<Frame>) {
        self.change(|waiting| waiting.queue.push_back(Entry::Owed(frame)));
    }

    /// The window. `is_first`: the session gets it as its `metrics:initial`, or a newer one.
    pub fn metrics(&self, frame: &Arc<MetricsFrame>, is_first: bool) {
        self.change(|waiting| {
            waiting.owes_initial |= is_first;
            if std::mem::replace(&mut waiting.is_metrics_queued, true) {
                waiting.next_metrics = Some(Arc::clone(frame));
                return;
            }
            waiting.queue.push_back(Entry::Metrics(Arc::clone(frame)));
        });
    }

    /// The pipeline's health.
    pub fn system(&self, frame: &Arc<Frame>) {
        self.change(|waiting| {
            if std::mem::replace(&mut waiting.is_system_queued, true) {
                waiting.next_system = Some(Arc::clone(frame));
                return;
            }
            waiting.queue.push_back(Entry::System(Arc::clone(frame)));
        });
    }

    /// Notes posts that its rate left out.
    pub fn skip_by_rate(&self, n_posts: u64) {
        self.change(|waiting| waiting.skipped.by_rate += n_posts);
    }

    /// Ends the session once what waits is sent.
    pub fn close(&self, close_reason: CloseReason) {
        self.change(|waiting| {
            waiting.close_reason.get_or_insert(close_reason);
        });
    }

    /// Takes what waits, about `bytes` of it, or waits for something. Being asked is a sign of life.
    pub fn poll_batch(&self, context: &Context<'_>, bytes: usize) -> Poll<Batch> {
        let mut waiting = self.lock();
        let now = Instant::now();
        waiting.alive_at = now;
        let batch = waiting.has_something().then(|| waiting.take(bytes, now));
        if batch.as_ref().is_none_or(|batch| batch.is_all) {
            waiting.is_told = false;
            if !waiting.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                waiting.waker = Some(context.waker().clone());
            }
        }
        batch.map_or(Poll::Pending, Poll::Ready)
    }

    /// Notes a sign of life of its session.
    pub fn is_alive(&self) {
        self.lock().alive_at = Instant::now();
    }

    /// For how long something has waited without anything being taken.
    pub fn stalled_for(&self, now: Instant) -> Duration {
        self.lock().stalled_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at))
    }

    /// For how long its session has given no sign of life.
    pub fn silent_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.lock().alive_at)
    }

    /// Whether its session is to end.
    pub fn is_closing(&self) -> bool {
        self.lock().close_reason.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what waits, and wakes the session if there is something for it. Nothing more is taken in once it is to end.
    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.lock();
        if waiting.close_reason.is_some() {
            return;
        }
        change(&mut waiting);
        if !waiting.has_something() {
            return;
        }
        if waiting.stalled_at.is_none() {
            waiting.stalled_at = Some(Instant::now());
        }
        if !std::mem::replace(&mut waiting.is_told, true)
            && let Some(waker) = &waiting.waker
        {
            waker.wake_by_ref();
        }
    }
}

impl Waiting {
    fn has_something(&self) -> bool {
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
            if let Some(frame) = self.sent(entry) {
                n_bytes += frame.text.len();
                batch.frames.push(frame);
            }
        }
        let is_empty = self.queue.is_empty();
        let is_due = self.told_at.is_none_or(|at| now.saturating_duration_since(at) >= TELL_SKIPPED_EVERY);
        if !self.skipped.is_none() && (is_empty || is_due) {
            let skipped = std::mem::take(&mut self.skipped);
            metrics::counter!(FRAMES_SKIPPED_TOTAL, "why" => "slow").increment(skipped.too_slow);
            metrics::counter!(FRAMES_SKIPPED_TOTAL, "why" => "rate").increment(skipped.by_rate);
            batch.skipped = Some(skipped);
            self.told_at = Some(now);
        }
        if is_empty {
            // A session that caught up after a stall gives back what it needed for it.
            self.queue.shrink_to(ROOM_KEPT);
            batch.close_reason = self.close_reason;
        }
        self.stalled_at = (!is_empty).then_some(now);
        batch.is_all = is_empty && batch.close_reason.is_none();
        batch
    }

    /// What is sent for an entry that has left the queue.
    fn sent(&mut self, entry: Entry) -> Option<Arc<Frame>> {
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
            Entry::Answer(frame) => {
                self.n_answers -= 1;
                Some(frame)
            }
            Entry::Owed(frame) => Some(frame),
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

    fn give_up(&mut self) {
        self.forget_all();
        self.close_reason = Some(CloseReason::TooSlow);
    }

    fn forget_all(&mut self) {
        self.queue = VecDeque::new();
        (self.n_posts, self.post_bytes, self.n_alerts, self.alert_bytes, self.n_answers) = (0, 0, 0, 0, 0);
        (self.is_metrics_queued, self.next_metrics) = (false, None);
        (self.is_system_queued, self.next_system) = (false, None);
        self.owes_initial = false;
        self.skipped = PostsSkipped::default();
    }
}

/// Entries an idle outbox has room for.
const ROOM_KEPT: usize = 8;

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
    fn of_state_that_waits_the_newest_is_sent_and_news_between_keeps_its_place() {
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
    fn posts_without_room_are_counted_and_what_was_promised_is_not_touched() {
        let outbox = open();
        for _ in 0..POSTS_WAITING_MAX + 7 {
            outbox.post(&frame("p"));
        }
        outbox.alert(&frame("a"));
        outbox.owe(frame("o"));
        let taken = take(&outbox);
        assert_eq!(taken.frames.len(), POSTS_WAITING_MAX + 2);
        assert_eq!(taken.skipped, Some(PostsSkipped { by_rate: 0, too_slow: 7 }));
        outbox.post(&frame("p"));
        assert_eq!(texts(&outbox), ["p"], "there is room again");
    }

    #[test]
    fn one_alert_more_than_is_kept_ends_the_session_and_gives_its_memory_back() {
        let outbox = open();
        let alert = frame("a");
        for _ in 0..ALERTS_WAITING_MAX {
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
    fn one_answer_more_than_is_kept_ends_the_session() {
        let outbox = open();
        for (n_more, close_reason) in [(0, None), (0, None), (1, Some(CloseReason::TooSlow))] {
            (0..ANSWERS_WAITING_MAX + n_more).for_each(|_| outbox.answer(frame("a")));
            assert_eq!(take(&outbox).close_reason, close_reason);
        }
    }

    #[test]
    fn what_waited_before_a_session_spoke_is_forgotten_and_kept_for_one_that_never_speaks() {
        for speaks in [true, false] {
            let outbox = Outbox::new(Instant::now());
            outbox.alert(&frame("a"));
            assert_eq!(texts(&outbox), [""; 0]);
            if speaks {
                outbox.begin()
            } else {
                outbox.release()
            }
            assert_eq!(texts(&outbox).len(), usize::from(!speaks));
        }
    }
}
