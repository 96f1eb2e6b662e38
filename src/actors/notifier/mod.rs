//! Outbox → channels. Sends queued notifications.

mod plain_urls; // URLs that earlier versions stored in clear

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, WrapFuture};
use tokio::runtime::Handle;
use tracing::{info, warn};

use super::channel_delivery::deliver;
use super::runtime::exclusive_task::ExclusiveTask;
use super::runtime::supervisor::{Stage as _, StageContext, stage};
use crate::models::error_log::ErrorKind;
use crate::notify::messenger::Messenger;
use crate::store::Store;
use crate::store::notifications::history;
use crate::store::notifications::outbox::{self, ClaimedMessage};
use crate::telemetry::{NOTIFICATIONS_TOTAL, errors};

/// Interval at which the outbox is polled. Nobody notices if a notification arrives a second later.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// Interval at which old notifications are deleted.
const EXPIRE_EVERY: Duration = Duration::from_secs(3_600);

/// Maximum number of messages in flight. Each one only waits for another server, but a slow receiver may take up to 15
/// s.
const IN_FLIGHT_MAX: usize = 16;

/// Dependencies of a notifier, and the length of its leases.
#[derive(Clone)]
pub struct NotifierParams {
    /// Store that holds the outbox, whose leases let only one process at a time send to a channel.
    pub store: Store,
    /// Client that sends messages to channels.
    pub messenger: Arc<Messenger>,
    /// Runtime on which the stage's queries and other I/O run.
    pub io: Handle,
    /// How long a channel stays leased, and how long its messages wait if the process that holds it dies.
    pub lease: Duration,
}

/// Stage that sends the notifications that are due, no matter which process queued them.
///
/// It keeps nothing in memory. Messages that are in flight when it dies are sent again with the same id after their
/// lease has expired.
pub struct Notifier {
    params: NotifierParams,
    n_in_flight: usize,
    claim: ExclusiveTask,
    stage: StageContext,
}

stage!(Notifier, "notifier");

impl Notifier {
    /// Creates a notifier, which polls at once.
    pub fn new(params: NotifierParams, stage: StageContext) -> Self {
        let claim = ExclusiveTask::new(&params.io);
        Self { params, n_in_flight: 0, claim, stage }
    }

    fn claim(&mut self, context: &mut Context<Self>) {
        let n_free = IN_FLIGHT_MAX.saturating_sub(self.n_in_flight);
        if n_free == 0 {
            return;
        }
        let NotifierParams { store, messenger, lease, .. } = self.params.clone();
        let work =
            async move { outbox::claim(&store, n_free, lease, messenger.keyring().fingerprint()).await };
        self.claim.start(work, context, |notifier, outcome, context| match outcome {
            Ok(Ok(claimed)) => claimed.into_iter().for_each(|one| notifier.send(one, context)),
            Ok(Err(error)) => warn!(%error, "the outbox could not be read, retrying in a second"),
            Err(error) => warn!(%error, "reading the outbox panicked"),
        });
    }

    fn send(&mut self, claimed: ClaimedMessage, context: &mut Context<Self>) {
        self.n_in_flight += 1;
        self.stage.metrics.begin(1);
        let NotifierParams { store, messenger, io, .. } = self.params.clone();
        // unsupervised: an attempt ends, and the actor waits for it
        let sending = io.spawn(async move { send(&store, &messenger, &claimed).await });
        context.spawn(sending.into_actor(self).map(|outcome, notifier, context| {
            notifier.n_in_flight -= 1;
            match outcome {
                Ok(true) => notifier.stage.metrics.finish(1),
                Ok(false) => notifier.stage.metrics.fail(1),
                Err(error) => {
                    warn!(%error, "sending a notification panicked, it is sent again when its lease ends");
                    notifier.stage.metrics.fail(1);
                }
            }
            notifier.claim(context);
        }));
    }

    fn seal_urls(&self) {
        let NotifierParams { store, messenger, io, .. } = self.params.clone();
        // unsupervised: it ends, and what it leaves is done at the next start
        io.spawn(async move { plain_urls::seal(&store, &messenger).await });
    }

    fn expire(&mut self, _: &mut Context<Self>) {
        let store = self.params.store.clone();
        // unsupervised: expiry ends and runs again later
        self.params.io.spawn(async move {
            loop {
                match history::expire(&store).await {
                    Ok(0) => return,
                    Ok(n_removed) => info!(n_removed, "old notifications removed"),
                    Err(error) => {
                        return warn!(%error, "old notifications were not removed, retrying in an hour");
                    }
                }
            }
        });
    }
}

impl Actor for Notifier {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.seal_urls();
        self.claim(context);
        context.run_interval(POLL_EVERY, Self::claim);
        context.run_interval(EXPIRE_EVERY, Self::expire);
    }
}

/// Makes one attempt at delivery, records the outcome, and returns whether the message arrived.
async fn send(store: &Store, messenger: &Messenger, claimed: &ClaimedMessage) -> bool {
    let settlement = match deliver(store, messenger, claimed).await {
        Ok(settlement) => settlement,
        Err(error) => {
            warn!(channel = %claimed.channel, %error, "a notification was not sent, retrying when its lease ends");
            return false;
        }
    };
    let arrived = settlement.attempt.error.is_none();
    if let Some(error) = &settlement.attempt.error {
        errors::record(
            ErrorKind::FailedNotification,
            Notifier::NAME,
            format!("{}: {error}", claimed.kind.as_str()),
        );
    }
    let outcome = if arrived { "sent" } else { "failed" };
    metrics::counter!(NOTIFICATIONS_TOTAL, "kind" => claimed.kind.as_str(), "outcome" => outcome)
        .increment(1);
    if let Err(error) = outbox::settle(store, claimed, &settlement).await {
        warn!(channel = %claimed.channel, %error, "the outcome of a notification was not recorded, it may arrive twice");
    }
    arrived
}
