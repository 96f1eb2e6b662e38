//! Turns updates into frames and delivers them to sessions.

pub mod replay_buffer; // recent events, for sessions that reconnect

pub mod subscribers; // sessions grouped by subscription
mod rate_bucket; // the rate limit that a session sets for its posts
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use jiff::Timestamp;
use serde_json::Value;
use tokio::runtime::Handle;
use tracing::{debug, warn};

use self::replay_buffer::{Continuity, Receiver, ReplayBuffer};
use self::subscribers::{Subscriber, Subscribers};
use super::messages::{Disconnect, Publish, PublishMetrics, PublishSystem, Watch};
use super::runtime::supervisor::{StageContext, stage};
use crate::live::frame::{Delta, Encode, LiveFrame, MetricsFrame, MetricsParams, SubscriptionState};
use crate::live::outbox::Outbox;
use crate::live::outbox_batch::CloseReason;
use crate::models::live::{FrameId, SequencedUpdate};
use crate::models::metrics::LiveMetrics;
use crate::models::subscription::Feed;
use crate::models::system_health::SystemHealth;
use crate::stream::{Backfill, History, HistoryLimits, UpdateEvent};
use crate::telemetry::{
    CATCH_UPS_TOTAL, FRAMES_DELIVERED_TOTAL, POSITIONS_LOST_TOTAL, RECOVERIES_TOTAL, SOCKETS_OPEN,
};

/// Interval at which the replay buffer is trimmed and skipped posts are reported.
const TICK: Duration = Duration::from_secs(1);

/// Time without updates after which the broadcaster checks its position in the sequence. Otherwise, a message that
/// Redis lost would go unnoticed until the next one arrives.
const CHECK_AFTER: Duration = Duration::from_secs(5);

/// Pause before another attempt after the history could not be read.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// How long a reconnecting session waits for the history before it starts from the current state.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(2);

/// Maximum number of updates held back while the history is read. Any further updates are dropped, and the history is
/// read once more.
const HELD_BACK_MAX: usize = 1_024;

/// Interval at which sessions that take deltas receive the whole window, so that errors do not persist.
const WHOLE_EVERY: Duration = Duration::from_secs(10);

/// Dependencies and limits of a broadcaster.
#[derive(Clone)]
pub struct BroadcasterParams {
    /// Function that encodes frames.
    pub encode: Encode,
    /// Reads the update history in Redis.
    pub history: History,
    /// Limits on the number, total size and age of the updates in the replay buffer.
    pub limits: HistoryLimits,
    /// Runtime on which the stage's queries and other I/O run.
    pub io: Handle,
}

/// Stage that delivers each update to all sessions subscribed to it, and replays missed updates to reconnecting
/// sessions.
///
/// It delivers the sequence without gaps or closes its sessions: if an update does not follow the previous one, it
/// first reads the missing updates from the history. It never waits for a client, because unread frames queue in the
/// bounded [`Outbox`] of the session.
pub struct Broadcaster {
    params: BroadcasterParams,
    subscribers: Subscribers,
    /// Replay buffer; `None` until the history has been read for the first time.
    log: Option<ReplayBuffer>,
    catching_up: Option<CatchingUp>,
    /// Reconnecting sessions whose position is not in the replay buffer yet, with their arrival times.
    waiting: Vec<(Watch, Instant)>,
    received_at: Instant,
    metrics: Option<Arc<MetricsFrame>>,
    /// Last window shown, on which the next delta is based.
    shown: Option<Value>,
    whole_at: Instant,
    system: Option<Arc<SystemHealth>>,
    stage: StageContext,
}

#[derive(Default)]
struct CatchingUp {
    held_back: VecDeque<Arc<UpdateEvent>>,
    /// Whether more updates were missed while the history was being read.
    again: bool,
}

stage!(Broadcaster, "broadcaster");

impl Broadcaster {
    /// Creates a broadcaster without sessions, which starts by reading the history.
    pub fn new(params: BroadcasterParams, stage: StageContext) -> Self {
        let now = Instant::now();
        Self {
            params,
            subscribers: Subscribers::default(),
            log: None,
            catching_up: None,
            waiting: Vec::new(),
            received_at: now,
            metrics: None,
            shown: None,
            whole_at: now,
            system: None,
            stage,
        }
    }

