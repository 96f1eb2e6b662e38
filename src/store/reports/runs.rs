//! Runs of reports. The database provides all times of leases and retries, so the clocks of processes need not agree.

use std::time::Duration;

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::models::id::{ReportId, ReportRunId};
use crate::models::report::{Period, ReportRun, RunState};
use crate::store::codec::{PgTimestamp, enum_at};
use crate::store::{Store, StoreError};

/// Number of runs kept per report.
const RUNS_KEPT: i64 = 100;

/// Number of runs per report whose documents are kept.
const DOCUMENTS_KEPT: i64 = 12;

/// Number of days after which documents are deleted in any case.
const DOCUMENT_DAYS_MAX: i32 = 90;

/// Columns of a [`ReportRun`], in the order that [`run_of`] reads them.
macro_rules! run_columns {
    () => {
        "run.id, run.report, run.due_at, run.period_from, run.period_to, run.state, run.n_attempts, run.error, \
         run.next_attempt_at, run.page IS NOT NULL, run.pdf IS NOT NULL, run.pdf_error, run.created_at, run.sent_at"
    };
}
pub(super) use run_columns;

/// Documents of a run, which every attempt sends unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDocuments {
    /// HTML for browsers.
    pub page: String,
    /// HTML for mail clients.
    pub mail: String,
    /// Text for mail clients that show no HTML.
    pub plain: String,
    /// PDF of the page, or the reason why there is none.
    pub pdf: Result<Vec<u8>, String>,
}

/// Run that this process works on until its lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedRun {
    /// Id of the run, which is part of the id of the email.
    pub id: ReportRunId,
    /// Report to send.
    pub report: ReportId,
    /// Period that the report covers.
    pub period: Period,
    /// Number of attempts to send it so far.
    pub n_attempts: usize,
    /// Documents of an earlier attempt; `None` before they were created.
    pub documents: Option<RunDocuments>,
    lease: Uuid,
}

/// Outcome of an attempt to send a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunOutcome {
    /// The mail server accepted the report.
    Sent,
    /// The attempt failed for this reason, and is repeated after this delay.
    Retry(String, Duration),
    /// The run failed for good, for this reason.
    Failed(String),
}

/// Creates a run, unless the report already has one for the same due time or, if it has no due time, a pending one that
/// a person requested. Returns the run that it created.
pub(super) async fn insert(
    transaction: &Transaction<'_>,
    report: ReportId,
    (due_at, period): (Option<jiff::Timestamp>, Period),
) -> Result<Option<ReportRun>, StoreError> {
    const SQL: &str = concat!(
        "INSERT INTO report_runs AS run
            (id, report, due_at, period_from, period_to, state, next_attempt_at, leased_until, created_at)
        VALUES ($1, $2, $3, $4, $5, 'pending', now(), now(), now()) ON CONFLICT DO NOTHING
        RETURNING ",
        run_columns!()
    );
    let (id, due_at) = (ReportRunId::now_v7(), due_at.map(PgTimestamp));
    let (from, to) = (PgTimestamp(period.from), PgTimestamp(period.to));
    let row = transaction.query_opt(SQL, &[&id, &report, &due_at, &from, &to]).await?;
    row.as_ref().map(|row| run_of(row, 0)).transpose()
}

/// Creates a run that a person requested. Returns `None` if another such run of the report is still pending.
pub async fn request(
    store: &Store,
    report: ReportId,
    period: Period,
) -> Result<Option<ReportRun>, StoreError> {
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            let run = insert(&transaction, report, (None, period)).await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(run)
        })
        .await
}

/// Returns the newest runs of a report.
pub async fn list(store: &Store, report: ReportId) -> Result<Vec<ReportRun>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        run_columns!(),
        " FROM report_runs AS run WHERE run.report = $1 ORDER BY run.id DESC LIMIT $2"
    );
    store.query(SQL, &[&report, &RUNS_KEPT]).await?.iter().map(|row| run_of(row, 0)).collect()
}

/// Document of a run, with the details for its file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDocument {
    /// Name of the report.
    pub report_name: String,
    /// Time zone of the report.
    pub tz: String,
    /// Period that the report covers.
    pub period: Period,
    /// Content of the file.
    pub bytes: Vec<u8>,
}

