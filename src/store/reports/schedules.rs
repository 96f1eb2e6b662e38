//! Definitions and due times of scheduled reports.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};

use super::runs::{self, run_columns};
use crate::models::id::{ReportId, ReportRunId};
use crate::models::report::{Cadence, NewReport, Period, Report, ReportRun, Schedule, Weekday};
use crate::store::codec::{PgTimestamp, enum_at};
use crate::store::locks::{Lock, insert_under_cap};
use crate::store::notifications::channels;
use crate::store::{Store, StoreError};

/// Maximum number of reports. A single list shows all of them.
pub const REPORTS_MAX: i64 = 100;

/// Maximum number of due reports to read at a time.
const DUE_MAX: i64 = 16;

/// Columns of a [`Report`] without its newest run, in the order that [`report_of`] reads them.
macro_rules! columns {
    () => {
        "report.id, report.name, report.enabled, report.cadence, report.weekday, report.day, report.hour, report.minute, \
         report.tz, report.filter, report.notification_channel, report.created_by, report.created_at, report.updated_at, \
         report.next_at, report.updated_by"
    };
}

/// Number of columns before those of the newest run.
const N_COLUMNS: usize = 16;

/// Reports with their newest runs.
macro_rules! select {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            ", ",
            run_columns!(),
            " FROM reports AS report
            LEFT JOIN LATERAL (
                SELECT * FROM report_runs WHERE report_runs.report = report.id ORDER BY report_runs.id DESC LIMIT 1
            ) AS run ON true "
        )
    };
}

/// Report to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportDraft {
    /// Validated definition of the report.
    pub new: NewReport,
    /// Time at which the report is next sent; `None` if it is disabled.
    pub next_at: Option<Timestamp>,
}

/// Returns all reports, sorted by name.
pub async fn list(store: &Store) -> Result<Vec<Report>, StoreError> {
    const SQL: &str =
        concat!(select!(), "ORDER BY lower(report.name), report.created_at, report.id LIMIT $1");
    store.query(SQL, &[&REPORTS_MAX]).await?.iter().map(with_run).collect()
}

/// Returns a report; `None` if it does not exist.
pub async fn get(store: &Store, id: ReportId) -> Result<Option<Report>, StoreError> {
    const SQL: &str = concat!(select!(), "WHERE report.id = $1");
    store.query_opt(SQL, &[&id]).await?.as_ref().map(with_run).transpose()
}

/// Creates a report. Returns `None` if there are already [`REPORTS_MAX`] reports. Fails with `UnknownChannel`.
pub async fn create(
    store: &Store,
    draft: &ReportDraft,
    created_by: Option<&str>,
) -> Result<Option<Report>, StoreError> {
    const SQL: &str = concat!(
        "INSERT INTO reports AS report (id, name, enabled, cadence, weekday, day, hour, minute, tz, filter,
            notification_channel, next_at, created_by, updated_by, created_at, updated_at)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, channel.id, $12, $13, $13, now(), now()
        FROM notification_channels AS channel
        WHERE channel.id = $11 AND (SELECT count(*) FROM reports) < $14
        FOR KEY SHARE OF channel
        RETURNING ",
        columns!()
    );
    require_channel(store, draft).await?;
    let id = ReportId::now_v7();
    let NewReport { name, enabled, schedule, filter, notification_channel } = &draft.new;
    let (day, hour, minute) = small(schedule);
    let (cadence, weekday) = (schedule.cadence.as_str(), schedule.weekday.as_str());
    let (filter, next_at) = (Json(filter), draft.next_at.map(PgTimestamp));
    let values: [&(dyn ToSql + Sync); 14] = [
        &id,
        name,
        enabled,
        &cadence,
        &weekday,
        &day,
        &hour,
        &minute,
        &schedule.tz,
        &filter,
        notification_channel,
        &next_at,
        &created_by,
        &REPORTS_MAX,
    ];
    insert_under_cap(store, Lock::ReportCount, SQL, &values).await?.as_ref().map(report_of).transpose()
}

/// Replaces a report. Returns `None` if it does not exist. Fails with `UnknownChannel`.
pub async fn update(
    store: &Store,
    id: ReportId,
    draft: &ReportDraft,
    updated_by: Option<&str>,
) -> Result<Option<Report>, StoreError> {
    const SQL: &str = "
        UPDATE reports SET name = $2, enabled = $3, cadence = $4, weekday = $5, day = $6, hour = $7, minute = $8, tz = $9,
            filter = $10, notification_channel = $11, next_at = $12, updated_at = now(),
            updated_by = $13
        WHERE id = $1";
    let NewReport { name, enabled, schedule, filter, notification_channel } = &draft.new;
    let (day, hour, minute) = small(schedule);
    let (cadence, weekday) = (schedule.cadence.as_str(), schedule.weekday.as_str());
    let (filter, next_at) = (Json(filter), draft.next_at.map(PgTimestamp));
    let values: [&(dyn ToSql + Sync); 13] = [
        &id,
        name,
        enabled,
        &cadence,
        &weekday,
        &day,
        &hour,
        &minute,
        &schedule.tz,
        &filter,
        notification_channel,
        &next_at,
        &updated_by,
    ];
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            channels::hold(&transaction, &[*notification_channel]).await?;
            transaction.execute(SQL, &values).await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(())
        })
        .await?;
    get(store, id).await
}

