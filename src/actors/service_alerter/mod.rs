//! Service alerts → operators. Works even while PostgreSQL and Redis are down.

pub mod state; // open service alerts and queued notices, which outlive any incarnation

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tracing::{debug, info, warn};

use self::state::ServiceAlertState;
use super::channel_delivery::{self, DeliveryError};
use super::messages::ObserveHealth;
use super::runtime::exclusive_task::ExclusiveTask;
use super::runtime::supervisor::{Stage as _, StageContext, stage};
use crate::models::error_log::ErrorKind;
use crate::notify::destination_queues::DueAttempt;
use crate::notify::messenger::Messenger;
use crate::notify::operator_destinations::Destination;
use crate::store::Store;
use crate::store::notifications::channels;
use crate::telemetry::errors;

/// Interval at which the latest health snapshot is evaluated. New snapshots are taken just as often.
const JUDGE_EVERY: Duration = Duration::from_secs(1);

/// Interval at which the channels for service alerts are read again, and therefore the longest delay before a new
/// channel takes effect.
const REFRESH_EVERY: Duration = Duration::from_secs(5);

/// Dependencies of a service alerter.
#[derive(Clone)]
pub struct ServiceAlerterParams {
    /// Open alerts and queued notices of this process.
    pub service_alerts: Arc<ServiceAlertState>,
    /// Store that holds the channels for service alerts.
    pub store: Store,
    /// Client that sends messages to channels.
    pub messenger: Arc<Messenger>,
    /// Runtime on which the stage's queries and other I/O run.
    pub io: Handle,
}

/// Stage that notifies operators of problems with this process and the servers that it uses.
///
/// It works even while PostgreSQL and Redis are down, because it keeps the queued notices and the channels last read
/// from PostgreSQL in memory.
pub struct ServiceAlerter {
    params: ServiceAlerterParams,
    refresh: ExclusiveTask,
    stage: StageContext,
}

stage!(ServiceAlerter, "service_alerter");

impl ServiceAlerter {
    /// Creates a service alerter, which starts evaluating at once.
    pub fn new(params: ServiceAlerterParams, stage: StageContext) -> Self {
        let refresh = ExclusiveTask::new(&params.io);
        Self { params, refresh, stage }
    }

    fn classify(&mut self, context: &mut Context<Self>) {
        self.params.service_alerts.classify(Timestamp::now());
        self.send_due(context);
    }

    fn send_due(&mut self, context: &mut Context<Self>) {
        for due in self.params.service_alerts.due(Timestamp::now()) {
            self.stage.metrics.begin(1);
            let ServiceAlerterParams { service_alerts, messenger, io, .. } = self.params.clone();
            // unsupervised: an attempt ends, and the actor waits for it
            let sending = io.spawn(async move { send(&service_alerts, &messenger, &due).await });
            context.spawn(sending.into_actor(self).map(|arrived, alerter, context| {
                match arrived {
                    Ok(true) => alerter.stage.metrics.finish(1),
                    Ok(false) => alerter.stage.metrics.fail(1),
                    Err(error) => {
                        warn!(%error, "sending a service alert panicked");
                        alerter.stage.metrics.fail(1);
                        alerter.params.service_alerts.retry_in_flight();
                    }
                }
                alerter.send_due(context);
            }));
        }
    }

    fn refresh_channels(&mut self, context: &mut Context<Self>) {
        let ServiceAlerterParams { store, messenger, .. } = self.params.clone();
        let work = async move { stored(&store, &messenger).await };
        self.refresh.start(work, context, |alerter, channels, _| match channels {
            Ok(Ok(channels)) => alerter.params.service_alerts.remember(channels),
            // PostgreSQL is down, and the channels known so far are notified of that.
            Ok(Err(error)) => {
                debug!(%error, "channels for service alerts could not be read, the known ones remain in use")
            }
            Err(error) => warn!(%error, "reading the channels for service alerts panicked"),
        });
    }
}

impl Actor for ServiceAlerter {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.params.service_alerts.retry_in_flight();
        self.refresh_channels(context);
        context.run_interval(JUDGE_EVERY, Self::classify);
        context.run_interval(REFRESH_EVERY, Self::refresh_channels);
    }
}

impl Handler<ObserveHealth> for ServiceAlerter {
    type Result = ();

    fn handle(&mut self, ObserveHealth(health): ObserveHealth, _: &mut Context<Self>) {
        self.params.service_alerts.observe(health);
    }
}

/// Makes one attempt at delivery, and returns whether the notice arrived.
async fn send(service_alerts: &ServiceAlertState, messenger: &Messenger, due: &DueAttempt) -> bool {
    let outcome = messenger.send(&due.recipient, &due.message).await;
    info!(
        destination = %due.destination,
        kind = due.recipient.kind.as_str(),
        message = %due.message.id,
        status = outcome.attempt.status,
        error = outcome.attempt.error,
        "service alert attempted"
    );
    if let Some(error) = &outcome.attempt.error {
        let message = format!("{}: {error}", due.recipient.kind.as_str());
        errors::record(ErrorKind::FailedNotification, ServiceAlerter::NAME, message);
    }
    service_alerts.settle(due, outcome.result, Timestamp::now())
}

/// Returns the channels for service alerts with decrypted secrets, so that they can be notified while PostgreSQL is
/// down.
async fn stored(store: &Store, messenger: &Messenger) -> Result<Vec<Destination>, DeliveryError> {
    let found = channels::for_service_alerts(store, messenger.keyring().fingerprint()).await?;
    let mut destinations = Vec::with_capacity(found.len());
    for channel in found {
        match channel_delivery::recipient(store, messenger, &channel).await {
            Ok(recipient) => destinations.push(Destination {
                id: channel.channel.id.into(),
                recipient,
                minimum_severity: channel.channel.minimum_severity,
            }),
            Err(error @ DeliveryError::Store(_)) => return Err(error),
            Err(error) => {
                warn!(channel = %channel.channel.id, %error, "the secrets of a channel for service alerts cannot be decrypted")
            }
        }
    }
    Ok(destinations)
}