/// Format of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentFormat {
    /// HTML for browsers.
    Html,
    /// PDF of the same page.
    Pdf,
}

/// Returns a document; `None` if the run does not exist or the document is not kept.
pub async fn document(
    store: &Store,
    run: ReportRunId,
    format: DocumentFormat,
) -> Result<Option<StoredDocument>, StoreError> {
    const SQL: &str = "
        SELECT report.name, report.tz, run.period_from, run.period_to,
            CASE WHEN $2 THEN run.pdf ELSE convert_to(run.page, 'UTF8') END
        FROM report_runs AS run JOIN reports AS report ON report.id = run.report WHERE run.id = $1";
    let Some(row) = store.query_opt(SQL, &[&run, &(format == DocumentFormat::Pdf)]).await? else {
        return Ok(None);
    };
    let bytes: Option<Vec<u8>> = row.try_get(4)?;
    let period = Period { from: row.try_get(2)?, to: row.try_get(3)? };
    let (report_name, tz) = (row.try_get(0)?, row.try_get(1)?);
    Ok(bytes.map(|bytes| StoredDocument { report_name, tz, period, bytes }))
}

/// Claims a run that is due for the duration of `lease`. If the process dies, another one continues after the lease
/// ends, and sends the same documents under the same id.
pub async fn claim(store: &Store, lease: Duration) -> Result<Option<ClaimedRun>, StoreError> {
    const SQL: &str = "
        UPDATE report_runs AS run SET lease = gen_random_uuid(), leased_until = now() + make_interval(secs => $1)
        FROM (
            SELECT id FROM report_runs
            WHERE state = 'pending' AND next_attempt_at <= now() AND leased_until <= now()
            ORDER BY next_attempt_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
        ) AS free
        WHERE run.id = free.id
        RETURNING run.id, run.report, run.period_from, run.period_to, run.n_attempts, run.lease,
            run.page, run.mail, run.plain, run.pdf, run.pdf_error";
    let Some(row) = store.query_opt(SQL, &[&lease.as_secs_f64()]).await? else { return Ok(None) };
    let n_attempts: i32 = row.try_get(4)?;
    let documents = match (row.try_get(6)?, row.try_get(7)?, row.try_get(8)?) {
        (Some(page), Some(mail), Some(plain)) => {
            let pdf: Option<Vec<u8>> = row.try_get(9)?;
            let error: Option<String> = row.try_get(10)?;
            Some(RunDocuments { page, mail, plain, pdf: pdf.ok_or_else(|| error.unwrap_or_default()) })
        }
        _ => None,
    };
    Ok(Some(ClaimedRun {
        id: row.try_get(0)?,
        report: row.try_get(1)?,
        period: Period { from: row.try_get(2)?, to: row.try_get(3)? },
        n_attempts: usize::try_from(n_attempts).unwrap_or(0),
        documents,
        lease: row.try_get(5)?,
    }))
}

/// Stores the documents of a claimed run and extends its lease. Returns false if the lease has ended, in which case
/// another process may have created documents, and only those must be sent.
pub async fn keep_documents(
    store: &Store,
    run: &ClaimedRun,
    documents: &RunDocuments,
    lease: Duration,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE report_runs SET page = $3, mail = $4, plain = $5, pdf = $6, pdf_error = $7,
            leased_until = now() + make_interval(secs => $8)
        WHERE id = $1 AND lease = $2 AND state = 'pending'";
    let RunDocuments { page, mail, plain, pdf } = documents;
    let (pdf, pdf_error) = (pdf.as_ref().ok(), pdf.as_ref().err());
    let seconds = lease.as_secs_f64();
    let n_rows =
        store.execute(SQL, &[&run.id, &run.lease, page, mail, plain, &pdf, &pdf_error, &seconds]).await?;
    Ok(n_rows > 0)
}

