//! What a service alerter knows: the newest measurement, what is wrong, and what people are yet to be told. It belongs to
//! the process, not to one incarnation of the stage, so a respawn forgets nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tracing::{error, info, warn};

use crate::alerting::service::{Notice, ServiceWatch, WatchParams};
use crate::models::notification::NoticeEvent;
use crate::models::service_alert::{ServiceAlert, ServiceCondition};
use crate::models::stage_health::SystemHealth;
use crate::notify::destinations::Destination;
use crate::notify::dispatch::{AttemptOutcome, Dispatch, DueAttempt};
use crate::notify::message::service_message;
use crate::notify::policy::DeliveryResult;
use crate::telemetry::{SERVICE_ALERTS_OPEN, SERVICE_NOTIFICATIONS_TOTAL};

/// What is wrong with this process and its servers, and who is to be told.
#[derive(Debug)]
pub struct ServiceAlertState {
    operators: Vec<Destination>,
    dashboard: Option<String>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    watch: ServiceWatch,
    dispatch: Dispatch,
    newest: Option<Arc<SystemHealth>>,
}

impl ServiceAlertState {
    /// One that tells `operators`, and links to the dashboard where its address is known.
    pub fn new(params: WatchParams, operators: Vec<Destination>, dashboard: Option<String>) -> Self {
        let mut dispatch = Dispatch::default();
        dispatch.set_destinations(operators.clone());
        let watch = ServiceWatch::new(params, Timestamp::now());
        Self { operators, dashboard, state: Mutex::new(State { watch, dispatch, newest: None }) }
    }

    /// What is wrong at the moment, the worst first.
    pub fn open(&self) -> Vec<ServiceAlert> {
        self.state().watch.open()
    }

    /// How many destinations are told.
    pub fn n_destinations(&self) -> u64 {
        u64::try_from(self.state().dispatch.n_destinations()).unwrap_or(u64::MAX)
    }

    /// A measurement was made.
    pub(super) fn observe(&self, health: Arc<SystemHealth>) {
        self.state().newest = Some(health);
    }

    /// The channels that are told besides the operators, from now on and until others are known.
    pub(super) fn remember(&self, channels: Vec<Destination>) {
        self.state().dispatch.set_destinations(self.operators.iter().cloned().chain(channels));
    }

    /// A new incarnation begins: what the last one was sending is sent again, under the same name.
    pub(super) fn retry_in_flight(&self) {
        self.state().dispatch.retry_in_flight();
    }

    /// Judges the newest measurement, and puts what people are to be told into their lines.
    pub(super) fn classify(&self, now: Timestamp) {
        let mut state = self.state();
        let newest = state.newest.clone();
        for notice in state.watch.judge(newest.as_deref(), now) {
            log(&notice);
            let Notice { event, alert } = notice;
            let message = service_message(event, &alert, now, self.dashboard.clone());
            let n_dropped = state.dispatch.enqueue(message, alert.severity);
            if n_dropped > 0 {
                error!(n_dropped, "service alerts dropped: the queue of a destination is full");
            }
        }
        let open = state.watch.open();
        for condition in ServiceCondition::ALL {
            let n_open = open.iter().filter(|alert| alert.condition == condition).count();
            metrics::gauge!(SERVICE_ALERTS_OPEN, "condition" => condition.as_str()).set(n_open as f64);
        }
    }

    /// What is to be sent now.
    pub(super) fn due(&self, now: Timestamp) -> Vec<DueAttempt> {
        self.state().dispatch.due(now)
    }

    /// Takes note of what came of an attempt. Whether it arrived.
    pub(super) fn settle(&self, due: &DueAttempt, result: DeliveryResult, now: Timestamp) -> bool {
        let settled = self.state().dispatch.record_result(due, (result, rand::random()), now);
        let kind = due.recipient.kind.as_str();
        let outcome = if result == DeliveryResult::Delivered { "sent" } else { "failed" };
        metrics::counter!(SERVICE_NOTIFICATIONS_TOTAL, "kind" => kind, "outcome" => outcome).increment(1);
        if settled == Some(AttemptOutcome::GivenUp) {
            error!(kind, destination = %due.destination, "service alert given up: the destination did not accept it");
        }
        result == DeliveryResult::Delivered
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log(notice: &Notice) {
    let ServiceAlert { condition, stage, title, detail, .. } = &notice.alert;
    let condition = condition.as_str();
    match notice.event {
        NoticeEvent::Resolved => info!(condition, stage, title, "service alert resolved"),
        _ => warn!(condition, stage, title, detail, "service alert opened"),
    }
}
