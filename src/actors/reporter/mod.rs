//! Scheduled reports → email.

pub mod content; // from the store to the content of a report

mod delivery; // one attempt to create and send a report

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tracing::{info, warn};

use self::delivery::{CREATE_LEASE, attempt};
use super::runtime::exclusive_task::ExclusiveTask;
use super::runtime::supervisor::{Stage as _, StageContext, stage};
use crate::models::error_log::ErrorKind;
use crate::models::report::Report;
use crate::notify::messenger::Messenger;
use crate::process::chromium::Chromium;
use crate::reports::calendar;
use crate::store::reports::runs::{self, ClaimedRun, RunOutcome};
use crate::store::reports::schedules::{self, DueRun};
use crate::store::{Store, StoreError};
use crate::telemetry::{REPORTS_TOTAL, errors};

/// Interval at which the schedules and pending runs are checked. Nobody notices if a report arrives two seconds later.
const POLL_EVERY: Duration = Duration::from_secs(2);

/// Interval at which old runs and documents are deleted.
const EXPIRE_EVERY: Duration = Duration::from_secs(3_600);

/// Dependencies of a reporter.
#[derive(Clone)]
pub struct ReporterParams {
    /// Store that holds the reports and their runs, whose leases let only one process at a time work on a run.
    pub store: Store,
    /// Store that the figures are read from. Its connections are separate from those for alerts.
    pub reading: Store,
    /// Client that sends emails.
    pub messenger: Arc<Messenger>,
    /// Program that prints the PDF; if `None`, reports are sent as HTML only.
    pub chromium: Option<Arc<Chromium>>,
    /// Runtime on which the stage's queries and other I/O run. Chromium ends with the thread that starts it, so the
    /// threads of this runtime must live as long as the process.
    pub io: Handle,
}

/// Stage that starts the runs of reports that are due, and sends them one at a time, no matter which process started
/// them.
///
/// It keeps nothing in memory. The documents of a run are stored before they are sent; a run that is under way when the
/// stage or its process dies continues after its lease ends, and is sent with the same documents under the same message
/// id. Of the due times that passed while no process was running, only the latest has a run.
pub struct Reporter {
    params: ReporterParams,
    turn: ExclusiveTask,
    expiry: ExclusiveTask,
    stage: StageContext,
}

stage!(Reporter, "reporter");

impl Reporter {
    /// Creates a reporter, which polls at once.
    pub fn new(params: ReporterParams, stage: StageContext) -> Self {
        let (turn, expiry) = (ExclusiveTask::new(&params.io), ExclusiveTask::new(&params.io));
        Self { params, turn, expiry, stage }
    }

    fn poll(&mut self, context: &mut Context<Self>) {
        let params = self.params.clone();
        let work = async move { take_turn(&params).await };
        self.turn.start(work, context, |reporter, outcome, context| match outcome {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(arrived))) => {
                reporter.stage.metrics.begin(1);
                if arrived {
                    reporter.stage.metrics.finish(1);
                } else {
                    reporter.stage.metrics.fail(1);
                }
                reporter.poll(context);
            }
            Ok(Err(error)) => warn!(%error, "reports could not be read or recorded, retrying"),
            Err(error) => {
                reporter.stage.metrics.begin(1);
                reporter.stage.metrics.fail(1);
                warn!(%error, "creating a report panicked, it continues when its lease ends");
            }
        });
    }

    fn expire(&mut self, context: &mut Context<Self>) {
        let store = self.params.store.clone();
        let work = async move { runs::expire(&store).await };
        self.expiry.start(work, context, |_, outcome, _| match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "old reports were not removed, retrying in an hour"),
            Err(error) => warn!(%error, "removing old reports panicked"),
        });
    }
}

impl Actor for Reporter {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.poll(context);
        context.run_interval(POLL_EVERY, Self::poll);
        context.run_interval(EXPIRE_EVERY, Self::expire);
    }
}

/// Starts the runs that are due and makes one attempt at a pending one. Returns whether a report arrived; `None` if none
/// was pending.
async fn take_turn(params: &ReporterParams) -> Result<Option<bool>, StoreError> {
    let now = Timestamp::now();
    for report in schedules::due(&params.store, now).await? {
        let Some(due) = due_run(&report, now) else { continue };
        if schedules::start_run(&params.store, &due).await? {
            info!(report = %report.id, due_at = ?due.occurrence.map(|(at, _)| at), "report is due");
        }
    }
    match runs::claim(&params.store, CREATE_LEASE).await? {
        Some(run) => Ok(Some(send(params, &run).await?)),
        None => Ok(None),
    }
}

/// Returns the run of a report that is due: the latest one, so that a server that was down for a week does not send a
/// week of daily reports.
fn due_run(report: &Report, now: Timestamp) -> Option<DueRun> {
    let was_next_at = report.next_at?;
    let zone = calendar::zone(&report.schedule)?;
    let latest = calendar::latest(&report.schedule, &zone, now);
    let next_at = calendar::next(&report.schedule, &zone, now);
    Some(DueRun {
        report: report.id,
        was_next_at,
        occurrence: latest.map(|latest| (latest.at, latest.period)),
        next_at,
    })
}

/// Makes one attempt at a run, records the outcome, and returns whether the report arrived.
async fn send(params: &ReporterParams, run: &ClaimedRun) -> Result<bool, StoreError> {
    let Some(outcome) = attempt(params, run).await? else { return Ok(false) };
    let arrived = outcome == RunOutcome::Sent;
    if let RunOutcome::Retry(error, _) | RunOutcome::Failed(error) = &outcome {
        errors::record(ErrorKind::FailedNotification, Reporter::NAME, format!("report: {error}"));
    }
    metrics::counter!(REPORTS_TOTAL, "outcome" => if arrived { "sent" } else { "failed" }).increment(1);
    if let Err(error) = runs::settle(&params.store, run, &outcome).await {
        warn!(run = %run.id, %error, "the outcome of a report was not recorded, it may arrive twice");
    }
    Ok(arrived)
}
