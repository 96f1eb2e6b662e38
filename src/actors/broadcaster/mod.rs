//! News → sessions.

pub mod replay_buffer; // the news of late

pub mod audience; // who listens, grouped by what they want
mod rate_bucket; // the rate limit that a session sets for its posts
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use jiff::Timestamp;
use serde_json::Value;
use tokio::runtime::Handle;
use tracing::{debug, warn};

use self::audience::Audience;
use self::replay_buffer::{Fit, Log};
use super::messages::{Disconnect, Publish, PublishMetrics, PublishSystem, Watch};
use super::runtime::supervisor::{StageContext, stage};
use crate::live::frame::{Delta, Encode, LiveFrame, MetricsFrame, MetricsParams, Standing};
use crate::live::outbox::{CloseReason, Outbox};
use crate::models::live::{FrameId, SequencedUpdate};
use crate::models::metrics::LiveMetrics;
use crate::models::stage_health::SystemHealth;
use crate::models::subscription::Feed;
use crate::stream::{Backfill, History, HistoryLimits, UpdateEvent};
use crate::telemetry::{
    CATCH_UPS_TOTAL, FRAMES_DELIVERED_TOTAL, POSITIONS_LOST_TOTAL, RECOVERIES_TOTAL, SOCKETS_OPEN,
};

/// How often the log is trimmed, and what rates left out is told.
const TICK: Duration = Duration::from_secs(1);

/// After so much silence it is asked whether the sequence stands where we think. A message that Redis lost on its way is
/// otherwise noticed only with the next.
const CHECK_AFTER: Duration = Duration::from_secs(5);

/// Until history is asked again when Redis was away.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// How long a session that comes back waits for history before it gets a fresh start.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(2);

/// Updates held back while history is read. More, and it is read once more instead.
const HELD_BACK_MAX: usize = 1_024;

/// How often those who take only what has changed get the whole window, so that whatever went wrong heals.
const WHOLE_EVERY: Duration = Duration::from_secs(10);

/// What a broadcaster is made of.
#[derive(Clone)]
pub struct BroadcasterParams {
    /// Writes frames.
    pub encode: Encode,
    /// What was published lately.
    pub history: History,
    /// How much of it is kept in memory.
    pub limits: HistoryLimits,
    /// The runtime on which connections live.
    pub io: Handle,
}

/// Hands each update to every session that wants it, and to those who come back what they missed.
///
/// It delivers the sequence without a hole, or sends its sessions away: an update that does not follow the one before
/// makes it read what is missing from history, and sessions hear that before anything later. Never waits for a browser:
/// what a session does not read waits in its own bounded [`Outbox`].
pub struct Broadcaster {
    params: BroadcasterParams,
    audience: Audience,
    /// Absent until history was read for the first time.
    log: Option<Log>,
    catching_up: Option<CatchingUp>,
    /// Sessions that come back and whose place in the sequence is not known yet.
    waiting: Vec<(Watch, Instant)>,
    heard_at: Instant,
    metrics: Option<Arc<MetricsFrame>>,
    /// The window as it was last shown, for finding out what has changed.
    shown: Option<Value>,
    whole_at: Instant,
    system: Option<Arc<SystemHealth>>,
    stage: StageContext,
}

#[derive(Default)]
struct CatchingUp {
    held_back: VecDeque<Arc<UpdateEvent>>,
    /// Something was missed again meanwhile.
    again: bool,
}

stage!(Broadcaster, "broadcaster");

impl Broadcaster {
    /// A broadcaster without sessions, which reads the history first.
    pub fn new(params: BroadcasterParams, stage: StageContext) -> Self {
        let now = Instant::now();
        Self {
            params,
            audience: Audience::default(),
            log: None,
            catching_up: None,
            waiting: Vec::new(),
            heard_at: now,
            metrics: None,
            shown: None,
            whole_at: now,
            system: None,
            stage,
        }
    }

    fn hear(&mut self, event: Arc<UpdateEvent>, context: &mut Context<Self>) {
        self.heard_at = Instant::now();
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
        match self.fit(update) {
            Fit::Known => {}
            Fit::Next => self.deliver(update, Timestamp::now().as_millisecond()),
            Fit::Gap => {
                self.catch_up(context);
                self.hear(event, context);
            }
        }
    }

    /// The first update of a new counter follows the last of the old one: Redis lost everything, and nothing was missed.
    fn fit(&mut self, update: &SequencedUpdate) -> Fit {
        let Some(log) = &self.log else {
            return Fit::Gap;
        };
        if update.first.epoch != log.epoch() && update.first.offset == 1 {
            let before = FrameId { epoch: update.first.epoch.clone(), offset: 0 };
            self.log = Some(Log::new(before, self.params.limits));
            return Fit::Next;
        }
        log.fit(update)
    }