    fn receive(&mut self, event: Arc<UpdateEvent>, context: &mut Context<Self>) {
        self.received_at = Instant::now();
        if let Some(catching_up) = &mut self.catching_up {
            let is_full = catching_up.held_back.len() >= HELD_BACK_MAX;
            if is_full || matches!(*event, UpdateEvent::Gap) {
                catching_up.again = true;
                return;
            }
            catching_up.held_back.push_back(event);
            return;
        }
        let UpdateEvent::Update(update) = event.as_ref() else {
            return self.catch_up(context);
        };
        match self.continuity(update) {
            Continuity::Known => {}
            Continuity::Next => self.deliver(update, Timestamp::now().as_millisecond()),
            Continuity::Gap => {
                self.catch_up(context);
                self.receive(event, context);
            }
        }
    }

    /// Returns how an update relates to the end of the replay buffer. The first update of a new epoch follows the last
    /// update of the old one: Redis lost its data, but no update is missing.
    fn continuity(&mut self, update: &SequencedUpdate) -> Continuity {
        let Some(log) = &self.log else {
            return Continuity::Gap;
        };
        if update.first.epoch != log.epoch() && update.first.offset == 1 {
            let before = FrameId { epoch: update.first.epoch.clone(), offset: 0 };
            self.log = Some(ReplayBuffer::new(before, self.params.limits));
            return Continuity::Next;
        }
        log.continuity(update)
    }

    fn deliver(&mut self, update: &SequencedUpdate, at_ms: i64) {
        let Some(log) = &mut self.log else {
            return;
        };
        let epoch = log.epoch().to_owned();
        let mut n_delivered = 0;
        for logged in log.append(update, at_ms) {
            n_delivered += self.subscribers.deliver(logged, &epoch, self.params.encode);
        }
        metrics::counter!(FRAMES_DELIVERED_TOTAL).increment(wide(n_delivered));
        self.stage.metrics.finish(1);
    }

    /// Reads missing updates from the history. Updates that arrive in the meantime are held back until then.
    fn catch_up(&mut self, context: &mut Context<Self>) {
        if let Some(catching_up) = &mut self.catching_up {
            catching_up.again = true;
            return;
        }
        self.catching_up = Some(CatchingUp::default());
        self.read_history(context);
    }

    fn read_history(&mut self, context: &mut Context<Self>) {
        let history = self.params.history.clone();
        let after = self.log.as_ref().map(|log| log.position().offset);
        // unsupervised: reading the history ends, and the actor waits for it
        let reading = self.params.io.spawn(async move { history.after(after).await });
        context.spawn(reading.into_actor(self).map(|outcome, broadcaster, context| match outcome {
            Ok(Ok(past)) => broadcaster.caught_up(past, context),
            Ok(Err(error)) => broadcaster.try_later(&error, context),
            Err(error) => broadcaster.try_later(&error, context),
        }));
    }

    fn try_later(&mut self, error: &dyn std::error::Error, context: &mut Context<Self>) {
        debug!(%error, "the history could not be read, retrying");
        context.run_later(RETRY_AFTER, |broadcaster, context| broadcaster.read_history(context));
    }

    fn caught_up(&mut self, past: Backfill, context: &mut Context<Self>) {
        if self.log.as_ref().is_some_and(|log| !follows(log, &past)) {
            self.lose_position();
            return self.read_history(context);
        }
        match &self.log {
            None => self.begin(past),
            Some(_) => {
                metrics::counter!(CATCH_UPS_TOTAL).increment(wide(past.updates.len()));
                for update in &past.updates {
                    self.deliver(&update.sequenced, update.at_ms);
                }
            }
        }
        let caught_up = self.catching_up.take().unwrap_or_default();
        for event in caught_up.held_back {
            self.receive(event, context);
        }
        if caught_up.again {
            self.catch_up(context);
        }
        self.admit_waiting();
    }

    /// Fills the replay buffer with the history. Delivers nothing, because other processes have already delivered these
    /// updates to their sessions.
    fn begin(&mut self, past: Backfill) {
        let mut log = ReplayBuffer::new(past.head.clone(), self.params.limits);
        if let Some(oldest) = past.updates.first() {
            let before = oldest.sequenced.first.offset.saturating_sub(1);
            log = ReplayBuffer::new(
                FrameId { epoch: past.head.epoch.clone(), offset: before },
                self.params.limits,
            );
        }
        for update in &past.updates {
            if log.continuity(&update.sequenced) != Continuity::Next {
                // Events before a gap are useless.
                let first = &update.sequenced.first;
                let before = FrameId { epoch: first.epoch.clone(), offset: first.offset.saturating_sub(1) };
                log = ReplayBuffer::new(before, self.params.limits);
            }
            log.append(&update.sequenced, update.at_ms).for_each(drop);
        }
        if log.position() != past.head {
            log = ReplayBuffer::new(past.head, self.params.limits);
        }
        self.log = Some(log);
    }

