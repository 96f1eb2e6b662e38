//! State of the service alerts: the latest measurement, the open alerts and the queued notices. It belongs to the
//! process, so nothing is lost when the stage restarts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tracing::{error, info, warn};

use crate::alerting::service::{MonitorParams, Notice, ServiceMonitor};
use crate::models::notification::NoticeEvent;
use crate::models::service_alert::{ServiceAlert, ServiceCondition};
use crate::models::system_health::SystemHealth;
use crate::notify::destination_queues::{AttemptOutcome, Dispatch, DueAttempt};
use crate::notify::message::service_message;
use crate::notify::operator_destinations::Destination;
use crate::notify::retry_policy::DeliveryResult;
use crate::telemetry::{SERVICE_ALERTS_OPEN, SERVICE_NOTIFICATIONS_TOTAL};

/// Open service alerts of this process, and the notices queued for each destination.
#[derive(Debug)]
pub struct ServiceAlertState {
    operators: Vec<Destination>,
    dashboard: Option<String>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    monitor: ServiceMonitor,
    dispatch: Dispatch,
    newest: Option<Arc<SystemHealth>>,
}

impl ServiceAlertState {
    /// Creates a state without alerts. Notices go to `operators` and, if the address of the dashboard is known, contain
    /// a link to it.
    pub fn new(params: MonitorParams, operators: Vec<Destination>, dashboard: Option<String>) -> Self {
        let mut dispatch = Dispatch::default();
        dispatch.set_destinations(operators.clone());
        let monitor = ServiceMonitor::new(params, Timestamp::now());
        Self { operators, dashboard, state: Mutex::new(State { monitor, dispatch, newest: None }) }
    }

    /// Returns the open alerts, most severe first.
    pub fn open(&self) -> Vec<ServiceAlert> {
        self.state().monitor.open()
    }

    /// Returns the number of destinations that receive notices.
    pub fn n_destinations(&self) -> u64 {
        u64::try_from(self.state().dispatch.n_destinations()).unwrap_or(u64::MAX)
    }

    /// Stores the latest measurement, which [`Self::classify`] evaluates.
    pub(super) fn observe(&self, health: Arc<SystemHealth>) {
        self.state().newest = Some(health);
    }

    /// Replaces the channels that are notified in addition to the operators.
    pub(super) fn remember(&self, channels: Vec<Destination>) {
        self.state().dispatch.set_destinations(self.operators.iter().cloned().chain(channels));
    }

    /// Requeues, with the same ids, the notices that the previous incarnation was sending.
    pub(super) fn retry_in_flight(&self) {
        self.state().dispatch.retry_in_flight();
    }

    /// Opens and resolves alerts according to the latest measurement, and queues their notices.
    pub(super) fn classify(&self, now: Timestamp) {
        let mut state = self.state();
        let newest = state.newest.clone();
        for notice in state.monitor.judge(newest.as_deref(), now) {
            log(&notice);
            let Notice { event, alert } = notice;
            let message = service_message(event, &alert, now, self.dashboard.clone());
            let n_dropped = state.dispatch.enqueue(message, alert.severity);
            if n_dropped > 0 {
                error!(n_dropped, "service alerts dropped: the queue of a destination is full");
            }
        }
        let open = state.monitor.open();
        for condition in ServiceCondition::ALL {
            let n_open = open.iter().filter(|alert| alert.condition == condition).count();
            metrics::gauge!(SERVICE_ALERTS_OPEN, "condition" => condition.as_str()).set(n_open as f64);
        }
    }

    /// Returns the notices that are due, and marks them as in flight.
    pub(super) fn due(&self, now: Timestamp) -> Vec<DueAttempt> {
        self.state().dispatch.due(now)
    }

    /// Records the outcome of an attempt, and returns whether the notice arrived.
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
