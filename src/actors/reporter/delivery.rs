//! One attempt to create and send a report.

use std::time::Duration;

use jiff::tz::TimeZone;
use tracing::info;

use super::ReporterParams;
use super::content::{self, Subject};
use crate::models::notification::ChannelKind;
use crate::models::report::Report;
use crate::notify::email::Letter;
use crate::notify::messenger::LEASE as SEND_LEASE;
use crate::notify::retry_policy::{DeliveryResult, NextStep, plan};
use crate::process::chromium::PRINT_TIMEOUT;
use crate::reports::{calendar, document};
use crate::store::notifications::channels;
use crate::store::reports::runs::{self, ClaimedRun, RunDocuments, RunOutcome};
use crate::store::reports::schedules;
use crate::store::{Store, StoreError};

/// Initial lease of a run: the time to read the figures and to print, with a margin. Once its documents are stored, the
/// lease is only as long as that of a notification.
pub(super) const CREATE_LEASE: Duration = Duration::from_secs(PRINT_TIMEOUT.as_secs() + 120);

/// Creates the documents of a run unless an earlier attempt did, and sends them. Returns `None` if there is nothing to
/// record: the report was deleted, or another process has taken over.
///
/// # Errors
/// If PostgreSQL is unavailable. The run continues when its lease ends.
pub(super) async fn attempt(
    params: &ReporterParams,
    run: &ClaimedRun,
) -> Result<Option<RunOutcome>, StoreError> {
    let Some(report) = schedules::get(&params.store, run.report).await? else { return Ok(None) };
    let recipients = match recipients(&params.store, &report).await? {
        Ok(recipients) => recipients,
        Err(reason) => return Ok(Some(RunOutcome::Failed(reason))),
    };
    let documents = match &run.documents {
        Some(documents) => documents.clone(),
        None => {
            let documents = match create(params, &report, run).await {
                Ok(documents) => documents,
                Err(error) => return Ok(Some(failed(run, FAILED, error.to_string()))),
            };
            if !runs::keep_documents(&params.store, run, &documents, SEND_LEASE).await? {
                return Ok(None);
            }
            documents
        }
    };
    let outcome = params.messenger.send_letter(&recipients, letter(&report, run, documents)).await;
    info!(
        report = %report.id,
        run = %run.id,
        n_attempts = run.n_attempts + 1,
        status = outcome.attempt.status,
        error = outcome.attempt.error,
        "report attempted"
    );
    Ok(Some(match outcome.attempt.error {
        None => RunOutcome::Sent,
        Some(error) => failed(run, outcome.result, error),
    }))
}

const FAILED: DeliveryResult = DeliveryResult::Failed { retry_after: None, slows_channel: false };

fn failed(run: &ClaimedRun, result: DeliveryResult, error: String) -> RunOutcome {
    match plan(result, ChannelKind::Email, run.n_attempts + 1, rand::random()).next {
        NextStep::Again(wait) => RunOutcome::Retry(error, wait),
        NextStep::Sent | NextStep::Dead | NextStep::Disable => RunOutcome::Failed(error),
    }
}

/// Returns the addresses to send a report to, or the reason why it cannot be sent.
async fn recipients(store: &Store, report: &Report) -> Result<Result<Vec<String>, String>, StoreError> {
    let Some(stored) = channels::get(store, report.notification_channel).await? else {
        return Ok(Err("its notification channel no longer exists".to_owned()));
    };
    let channel = stored.channel;
    if !channel.enabled {
        return Ok(Err(format!("the notification channel `{}` is disabled", channel.name)));
    }
    Ok(channel
        .settings
        .to
        .ok_or_else(|| format!("the notification channel `{}` has no recipients", channel.name)))
}

async fn create(
    params: &ReporterParams,
    report: &Report,
    run: &ClaimedRun,
) -> Result<RunDocuments, StoreError> {
    let subject = Subject {
        name: &report.name,
        filter: &report.filter,
        zone: zone_of(report),
        period: run.period,
        dashboard: params.messenger.dashboard(),
    };
    let content = content::read(&params.reading, subject).await?;
    let page = document::page(&content);
    let pdf = match &params.chromium {
        None => Err("Chromium was not found on the server".to_owned()),
        Some(chromium) => chromium.print(&page).await.map_err(|error| error.to_string()),
    };
    let pdf_error = pdf.as_ref().err().map(String::as_str);
    Ok(RunDocuments {
        mail: document::mail(&content, pdf_error),
        plain: document::plain(&content, pdf_error),
        page,
        pdf,
    })
}

fn letter(report: &Report, run: &ClaimedRun, documents: RunDocuments) -> Letter {
    let zone = zone_of(report);
    let name = format!("{}.pdf", document::file_name(&report.name, run.period, &zone));
    Letter {
        id: format!("report-{}", run.id),
        subject: document::subject(&report.name, run.period, &zone),
        plain: documents.plain,
        html: Some(documents.mail),
        pdf: documents.pdf.ok().map(|pdf| (name, pdf)),
    }
}

/// Returns the time zone of a report. Its name was checked when the report was stored.
fn zone_of(report: &Report) -> TimeZone {
    calendar::zone(&report.schedule).unwrap_or(TimeZone::UTC)
}
