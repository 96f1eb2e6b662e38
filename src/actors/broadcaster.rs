//! Publish → sessions.

use std::collections::HashMap;
use std::sync::Arc;

use actix::{Actor, Context, Handler, Recipient};
use tracing::debug;

use super::messages::{
    CloseSession, Connect, Deliver, Disconnect, Publish, PublishMetrics, PublishSystem, SessionId, Watch,
};
use super::supervisor::{Life, stage};
use crate::models::alert::Alert;
use crate::models::live::{AlertChange, FrameId, LiveUpdate, SequencedUpdate};
use crate::models::metrics::LiveMetrics;
use crate::models::post::ScoredPost;
use crate::models::stage_health::SystemHealth;
use crate::models::subscription::{Feed, Subscription};
use crate::stream::UpdateEvent;
use crate::telemetry::{FRAMES_DELIVERED_TOTAL, SOCKETS_EVICTED_TOTAL, SOCKETS_OPEN};

/// What a frame says.
#[derive(Debug, Clone, Copy)]
pub enum LiveFrame<'a> {
    /// The window, to somebody who has just subscribed.
    MetricsInitial(&'a LiveMetrics),
    /// The window, changed.
    MetricsUpdate(&'a LiveMetrics),
    /// A post was stored.
    MessageNew(&'a ScoredPost),
    /// A post has a better score.
    MessageUpdate(&'a ScoredPost),
    /// An alert opened, grew or was resolved.
    Alert(AlertChange, &'a Alert),
    /// The pipeline's health.
    SystemUpdate(&'a SystemHealth),
}

/// Writes a frame as text. Handed over by `app`, so that actors need not know the wire protocol.
pub type Encode = fn(&FrameId, LiveFrame<'_>) -> Option<Arc<str>>;

/// What a broadcaster is made of.
#[derive(Clone)]
pub struct BroadcasterParams {
    /// Writes frames.
    pub encode: Encode,
}

/// Hands each update to every session that wants it.
///
/// Never waits for a browser. A session whose mailbox is full has stopped reading; it is forgotten, reconnects,
/// and gets a fresh snapshot.
pub struct Broadcaster {
    params: BroadcasterParams,
    sessions: HashMap<SessionId, Session>,
    metrics: Option<(FrameId, Arc<LiveMetrics>)>,
    system: Option<Arc<SystemHealth>>,
    last: FrameId,
    life: Life,
}

struct Session {
    deliver: Recipient<Deliver>,
    close: Recipient<CloseSession>,
    subscription: Subscription,
}

stage!(Broadcaster, "broadcaster");

/// One frame on its way, before it is known whether anybody wants it.
struct Outgoing<'a> {
    feed: Feed,
    id: &'a FrameId,
    frame: LiveFrame<'a>,
}

impl Broadcaster {
    /// A broadcaster without sessions.
    pub fn new(params: BroadcasterParams, life: Life) -> Self {
        // Before the first update of the sequence there is nothing that could be missed.
        let last = FrameId { epoch: "none".to_owned(), offset: 0 };
        Self { params, sessions: HashMap::new(), metrics: None, system: None, last, life }
    }

    fn publish(&mut self, update: &SequencedUpdate) {
        let mut id = update.first.clone();
        match &update.update {
            LiveUpdate::Committed { posts, .. } => {
                for scored in posts {
                    id.offset += 1;
                    let wants = |subscription: &Subscription| subscription.filter.admits_post(scored);
                    self.deliver(
                        Outgoing { feed: Feed::Messages, id: &id, frame: LiveFrame::MessageNew(scored) },
                        wants,
                    );
                }
            }
            LiveUpdate::Corrected { posts, .. } => {
                for corrected in posts {
                    id.offset += 1;
                    let wants =
                        |subscription: &Subscription| subscription.filter.admits_correction(corrected);
                    let frame = LiveFrame::MessageUpdate(&corrected.scored);
                    self.deliver(Outgoing { feed: Feed::Messages, id: &id, frame }, wants);
                }
            }
            LiveUpdate::Alert { change, alert } => {
                let wants = |subscription: &Subscription| subscription.filter.admits_alert(alert);
                self.deliver(
                    Outgoing { feed: Feed::Alerts, id: &id, frame: LiveFrame::Alert(*change, alert) },
                    wants,
                );
            }
            LiveUpdate::Missed => {}
        }
        self.last = id;
        self.life.vitals.finish(1);
    }

    /// Encodes at most once, and not at all when nobody wants it.
    fn deliver(&mut self, outgoing: Outgoing<'_>, wants: impl Fn(&Subscription) -> bool) {
        let Outgoing { feed, id, frame } = outgoing;
        let mut encoded: Option<Arc<str>> = None;
        let mut deaf = Vec::new();
        let mut n_delivered = 0;
        for (session_id, session) in &self.sessions {
            if !session.subscription.feeds.contains(feed) || !wants(&session.subscription) {
                continue;
            }
            if encoded.is_none() {
                encoded = (self.params.encode)(id, frame);
            }
            let Some(text) = &encoded else {
                return;
            };
            match session.deliver.try_send(Deliver(Arc::clone(text))) {
                Ok(()) => n_delivered += 1,
                Err(_) => deaf.push(*session_id),
            }
        }
        metrics::counter!(FRAMES_DELIVERED_TOTAL).increment(n_delivered);
        for id in deaf {
            debug!(session = id.0, "a session that does not read is forgotten");
            metrics::counter!(SOCKETS_EVICTED_TOTAL).increment(1);
            self.forget(id);
        }
    }

    /// The socket itself ends when its peer reads or leaves; until then it gets nothing more.
    fn forget(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.remove(&id) {
            session.close.do_send(CloseSession);
        }
        self.count();
    }

    /// Sends one session the state of every feed that has one.
    fn welcome(&self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let send = |id: &FrameId, frame| {
            if let Some(text) = (self.params.encode)(id, frame) {
                // A session too slow for its first frame is noticed at its second.
                let _ = session.deliver.try_send(Deliver(text));
            }
        };
        if let Some((as_of, metrics)) = &self.metrics
            && session.subscription.feeds.contains(Feed::Metrics)
        {
            send(as_of, LiveFrame::MetricsInitial(metrics));
        }
        if let Some(system) = &self.system
            && session.subscription.feeds.contains(Feed::System)
        {
            send(&self.last, LiveFrame::SystemUpdate(system));
        }
    }

    fn count(&self) {
        let n_sessions = u64::try_from(self.sessions.len()).unwrap_or(u64::MAX);
        metrics::gauge!(SOCKETS_OPEN).set(n_sessions as f64);
    }
}

impl Actor for Broadcaster {
    type Context = Context<Self>;
}

impl Drop for Broadcaster {
    /// Sessions of a broadcaster that died would hear nothing more: they are told to reconnect.
    fn drop(&mut self) {
        for session in self.sessions.values() {
            session.close.do_send(CloseSession);
        }
        self.sessions.clear();
        self.count();
    }
}

impl Handler<Publish> for Broadcaster {
    type Result = ();

    fn handle(&mut self, Publish(event): Publish, _: &mut Self::Context) {
        if let UpdateEvent::Update(update) = event.as_ref() {
            self.publish(update);
        }
    }
}

impl Handler<PublishMetrics> for Broadcaster {
    type Result = ();

    fn handle(&mut self, PublishMetrics { as_of, metrics }: PublishMetrics, _: &mut Self::Context) {
        let id = as_of.unwrap_or_else(|| self.last.clone());
        // Whoever subscribed before there was anything to show is still owed a beginning.
        let frame = match self.metrics {
            None => LiveFrame::MetricsInitial(&metrics),
            Some(_) => LiveFrame::MetricsUpdate(&metrics),
        };
        self.deliver(Outgoing { feed: Feed::Metrics, id: &id, frame }, |_| true);
        self.metrics = Some((id, metrics));
    }
}

impl Handler<PublishSystem> for Broadcaster {
    type Result = ();

    fn handle(&mut self, PublishSystem(system): PublishSystem, _: &mut Self::Context) {
        let id = self.last.clone();
        self.deliver(
            Outgoing { feed: Feed::System, id: &id, frame: LiveFrame::SystemUpdate(&system) },
            |_| true,
        );
        self.system = Some(system);
    }
}

impl Handler<Connect> for Broadcaster {
    type Result = ();

    fn handle(&mut self, message: Connect, _: &mut Self::Context) {
        let Connect { id, deliver, close, subscription } = message;
        self.sessions.insert(id, Session { deliver, close, subscription });
        self.count();
        self.welcome(id);
    }
}

impl Handler<Watch> for Broadcaster {
    type Result = ();

    fn handle(&mut self, Watch { id, subscription }: Watch, _: &mut Self::Context) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.subscription = subscription;
        }
        self.welcome(id);
    }
}

impl Handler<Disconnect> for Broadcaster {
    type Result = ();

    fn handle(&mut self, Disconnect { id }: Disconnect, _: &mut Self::Context) {
        self.sessions.remove(&id);
        self.count();
    }
}