    /// Closes all sessions because the history no longer contains the updates that they missed. They reconnect and
    /// start from the current state.
    fn lose_position(&mut self) {
        warn!(
            n_sessions = self.subscribers.n_sessions(),
            "updates were lost, closing all sessions so that they reconnect"
        );
        metrics::counter!(POSITIONS_LOST_TOTAL).increment(1);
        self.subscribers.close_all(CloseReason::PositionLost);
        self.log = None;
        self.count();
    }

    /// Admits the waiting sessions whose position is now in the replay buffer. If no catch-up is in progress, admits
    /// all of them.
    fn admit_waiting(&mut self) {
        let is_settled = self.catching_up.is_none();
        let waiting = std::mem::take(&mut self.waiting);
        for (watch, arrived_at) in waiting {
            if is_settled || arrived_at.elapsed() >= RECOVERY_TIMEOUT || self.can_admit(&watch) {
                self.join(watch);
                continue;
            }
            self.waiting.push((watch, arrived_at));
        }
    }

    fn can_admit(&self, watch: &Watch) -> bool {
        let Some(since) = &watch.since else {
            return true;
        };
        self.log.as_ref().is_some_and(|log| log.has_reached(since))
    }

    /// Admits a session: queues the events that it missed if all of them are known, then queues the current state of
    /// its feeds, and finally subscribes it. All of this happens in one message handler, so no update is lost in
    /// between.
    fn join(&mut self, watch: Watch) {
        let Watch { id, principal, outbox, subscription, since, is_requested } = watch;
        let identity = principal.identity;
        let position = self.log.as_ref().map(ReplayBuffer::position);
        let missed = match (&self.log, &since) {
            (Some(log), Some(since)) => {
                log.missed(since, Receiver { identity: &identity, subscription: &subscription })
            }
            _ => None,
        };
        let recovered = missed.is_some();
        if since.is_some() {
            metrics::counter!(RECOVERIES_TOTAL, "recovered" => if recovered { "true" } else { "false" })
                .increment(1);
        }
        if is_requested {
            outbox.begin();
            let since = if recovered { since.as_ref() } else { position.as_ref() };
            let standing = SubscriptionState { subscription: &subscription, recovered, since };
            let nowhere = nowhere();
            let reply = (self.params.encode)(&nowhere, LiveFrame::Subscribed(standing));
            reply.into_iter().for_each(|frame| outbox.reply(Arc::new(frame)));
        }
        if let (Some(missed), Some(log)) = (missed, &self.log) {
            let frames =
                missed.events.iter().filter_map(|logged| logged.frame(log.epoch(), self.params.encode));
            frames.for_each(|frame| outbox.replay(Arc::clone(frame)));
            if missed.n_by_rate > 0 {
                outbox.skip_by_rate(missed.n_by_rate);
            }
        }
        self.send_state(
            &outbox,
            subscription.feeds.contains(Feed::Metrics),
            subscription.feeds.contains(Feed::System),
        );
        self.subscribers.join(Subscriber { id, identity, outbox }, subscription);
        self.count();
    }

    /// Queues the current metrics and system state, if requested and known.
    fn send_state(&self, outbox: &Outbox, metrics: bool, system: bool) {
        if let Some(frame) = self.metrics.as_ref().filter(|_| metrics) {
            outbox.metrics(frame, true);
        }
        if let Some(health) = self.system.as_ref().filter(|_| system)
            && let Some(frame) = (self.params.encode)(&self.here(), LiveFrame::SystemUpdate(health))
        {
            outbox.system(&Arc::new(frame));
        }
    }

    /// Returns the id for frames that carry the current state. It is never ahead of the delivered updates, because
    /// clients that reconnect with it would miss the updates in between.
    fn here(&self) -> FrameId {
        self.log.as_ref().map_or_else(nowhere, ReplayBuffer::position)
    }