/// Records the outcome of an attempt and releases the run.
///
/// This is correct even after the lease has expired: the attempt did take place, and the caller releases only its own
/// lease.
pub async fn settle(store: &Store, run: &ClaimedRun, outcome: &RunOutcome) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE report_runs SET state = $3, error = $4, n_attempts = n_attempts + 1,
            next_attempt_at = now() + make_interval(secs => $5),
            sent_at = CASE WHEN $3 = 'sent' THEN now() END,
            leased_until = CASE WHEN lease = $2 THEN now() ELSE leased_until END
        WHERE id = $1 AND state = 'pending'";
    let (state, error, wait) = match outcome {
        RunOutcome::Sent => (RunState::Sent, None, Duration::ZERO),
        RunOutcome::Retry(error, wait) => (RunState::Pending, Some(error), *wait),
        RunOutcome::Failed(error) => (RunState::Failed, Some(error), Duration::ZERO),
    };
    store.execute(SQL, &[&run.id, &run.lease, &state.as_str(), &error, &wait.as_secs_f64()]).await?;
    Ok(())
}

/// Deletes old runs and the documents of runs that are no longer among the newest.
pub async fn expire(store: &Store) -> Result<(), StoreError> {
    const RUNS: &str = "
        DELETE FROM report_runs WHERE id IN (
            SELECT id FROM (
                SELECT id, state, row_number() OVER (PARTITION BY report ORDER BY id DESC) AS place FROM report_runs
            ) AS run WHERE place > $1 AND state <> 'pending')";
    const DOCUMENTS: &str = "
        UPDATE report_runs SET page = NULL, mail = NULL, plain = NULL, pdf = NULL
        WHERE page IS NOT NULL AND id IN (
            SELECT id FROM (
                SELECT id, state, created_at, row_number() OVER (PARTITION BY report ORDER BY id DESC) AS place
                FROM report_runs
            ) AS run
            WHERE state <> 'pending' AND (place > $1 OR created_at < now() - make_interval(days => $2)))";
    store.execute(RUNS, &[&RUNS_KEPT]).await?;
    store.execute(DOCUMENTS, &[&DOCUMENTS_KEPT, &DOCUMENT_DAYS_MAX]).await?;
    Ok(())
}

