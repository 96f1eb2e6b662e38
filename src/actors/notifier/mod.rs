//! The outbox → people.

pub mod delivery; // from a channel as it is stored to somebody who is told

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, WrapFuture};
use tokio::runtime::Handle;
use tracing::{info, warn};

use self::delivery::deliver;
use super::runtime::supervisor::{Stage as _, StageContext, stage};
use crate::models::error_log::ErrorKind;
use crate::notify::messenger::Messenger;
use crate::store::Store;
use crate::store::notifications::history;
use crate::store::notifications::outbox;
use crate::store::notifications::outbox::Claimed;
use crate::telemetry::{NOTIFICATIONS_TOTAL, errors};

/// How often the outbox is looked into when nothing is known to be in it. People notice no second.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often what has been done for long is removed.
const TIDY_EVERY: Duration = Duration::from_secs(3_600);

/// Messages under way at a time. They wait for others; a receiver that takes its time holds up one place for 15 s.
const IN_FLIGHT_MAX: usize = 16;

/// What a notifier is made of.
#[derive(Clone)]
pub struct NotifierParams {
    /// Where the outbox is; what makes that one process at a time sends to a channel.
    pub store: Store,
    /// Says it.
    pub messenger: Arc<Messenger>,
    /// The runtime on which connections live.
    pub io: Handle,
    /// How long a channel is held. When its holder dies, its messages wait that long.
    pub lease: Duration,
}

/// Sends what is due, of whichever process it comes.
///
/// It keeps nothing in memory: what is under way when it dies is sent again when its lease ends, under the same name.
pub struct Notifier {
    params: NotifierParams,
    n_in_flight: usize,
    is_claiming: bool,
    stage: StageContext,
}

stage!(Notifier, "notifier");

impl Notifier {
    /// A notifier that starts at once.
    pub fn new(params: NotifierParams, stage: StageContext) -> Self {
        Self { params, n_in_flight: 0, is_claiming: false, stage }
    }

    fn claim(&mut self, context: &mut Context<Self>) {
        let n_free = IN_FLIGHT_MAX.saturating_sub(self.n_in_flight);
        if self.is_claiming || n_free == 0 {
            return;
        }
        self.is_claiming = true;
        let NotifierParams { store, messenger, io, lease } = self.params.clone();
        let claiming =
            io.spawn(
                async move { outbox::claim(&store, n_free, lease, messenger.keyring().fingerprint()).await },
            );
        context.spawn(claiming.into_actor(self).map(|outcome, notifier, context| {
            notifier.is_claiming = false;
            match outcome {
                Ok(Ok(claimed)) => claimed.into_iter().for_each(|one| notifier.send(one, context)),
                Ok(Err(error)) => warn!(%error, "the outbox could not be read, it will be again in a second"),
                Err(error) => warn!(%error, "reading the outbox panicked"),
            }
        }));
    }

    fn send(&mut self, claimed: Claimed, context: &mut Context<Self>) {
        self.n_in_flight += 1;
        self.stage.metrics.begin(1);
        let NotifierParams { store, messenger, io, .. } = self.params.clone();
        let sending = io.spawn(async move { send(&store, &messenger, &claimed).await });
        context.spawn(sending.into_actor(self).map(|outcome, notifier, context| {
            notifier.n_in_flight -= 1;
            match outcome {
                Ok(true) => notifier.stage.metrics.finish(1),
                Ok(false) => notifier.stage.metrics.fail(1),
                Err(error) => {
                    warn!(%error, "sending a notification panicked, it will be sent again when its lease ends");
                    notifier.stage.metrics.fail(1);
                }
            }
            notifier.claim(context);
        }));
    }

    fn tidy(&mut self, _: &mut Context<Self>) {
        let store = self.params.store.clone();
        self.params.io.spawn(async move {
            loop {
                match history::expire(&store).await {
                    Ok(0) => return,
                    Ok(n_removed) => info!(n_removed, "old notifications removed"),
                    Err(error) => {
                        return warn!(%error, "old notifications were not removed, they will be in an hour");
                    }
                }
            }
        });
    }
}

impl Actor for Notifier {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.claim(context);
        context.run_interval(LOOK_EVERY, Self::claim);
        context.run_interval(TIDY_EVERY, Self::tidy);
    }
}

/// Sends once and notes what came of it. Whether it arrived.
async fn send(store: &Store, messenger: &Messenger, claimed: &Claimed) -> bool {
    let settlement = match deliver(store, messenger, claimed).await {
        Ok(settlement) => settlement,
        Err(error) => {
            warn!(channel = %claimed.channel, %error, "a notification was not sent, it will be when its lease ends");
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
        warn!(channel = %claimed.channel, %error, "what came of a notification was not noted, it may arrive twice");
    }
    arrived
}