    fn show(&mut self, metrics: Arc<LiveMetrics>) {
        let id = self.here();
        let takes_deltas = self.subscribers.takes_deltas();
        let value = takes_deltas.then(|| serde_json::to_value(&*metrics).unwrap_or_default());
        let is_whole_due = self.whole_at.elapsed() >= WHOLE_EVERY;
        let delta = match (&self.metrics, &self.shown, &value) {
            (Some(before), Some(old), Some(new)) if !is_whole_due => {
                let patch = crate::live::merge_patch::patch(old, new);
                let frame = (self.params.encode)(&id, LiveFrame::MetricsDelta(before.id(), &patch));
                frame.map(|frame| Delta { base: before.version(), frame: Arc::new(frame) })
            }
            _ => None,
        };
        if delta.is_none() {
            self.whole_at = Instant::now();
        }
        self.shown = value;
        // Sessions that subscribed before the first window still await their initial frame.
        let is_first = self.metrics.is_none();
        let version = self.metrics.as_ref().map_or(1, |before| before.version() + 1);
        let encode = self.params.encode;
        let frame = Arc::new(MetricsFrame::new(MetricsParams { version, id, metrics, encode, delta }));
        let n_shown = self.subscribers.show_metrics(&frame, is_first);
        metrics::counter!(FRAMES_DELIVERED_TOTAL).increment(wide(n_shown));
        self.metrics = Some(frame);
    }

    fn count(&self) {
        metrics::gauge!(SOCKETS_OPEN).set(wide(self.subscribers.n_sessions()) as f64);
    }

    fn tick(&mut self, context: &mut Context<Self>) {
        if let Some(log) = &mut self.log {
            log.trim(Timestamp::now().as_millisecond());
        }
        self.subscribers.report_skipped();
        if self.received_at.elapsed() >= CHECK_AFTER && self.catching_up.is_none() {
            self.received_at = Instant::now();
            self.catch_up(context);
        }
    }
}

/// Returns the placeholder id that is used until the sequence is known.
fn nowhere() -> FrameId {
    FrameId { epoch: "none".to_owned(), offset: 0 }
}

/// Returns whether the history continues the replay buffer without a gap, up to the newest update.
fn follows(log: &ReplayBuffer, past: &Backfill) -> bool {
    let mut next = log.position();
    for update in &past.updates {
        next.offset += 1;
        if update.sequenced.first != next {
            return false;
        }
        next.offset += update.sequenced.update.n_frames() - 1;
    }
    next == past.head
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

impl Actor for Broadcaster {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.catch_up(context);
        context.run_interval(TICK, Self::tick);
    }
}

impl Drop for Broadcaster {
    /// Closes all sessions when the broadcaster dies, so that they reconnect.
    fn drop(&mut self) {
        self.subscribers.close_all(CloseReason::TryAgainLater);
        for (watch, _) in self.waiting.drain(..) {
            watch.outbox.close(CloseReason::TryAgainLater);
        }
        self.count();
    }
}

impl Handler<Publish> for Broadcaster {
    type Result = ();

    fn handle(&mut self, Publish(event): Publish, context: &mut Self::Context) {
        self.receive(event, context);
        if !self.waiting.is_empty() {
            self.admit_waiting();
        }
    }
}

impl Handler<PublishMetrics> for Broadcaster {
    type Result = ();

    fn handle(&mut self, PublishMetrics { metrics }: PublishMetrics, _: &mut Self::Context) {
        self.show(metrics);
    }
}

impl Handler<PublishSystem> for Broadcaster {
    type Result = ();

    fn handle(&mut self, PublishSystem(system): PublishSystem, _: &mut Self::Context) {
        if self.subscribers.has_subscribers(Feed::System)
            && let Some(frame) = (self.params.encode)(&self.here(), LiveFrame::SystemUpdate(&system))
        {
            let n_shown = self.subscribers.show_system(&Arc::new(frame));
            metrics::counter!(FRAMES_DELIVERED_TOTAL).increment(wide(n_shown));
        }
        self.system = Some(system);
    }
}

impl Handler<Watch> for Broadcaster {
    type Result = ();

    fn handle(&mut self, watch: Watch, context: &mut Self::Context) {
        if self.can_admit(&watch) {
            return self.join(watch);
        }
        // The session was ahead on another process, or the epoch changed: the history decides.
        self.waiting.push((watch, Instant::now()));
        self.catch_up(context);
        context.run_later(RECOVERY_TIMEOUT, |broadcaster, _| broadcaster.admit_waiting());
    }
}

impl Handler<Disconnect> for Broadcaster {
    type Result = ();

    fn handle(&mut self, Disconnect { id }: Disconnect, _: &mut Self::Context) {
        self.subscribers.leave(id);
        self.waiting.retain(|(watch, _)| watch.id != id);
        self.count();
    }
}

#[cfg(test)]
mod tests;