    fn deliver(&mut self, update: &SequencedUpdate, at_ms: i64) {
        let Some(log) = &mut self.log else {
            return;
        };
        let epoch = log.epoch().to_owned();
        let mut n_delivered = 0;
        for kept in log.append(&update.update, at_ms) {
            n_delivered += self.audience.tell(kept, &epoch, self.params.encode);
        }
        metrics::counter!(FRAMES_DELIVERED_TOTAL).increment(wide(n_delivered));
        self.stage.metrics.finish(1);
    }

    /// Reads what is missing from history. Updates that arrive meanwhile are held back and follow it.
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
        let reading = self.params.io.spawn(async move { history.after(after).await });
        context.spawn(reading.into_actor(self).map(|outcome, broadcaster, context| match outcome {
            Ok(Ok(past)) => broadcaster.caught_up(past, context),
            Ok(Err(error)) => broadcaster.try_later(&error, context),
            Err(error) => broadcaster.try_later(&error, context),
        }));
    }

    fn try_later(&mut self, error: &dyn std::error::Error, context: &mut Context<Self>) {
        debug!(%error, "history could not be read yet");
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
            self.hear(event, context);
        }
        if caught_up.again {
            self.catch_up(context);
        }
        self.decide();
    }

    /// Takes over what others published before; it was for sessions of theirs.
    fn begin(&mut self, past: Backfill) {
        let mut log = Log::new(past.head.clone(), self.params.limits);
        if let Some(oldest) = past.updates.first() {
            let before = oldest.sequenced.first.offset.saturating_sub(1);
            log = Log::new(FrameId { epoch: past.head.epoch.clone(), offset: before }, self.params.limits);
        }
        for update in &past.updates {
            if log.fit(&update.sequenced) != Fit::Next {
                // What is before a hole is of no use to anybody.
                let first = &update.sequenced.first;
                let before = FrameId { epoch: first.epoch.clone(), offset: first.offset.saturating_sub(1) };
                log = Log::new(before, self.params.limits);
            }
            log.append(&update.sequenced.update, update.at_ms).for_each(drop);
        }
        if log.position() != past.head {
            log = Log::new(past.head, self.params.limits);
        }
        self.log = Some(log);
    }

    /// What was missed is kept nowhere any more: sessions must know, and take a fresh start.
    fn lose_position(&mut self) {
        warn!(n_sessions = self.audience.n_sessions(), "news was lost, sessions are told to come again");
        metrics::counter!(POSITIONS_LOST_TOTAL).increment(1);
        self.audience.dismiss(CloseReason::PositionLost);
        self.log = None;
        self.count();
    }

    /// Answers the sessions that wait for their place in the sequence, where it is known now or will not be soon.
    fn decide(&mut self) {
        let is_settled = self.catching_up.is_none();
        let waiting = std::mem::take(&mut self.waiting);
        for (watch, asked_at) in waiting {
            if is_settled || asked_at.elapsed() >= RECOVERY_TIMEOUT || self.can_answer(&watch) {
                self.join(watch);
                continue;
            }
            self.waiting.push((watch, asked_at));
        }
    }

    fn can_answer(&self, watch: &Watch) -> bool {
        let Some(since) = &watch.since else {
            return true;
        };
        self.log.as_ref().is_some_and(|log| log.has_reached(since))
    }

    /// From here on a session gets everything it wants: first what it missed, if all of that is known, and then, without
    /// a gap, what comes. It happens in one go, so nothing can come in between.
    fn join(&mut self, watch: Watch) {
        let Watch { id, outbox, subscription, since, is_asked } = watch;
        let position = self.log.as_ref().map(Log::position);
        let missed = match (&self.log, &since) {
            (Some(log), Some(since)) => log.missed(since, &subscription),
            _ => None,
        };
        let recovered = missed.is_some();
        if since.is_some() {
            metrics::counter!(RECOVERIES_TOTAL, "recovered" => if recovered { "true" } else { "false" })
                .increment(1);
        }
        if is_asked {
            outbox.begin();
            let since = if recovered { since.as_ref() } else { position.as_ref() };
            let standing = Standing { subscription: &subscription, recovered, since };
            let nowhere = nowhere();
            let answer = (self.params.encode)(&nowhere, LiveFrame::Subscribed(standing));
            answer.into_iter().for_each(|frame| outbox.answer(Arc::new(frame)));
        }
        if let (Some(missed), Some(log)) = (missed, &self.log) {
            let frames = missed.frames.iter().filter_map(|kept| kept.frame(log.epoch(), self.params.encode));
            frames.for_each(|frame| outbox.owe(Arc::clone(frame)));
            if missed.n_by_rate > 0 {
                outbox.skip_by_rate(missed.n_by_rate);
            }
        }
        self.welcome(
            &outbox,
            subscription.feeds.contains(Feed::Metrics),
            subscription.feeds.contains(Feed::System),
        );
        self.audience.join(id, outbox, subscription);
        self.count();
    }

    /// Shows one session the state of every feed that has one.
    fn welcome(&self, outbox: &Outbox, metrics: bool, system: bool) {
        if let Some(frame) = self.metrics.as_ref().filter(|_| metrics) {
            outbox.metrics(frame, true);
        }
        if let Some(health) = self.system.as_ref().filter(|_| system)
            && let Some(frame) = (self.params.encode)(&self.here(), LiveFrame::SystemUpdate(health))
        {
            outbox.system(&Arc::new(frame));
        }
    }

    /// The id that state is as of: never one ahead of what its readers were sent before, or they would skip that when they
    /// come back.
    fn here(&self) -> FrameId {
        self.log.as_ref().map_or_else(nowhere, Log::position)
    }

    fn show(&mut self, metrics: Arc<LiveMetrics>) {
        let id = self.here();
        let takes_deltas = self.audience.takes_deltas();
        let value = takes_deltas.then(|| serde_json::to_value(&*metrics).unwrap_or_default());
        let is_whole_due = self.whole_at.elapsed() >= WHOLE_EVERY;
        let delta = match (&self.metrics, &self.shown, &value) {
            (Some(before), Some(old), Some(new)) if !is_whole_due => {
                let patch = crate::live::delta::patch(old, new);
                let frame = (self.params.encode)(&id, LiveFrame::MetricsDelta(before.id(), &patch));
                frame.map(|frame| Delta { base: before.version(), frame: Arc::new(frame) })
            }
            _ => None,
        };
        if delta.is_none() {
            self.whole_at = Instant::now();
        }
        self.shown = value;
        // Whoever subscribed before there was anything to show is still owed a beginning.
        let is_first = self.metrics.is_none();
        let version = self.metrics.as_ref().map_or(1, |before| before.version() + 1);
        let encode = self.params.encode;
        let frame = Arc::new(MetricsFrame::new(MetricsParams { version, id, metrics, encode, delta }));
        let n_shown = self.audience.show_metrics(&frame, is_first);
        metrics::counter!(FRAMES_DELIVERED_TOTAL).increment(wide(n_shown));
        self.metrics = Some(frame);
    }

    fn count(&self) {
        metrics::gauge!(SOCKETS_OPEN).set(wide(self.audience.n_sessions()) as f64);
    }

    fn tick(&mut self, context: &mut Context<Self>) {
        if let Some(log) = &mut self.log {
            log.trim(Timestamp::now().as_millisecond());
        }
        self.audience.tell_skipped();
        if self.heard_at.elapsed() >= CHECK_AFTER && self.catching_up.is_none() {
            self.heard_at = Instant::now();
            self.catch_up(context);
        }
    }
}

