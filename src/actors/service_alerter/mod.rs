//! What is wrong with the service itself → people, without either server.

pub mod state; // what a service alerter knows, which outlives any incarnation

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tracing::{debug, info, warn};

use self::state::ServiceAlertState;
use super::messages::ObserveHealth;
use super::notifier::delivery;
use super::notifier::delivery::DeliveryError;
use super::runtime::supervisor::{Stage as _, StageContext, stage};
use crate::models::error_log::ErrorKind;
use crate::notify::destinations::Destination;
use crate::notify::dispatch::DueAttempt;
use crate::notify::messenger::Messenger;
use crate::store::Store;
use crate::store::notifications::channels;
use crate::telemetry::errors;

/// How often the newest measurement is judged: as often as there is one.
const JUDGE_EVERY: Duration = Duration::from_secs(1);

/// How often the channels that get service alerts are read: how long a new channel takes to be known.
const REMEMBER_EVERY: Duration = Duration::from_secs(5);

/// What a service alerter is made of.
#[derive(Clone)]
pub struct ServiceAlerterParams {
    /// What it knows.
    pub service_alerts: Arc<ServiceAlertState>,
    /// Where channels are.
    pub store: Store,
    /// Says it.
    pub messenger: Arc<Messenger>,
    /// The runtime on which connections live.
    pub io: Handle,
}

/// Notifies the operators of this process, each process of its own trouble.
///
/// Needs neither PostgreSQL nor Redis to do so: what waits to be sent is in memory, and channels are remembered as they were
/// when PostgreSQL last answered.
pub struct ServiceAlerter {
    params: ServiceAlerterParams,
    is_asking: bool,
    stage: StageContext,
}

stage!(ServiceAlerter, "service_alerter");

impl ServiceAlerter {
    /// An alerter that starts at once.
    pub fn new(params: ServiceAlerterParams, stage: StageContext) -> Self {
        Self { params, is_asking: false, stage }
    }

    fn classify(&mut self, context: &mut Context<Self>) {
        self.params.service_alerts.classify(Timestamp::now());
        self.send_due(context);
    }

    fn send_due(&mut self, context: &mut Context<Self>) {
        for due in self.params.service_alerts.due(Timestamp::now()) {
            self.stage.metrics.begin(1);
            let ServiceAlerterParams { service_alerts, messenger, io, .. } = self.params.clone();
            let sending = io.spawn(async move { send(&service_alerts, &messenger, &due).await });
            context.spawn(sending.into_actor(self).map(|arrived, alerter, context| {
                match arrived {
                    Ok(true) => alerter.stage.metrics.finish(1),
                    Ok(false) => alerter.stage.metrics.fail(1),
                    Err(error) => {
                        warn!(%error, "sending an alert about the service panicked");
                        alerter.stage.metrics.fail(1);
                        alerter.params.service_alerts.retry_in_flight();
                    }
                }
                alerter.send_due(context);
            }));
        }
    }

    fn remember(&mut self, context: &mut Context<Self>) {
        if self.is_asking {
            return;
        }
        self.is_asking = true;
        let ServiceAlerterParams { store, messenger, io, .. } = self.params.clone();
        let asking = io.spawn(async move { stored(&store, &messenger).await });
        context.spawn(asking.into_actor(self).map(|channels, alerter, _| {
            alerter.is_asking = false;
            match channels {
                Ok(Ok(channels)) => alerter.params.service_alerts.remember(channels),
                // PostgreSQL is away: those remembered are told so.
                Ok(Err(error)) => debug!(%error, "channels for alerts about the service stay as they were"),
                Err(error) => warn!(%error, "reading channels panicked"),
            }
        }));
    }
}

impl Actor for ServiceAlerter {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.params.service_alerts.retry_in_flight();
        self.remember(context);
        context.run_interval(JUDGE_EVERY, Self::classify);
        context.run_interval(REMEMBER_EVERY, Self::remember);
    }
}

impl Handler<ObserveHealth> for ServiceAlerter {
    type Result = ();

    fn handle(&mut self, ObserveHealth(health): ObserveHealth, _: &mut Context<Self>) {
        self.params.service_alerts.observe(health);
    }
}

/// Sends once. Whether it arrived.
async fn send(service_alerts: &ServiceAlertState, messenger: &Messenger, due: &DueAttempt) -> bool {
    let outcome = messenger.send(&due.recipient, &due.message).await;
    info!(
        destination = %due.destination,
        kind = due.recipient.kind.as_str(),
        message = %due.message.id,
        status = outcome.attempt.status,
        error = outcome.attempt.error,
        "alert about the service attempted"
    );
    if let Some(error) = &outcome.attempt.error {
        let message = format!("{}: {error}", due.recipient.kind.as_str());
        errors::record(ErrorKind::FailedNotification, ServiceAlerter::NAME, message);
    }
    service_alerts.settle(due, outcome.result, Timestamp::now())
}

/// The channels that hear of the service, ready to be told without asking anybody anything more.
async fn stored(store: &Store, messenger: &Messenger) -> Result<Vec<Destination>, DeliveryError> {
    let found = channels::for_service_alerts(store, messenger.keyring().fingerprint()).await?;
    let mut destinations = Vec::with_capacity(found.len());
    for channel in found {
        match delivery::recipient(store, messenger, &channel).await {
            Ok(recipient) => destinations.push(Destination {
                id: channel.channel.id,
                recipient,
                minimum_severity: channel.channel.minimum_severity,
            }),
            Err(error @ DeliveryError::Store(_)) => return Err(error),
            Err(error) => {
                warn!(channel = %channel.channel.id, %error, "a channel cannot be told of the service")
            }
        }
    }
    Ok(destinations)
}