/// Reads the run whose columns begin at `first`.
pub(super) fn run_of(row: &Row, first: usize) -> Result<ReportRun, StoreError> {
    let state = enum_at(row, first + 5, &RunState::ALL, RunState::as_str)?;
    let next_attempt_at = row.try_get(first + 8)?;
    Ok(ReportRun {
        id: row.try_get(first)?,
        report: row.try_get(first + 1)?,
        due_at: row.try_get(first + 2)?,
        period: Period { from: row.try_get(first + 3)?, to: row.try_get(first + 4)? },
        state,
        attempts: row.try_get(first + 6)?,
        error: row.try_get(first + 7)?,
        next_attempt_at: (state == RunState::Pending).then_some(next_attempt_at),
        html: row.try_get(first + 9)?,
        pdf: row.try_get(first + 10)?,
        pdf_error: row.try_get(first + 11)?,
        created_at: row.try_get(first + 12)?,
        sent_at: row.try_get(first + 13)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::schedules::tests::{draft, period};
    use super::super::schedules::{self, create};
    use super::*;
    use crate::store::testing::{channel, execute, number, test_store};

    const LEASE: Duration = Duration::from_secs(3_600);

    async fn report(store: &Store) -> ReportId {
        let channel = channel(store, "email", "info").await;
        create(store, &draft(channel), None).await.unwrap().unwrap().id
    }

    fn documents() -> RunDocuments {
        let pdf = Err("Chromium was not found".to_owned());
        RunDocuments { page: "<p>".to_owned(), mail: "<b>".to_owned(), plain: "text".to_owned(), pdf }
    }

    #[tokio::test]
    async fn a_run_that_a_dead_process_left_behind_is_sent_with_the_same_documents() {
        let store = test_store().await;
        let report = report(&store).await;
        let made = request(&store, report, period()).await.unwrap().unwrap();
        assert_eq!(request(&store, report, period()).await.unwrap(), None);
        let claimed = claim(&store, LEASE).await.unwrap().unwrap();
        assert_eq!((claimed.id, claimed.period, &claimed.documents), (made.id, period(), &None));
        assert_eq!(claim(&store, LEASE).await.unwrap(), None);
        assert!(keep_documents(&store, &claimed, &documents(), LEASE).await.unwrap());

        execute(&store, "UPDATE report_runs SET leased_until = now()").await;
        let again = claim(&store, LEASE).await.unwrap().unwrap();
        assert_eq!((again.id, again.documents.clone()), (made.id, Some(documents())));
        assert!(!keep_documents(&store, &claimed, &documents(), LEASE).await.unwrap());
        settle(&store, &again, &RunOutcome::Sent).await.unwrap();
        let sent = list(&store, report).await.unwrap().remove(0);
        assert_eq!((sent.state, sent.attempts, sent.html, sent.pdf), (RunState::Sent, 1, true, false));
        assert_eq!(sent.pdf_error.as_deref(), Some("Chromium was not found"));
        assert!(request(&store, report, period()).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_failed_attempt_is_repeated_after_its_delay() {
        let store = test_store().await;
        let report = report(&store).await;
        request(&store, report, period()).await.unwrap();
        let claimed = claim(&store, LEASE).await.unwrap().unwrap();
        let retry = RunOutcome::Retry("no connection".to_owned(), Duration::from_secs(3_600));
        settle(&store, &claimed, &retry).await.unwrap();
        assert_eq!(claim(&store, LEASE).await.unwrap(), None);
        let waiting = list(&store, report).await.unwrap().remove(0);
        assert_eq!((waiting.state, waiting.error.as_deref()), (RunState::Pending, Some("no connection")));
        assert!(waiting.next_attempt_at.is_some());
        execute(&store, "UPDATE report_runs SET next_attempt_at = now()").await;
        let claimed = claim(&store, LEASE).await.unwrap().unwrap();
        assert_eq!(claimed.n_attempts, 1);
        settle(&store, &claimed, &RunOutcome::Failed("gone".to_owned())).await.unwrap();
        let failed = list(&store, report).await.unwrap().remove(0);
        assert_eq!((failed.state, failed.attempts, failed.next_attempt_at), (RunState::Failed, 2, None));
    }

    #[tokio::test]
    async fn documents_are_kept_for_the_newest_runs_and_not_forever() {
        let store = test_store().await;
        let report = report(&store).await;
        let fill = format!(
            "INSERT INTO report_runs (id, report, period_from, period_to, state, next_attempt_at, leased_until,
                created_at, page, pdf)
            SELECT gen_random_uuid(), '{report}', now(), now(), 'sent', now(), now(), now(), 'p', 'b'
            FROM generate_series(1, 120)"
        );
        execute(&store, &fill).await;
        expire(&store).await.unwrap();
        assert_eq!(number(&store, "SELECT count(*) FROM report_runs").await, RUNS_KEPT);
        assert_eq!(number(&store, "SELECT count(pdf) FROM report_runs").await, DOCUMENTS_KEPT);
        execute(&store, "UPDATE report_runs SET created_at = now() - interval '91 days'").await;
        expire(&store).await.unwrap();
        assert_eq!(number(&store, "SELECT count(page) FROM report_runs").await, 0);
        schedules::delete(&store, report).await.unwrap();
        assert_eq!(number(&store, "SELECT count(*) FROM report_runs").await, 0);
    }

    #[tokio::test]
    async fn a_document_comes_with_the_name_of_its_report() {
        let store = test_store().await;
        let report = report(&store).await;
        let run = request(&store, report, period()).await.unwrap().unwrap().id;
        assert_eq!(document(&store, run, DocumentFormat::Html).await.unwrap(), None);
        let claimed = claim(&store, LEASE).await.unwrap().unwrap();
        keep_documents(&store, &claimed, &documents(), LEASE).await.unwrap();
        let found = document(&store, run, DocumentFormat::Html).await.unwrap().unwrap();
        assert_eq!((found.report_name.as_str(), found.bytes.as_slice()), ("Weekly", &b"<p>"[..]));
        assert_eq!(document(&store, run, DocumentFormat::Pdf).await.unwrap(), None);
    }
}