/// Deletes a report with its runs, and returns whether it existed.
pub async fn delete(store: &Store, id: ReportId) -> Result<bool, StoreError> {
    Ok(store.execute("DELETE FROM reports WHERE id = $1", &[&id]).await? > 0)
}

/// Returns reports that are due, the most overdue first.
pub async fn due(store: &Store, now: Timestamp) -> Result<Vec<Report>, StoreError> {
    const SQL: &str = concat!(select!(), "WHERE report.next_at <= $1 ORDER BY report.next_at LIMIT $2");
    store.query(SQL, &[&PgTimestamp(now), &DUE_MAX]).await?.iter().map(with_run).collect()
}

/// Run to create for a report that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueRun {
    /// Report that is due.
    pub report: ReportId,
    /// `next_at` of the report, as read.
    pub was_next_at: Timestamp,
    /// Time at which the report was due, and the period that it covers; `None` to skip the run and only update the due
    /// time.
    pub occurrence: Option<(Timestamp, Period)>,
    /// Time at which the report is due again.
    pub next_at: Option<Timestamp>,
}

/// Creates a run for a due report and updates its due time, and returns whether it did. Does neither if another process
/// was faster, or a person has changed the report in the meantime. Each due time therefore has exactly one run, however
/// many processes there are.
pub async fn start_run(store: &Store, due: &DueRun) -> Result<bool, StoreError> {
    const MOVE_ON: &str = "UPDATE reports SET next_at = $3 WHERE id = $1 AND next_at = $2";
    let was_next_at = PgTimestamp(due.was_next_at);
    let next_at = due.next_at.map(PgTimestamp);
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            if transaction.execute(MOVE_ON, &[&due.report, &was_next_at, &next_at]).await? == 0 {
                return Ok(false);
            }
            if let Some((at, period)) = due.occurrence {
                runs::insert(&transaction, due.report, (Some(at), period)).await?;
            }
            transaction.commit().await?;
            Ok::<_, StoreError>(true)
        })
        .await
}

async fn require_channel(store: &Store, draft: &ReportDraft) -> Result<(), StoreError> {
    let id = draft.new.notification_channel;
    match channels::get(store, id).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::UnknownChannel { id }),
    }
}

fn small(schedule: &Schedule) -> (i16, i16, i16) {
    (schedule.day.into(), schedule.hour.into(), schedule.minute.into())
}

fn report_of(row: &Row) -> Result<Report, StoreError> {
    let Json(filter) = row.try_get(9)?;
    Ok(Report {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        enabled: row.try_get(2)?,
        schedule: Schedule {
            cadence: enum_at(row, 3, &Cadence::ALL, Cadence::as_str)?,
            weekday: enum_at(row, 4, &Weekday::ALL, Weekday::as_str)?,
            day: small_at(row, 5)?,
            hour: small_at(row, 6)?,
            minute: small_at(row, 7)?,
            tz: row.try_get(8)?,
        },
        filter,
        notification_channel: row.try_get(10)?,
        created_by: row.try_get(11)?,
        created_at: row.try_get(12)?,
        updated_at: row.try_get(13)?,
        next_at: row.try_get(14)?,
        updated_by: row.try_get(15)?,
        last_run: None,
    })
}

fn with_run(row: &Row) -> Result<Report, StoreError> {
    let has_run: Option<ReportRunId> = row.try_get(N_COLUMNS)?;
    let last_run: Option<ReportRun> = has_run.map(|_| runs::run_of(row, N_COLUMNS)).transpose()?;
    Ok(Report { last_run, ..report_of(row)? })
}

fn small_at(row: &Row, column: usize) -> Result<i8, StoreError> {
    let value: i16 = row.try_get(column)?;
    i8::try_from(value).map_err(|_| StoreError::internal(format!("`{value}` is out of range")))
}

#[cfg(test)]
pub(in crate::store) mod tests {
    use super::*;
    use crate::models::id::ChannelId;
    use crate::models::person_name::Stamp;
    use crate::models::report::RunState;
    use crate::store::testing::{channel, created_at_once, execute, number, test_store};