/// Before the sequence is known there is nothing that could be missed.
fn nowhere() -> FrameId {
    FrameId { epoch: "none".to_owned(), offset: 0 }
}

/// Whether what was read goes on where the log ends, up to where the sequence stands.
fn follows(log: &Log, past: &Backfill) -> bool {
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
    /// Sessions of a broadcaster that died would hear nothing more: they are told to reconnect.
    fn drop(&mut self) {
        self.audience.dismiss(CloseReason::TryAgainLater);
        for (watch, _) in self.waiting.drain(..) {
            watch.outbox.close(CloseReason::TryAgainLater);
        }
        self.count();
    }
}

impl Handler<Publish> for Broadcaster {
    type Result = ();

    fn handle(&mut self, Publish(event): Publish, context: &mut Self::Context) {
        self.hear(event, context);
        if !self.waiting.is_empty() {
            self.decide();
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
        if self.audience.wants(Feed::System)
            && let Some(frame) = (self.params.encode)(&self.here(), LiveFrame::SystemUpdate(&system))
        {
            let n_shown = self.audience.show_system(&Arc::new(frame));
            metrics::counter!(FRAMES_DELIVERED_TOTAL).increment(wide(n_shown));
        }
        self.system = Some(system);
    }
}

impl Handler<Watch> for Broadcaster {
    type Result = ();

    fn handle(&mut self, watch: Watch, context: &mut Self::Context) {
        if self.can_answer(&watch) {
            return self.join(watch);
        }
        // It was ahead of us on another process, or the counter is another: history tells.
        self.waiting.push((watch, Instant::now()));
        self.catch_up(context);
        context.run_later(RECOVERY_TIMEOUT, |broadcaster, _| broadcaster.decide());
    }
}

impl Handler<Disconnect> for Broadcaster {
    type Result = ();

    fn handle(&mut self, Disconnect { id }: Disconnect, _: &mut Self::Context) {
        self.audience.leave(id);
        self.waiting.retain(|(watch, _)| watch.id != id);
        self.count();
    }
}