    pub(in crate::store) fn draft(channel: ChannelId) -> ReportDraft {
        let json = serde_json::json!({
            "name": "Weekly", "schedule": {"cadence": "weekly", "weekday": "friday", "hour": 8, "tz": "Europe/Berlin"},
            "filter": {"product": "Tide", "city": ""}, "notification_channel": channel,
        });
        let next_at = "2026-11-27T07:00:00Z".parse().unwrap();
        ReportDraft { new: serde_json::from_value(json).unwrap(), next_at: Some(next_at) }
    }

    pub(in crate::store) fn period() -> Period {
        Period { from: "2026-11-19T23:00:00Z".parse().unwrap(), to: "2026-11-26T23:00:00Z".parse().unwrap() }
    }

    #[tokio::test]
    async fn reports_are_created_listed_changed_and_deleted() {
        let store = test_store().await;
        let channel = channel(&store, "email", "info").await;
        let made = create(&store, &draft(channel), Some("Ann")).await.unwrap().unwrap();
        assert_eq!(made.schedule, draft(channel).new.schedule);
        assert_eq!(
            (made.filter.clone(), made.created_by.as_deref()),
            (draft(channel).new.filter, Some("Ann"))
        );
        assert_eq!(list(&store).await.unwrap(), std::slice::from_ref(&made));
        let mut changed = draft(channel);
        changed.new.name = "A".to_owned();
        changed.next_at = None;
        let changed = update(&store, made.id, &changed, Some("Bob")).await.unwrap().unwrap();
        assert_eq!(
            (changed.name.as_str(), changed.next_at, changed.created_at),
            ("A", None, made.created_at)
        );
        assert_eq!(
            (changed.created_by.as_deref(), changed.updated_by.as_deref()),
            (Some("Ann"), Some("Bob"))
        );
        assert_eq!(update(&store, ReportId::now_v7(), &draft(channel), None).await.unwrap(), None);
        assert!(delete(&store, made.id).await.unwrap() && !delete(&store, made.id).await.unwrap());
        assert_eq!(list(&store).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_channel_must_exist_and_stays_while_a_report_uses_it() {
        let store = test_store().await;
        let unknown = create(&store, &draft(ChannelId::now_v7()), None).await;
        assert!(matches!(unknown, Err(StoreError::UnknownChannel { .. })));
        let channel = channel(&store, "email", "info").await;
        let made = create(&store, &draft(channel), None).await.unwrap().unwrap();
        let unknown = update(&store, made.id, &draft(ChannelId::now_v7()), None).await;
        assert!(matches!(unknown, Err(StoreError::UnknownChannel { .. })));
        let kept = channels::delete(&store, channel, &Stamp::without_name(Timestamp::now())).await.unwrap();
        assert_eq!(kept, channels::Removal::InUseByReports(vec!["Weekly".to_owned()]));
        delete(&store, made.id).await.unwrap();
        assert_eq!(
            channels::delete(&store, channel, &Stamp::without_name(Timestamp::now())).await.unwrap(),
            channels::Removal::Removed
        );
    }

    #[tokio::test]
    async fn the_cap_on_reports_holds_under_concurrent_creation() {
        let store = test_store().await;
        let channel = channel(&store, "email", "info").await;
        let fill = format!(
            "INSERT INTO reports SELECT gen_random_uuid(), 'n', true, 'daily', 'monday', 1, 8, 0, 'UTC', '{{}}',
                '{channel}', NULL, now(), now(), NULL FROM generate_series(1, 97)"
        );
        execute(&store, &fill).await;
        let make = async || create(&store, &draft(channel), None).await.unwrap();
        assert_eq!(created_at_once(&store, "reports", make).await, 3);
    }

    #[tokio::test]
    async fn of_processes_that_see_a_report_due_one_starts_a_run() {
        let store = test_store().await;
        let channel = channel(&store, "email", "info").await;
        let made = create(&store, &draft(channel), None).await.unwrap().unwrap();
        let at = made.next_at.unwrap();
        assert_eq!(due(&store, at - jiff::SignedDuration::from_secs(1)).await.unwrap(), []);
        assert_eq!(due(&store, at).await.unwrap(), std::slice::from_ref(&made));
        let next_at = Some("2026-12-04T07:00:00Z".parse().unwrap());
        let run = DueRun { report: made.id, was_next_at: at, occurrence: Some((at, period())), next_at };
        let started = tokio::join!(start_run(&store, &run), start_run(&store, &run), start_run(&store, &run));
        let started = [started.0.unwrap(), started.1.unwrap(), started.2.unwrap()];
        assert_eq!(started.into_iter().filter(|started| *started).count(), 1);
        assert_eq!(number(&store, "SELECT count(*) FROM report_runs").await, 1);
        let moved = get(&store, made.id).await.unwrap().unwrap();
        assert_eq!(moved.next_at, next_at);
        let run = moved.last_run.unwrap();
        assert_eq!((run.due_at, run.period, run.state), (Some(at), period(), RunState::Pending));
        assert_eq!(due(&store, at).await.unwrap(), []);
    }
}
