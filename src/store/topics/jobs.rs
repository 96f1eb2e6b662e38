//! Jobs that apply topics to stored posts. The database provides all times, so the clocks of processes need not agree.

use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::models::id::{PostId, TopicId, TopicJobId};
use crate::models::person_name::Stamp;
use crate::models::topic_history::{TopicJob, TopicJobState};
use crate::store::codec::enum_at;
use crate::store::locks::{self, Lock};
use crate::store::{Store, StoreError};

/// How long a process holds a job after it last made progress. After a crash, another process takes over once the lease
/// has expired.
pub const LEASE: Duration = Duration::from_secs(15);

/// Maximum number of jobs to keep per topic; creating another one deletes the oldest.
const KEPT_MAX: i64 = 50;

/// Columns that [`job_of`] reads.
macro_rules! columns {
    () => {
        "id, topic_id, state, from_time, to_time, n_posts_read, n_posts_changed, n_posts_total, error, created_at,
         created_by, updated_at, finished_at"
    };
}

/// Outcome of creating a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// The job was created.
    Job(Box<TopicJob>),
    /// Another job of the topic has not ended.
    Unfinished,
    /// The topic does not exist.
    Unknown,
}

/// Outcome of cancelling a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// The job was cancelled by this call.
    Now,
    /// The job had already ended.
    Ended,
    /// The topic has no such job.
    Unknown,
}

/// Job that a process runs until its lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedJob {
    /// Id of the job.
    pub id: TopicJobId,
    /// Id of the topic.
    pub topic: TopicId,
    /// Name of the topic.
    pub name: String,
    /// Query of the topic.
    pub query: String,
    /// Former names of the topic, except those that other topics have now.
    pub former_names: Vec<String>,
    /// Version of the topic with this name and query.
    pub version: Timestamp,
    /// Event time of the oldest post to read.
    pub from: Timestamp,
    /// Time at which the job began.
    pub to: Timestamp,
    /// Event time and id of the last post that was read; `None` at the start.
    pub position: Option<(Timestamp, PostId)>,
}

/// Creates a job that applies a topic to the posts of the last `days` days.
pub async fn create(store: &Store, topic: TopicId, days: u32, stamp: &Stamp) -> Result<Created, StoreError> {
    const PRUNE: &str = "
        DELETE FROM topic_jobs WHERE topic_id = $1 AND finished_at IS NOT NULL AND id NOT IN
            (SELECT id FROM topic_jobs WHERE topic_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2)";
    // Whole hours, and then the rest.
    const SQL: &str = concat!(
        "INSERT INTO topic_jobs
            (id, topic_id, from_time, to_time, state, n_posts_total, created_at, created_by, updated_at)
        SELECT $1, id, now() - make_interval(days => $3), now(), 'queued', (
            SELECT coalesce(sum(count), 0)::bigint FROM (
                SELECT count FROM sentiment_rollup_hours WHERE dimension = 'overall'
                    AND bucket >= now() - make_interval(days => $3) AND bucket < (SELECT until FROM rollup_hours_until)
                UNION ALL
                SELECT count FROM sentiment_rollups WHERE dimension = 'overall' AND bucket >=
                    greatest(now() - make_interval(days => $3), (SELECT until FROM rollup_hours_until))
            ) AS rolled_up
        ), now(), $4, now()
        FROM topics WHERE id = $2
        RETURNING ",
        columns!()
    );
    let (id, days, by) = (TopicJobId::now_v7(), i32::try_from(days).unwrap_or(i32::MAX), stamp.name());
    let created = store
        .run(async |client| {
            let transaction = client.transaction().await?;
            transaction.execute(PRUNE, &[&topic, &(KEPT_MAX - 1)]).await?;
            let values: [&(dyn ToSql + Sync); 4] = [&id, &topic, &days, &by];
            let row = transaction.query_opt(SQL, &values).await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(row)
        })
        .await;
    match created {
        Ok(Some(row)) => Ok(Created::Job(Box::new(job_of(&row)?))),
        Ok(None) => Ok(Created::Unknown),
        Err(StoreError::Refused { code, .. }) if code == SqlState::UNIQUE_VIOLATION.code() => {
            Ok(Created::Unfinished)
        }
        Err(error) => Err(error),
    }
}

/// Returns the jobs of a topic, newest first; `None` if the topic does not exist.
pub async fn list(store: &Store, topic: TopicId) -> Result<Option<Vec<TopicJob>>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM topic_jobs WHERE topic_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2"
    );
    let rows = store.query(SQL, &[&topic, &KEPT_MAX]).await?;
    if rows.is_empty() && super::get(store, topic).await?.is_none() {
        return Ok(None);
    }
    rows.iter().map(job_of).collect::<Result<_, _>>().map(Some)
}

/// Cancels a job. Posts that it has already changed stay as they are.
pub async fn cancel(store: &Store, topic: TopicId, job: TopicJobId) -> Result<Cancelled, StoreError> {
    const CANCEL: &str = "
        UPDATE topic_jobs SET state = 'cancelled', lease_holder = NULL, updated_at = now(), finished_at = now()
        WHERE id = $1 AND topic_id = $2 AND state IN ('queued', 'running')";
    const EXISTS: &str = "SELECT FROM topic_jobs WHERE id = $1 AND topic_id = $2";
    if store.execute(CANCEL, &[&job, &topic]).await? > 0 {
        return Ok(Cancelled::Now);
    }
    let exists = store.query_opt(EXISTS, &[&job, &topic]).await?.is_some();
    Ok(if exists { Cancelled::Ended } else { Cancelled::Unknown })
}

/// Claims, for [`LEASE`], the job to continue: a running one that this process holds or another process has abandoned,
/// otherwise the oldest one in the queue. Returns `None` while another process runs a job.
///
/// A job waits until `settled_for` has passed since its topic last changed. By then, every process knows the topic and
/// has stored the posts that were matched against its previous version. If the topic has changed since the job began,
/// the job starts over.
pub async fn claim(
    store: &Store,
    holder: Uuid,
    settled_for: Duration,
) -> Result<Option<ClaimedJob>, StoreError> {
    const SQL: &str = "
        UPDATE topic_jobs AS job SET
            state = 'running', lease_holder = $1, leased_until = now() + make_interval(secs => $2), updated_at = now(),
            topic_version = topic.updated_at,
            to_time = CASE WHEN topic_version = topic.updated_at THEN to_time ELSE now() END,
            position_at = CASE WHEN topic_version = topic.updated_at THEN position_at END,
            position_id = CASE WHEN topic_version = topic.updated_at THEN position_id END,
            n_posts_read = CASE WHEN topic_version = topic.updated_at THEN n_posts_read ELSE 0 END
        FROM topics AS topic
        WHERE topic.id = job.topic_id AND job.id = (
            SELECT job.id FROM topic_jobs AS job JOIN topics AS topic ON topic.id = job.topic_id
            WHERE job.state IN ('queued', 'running')
                AND (job.lease_holder IS NULL OR job.lease_holder = $1 OR job.leased_until < now())
                AND greatest(job.created_at, topic.updated_at) <= now() - make_interval(secs => $3)
                AND NOT EXISTS (
                    SELECT FROM topic_jobs AS other
                    WHERE other.state = 'running' AND other.lease_holder <> $1 AND other.leased_until >= now())
            ORDER BY job.state = 'running' DESC, job.created_at, job.id LIMIT 1
        )
        RETURNING job.id, topic.id, topic.name, topic.query, topic.updated_at, job.from_time, job.to_time,
            job.position_at, job.position_id, ARRAY(
                SELECT former FROM unnest(topic.former_names) AS former
                WHERE NOT EXISTS (SELECT FROM topics AS other WHERE lower(other.name) = lower(former)))";
    let values: [&(dyn ToSql + Sync); 3] = [&holder, &LEASE.as_secs_f64(), &settled_for.as_secs_f64()];
    let row = store
        .run(async |client| {
            let transaction = client.transaction().await?;
            // Otherwise, two processes could each claim a job.
            locks::take(&transaction, Lock::TopicJobs).await?;
            let row = transaction.query_opt(SQL, &values).await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(row)
        })
        .await?;
    row.as_ref().map(claimed_of).transpose()
}

/// Returns a job that this process holds to the queue, so that any process can continue it at once.
pub async fn release(store: &Store, job: TopicJobId, holder: Uuid) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE topic_jobs SET state = 'queued', lease_holder = NULL
        WHERE id = $1 AND lease_holder = $2 AND state = 'running'";
    store.execute(SQL, &[&job, &holder]).await?;
    Ok(())
}

/// Marks a job that this process holds as failed.
pub async fn fail(store: &Store, job: TopicJobId, holder: Uuid, error: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE topic_jobs SET
            state = 'failed', error = $3, lease_holder = NULL, updated_at = now(), finished_at = now()
        WHERE id = $1 AND lease_holder = $2 AND state = 'running'";
    store.execute(SQL, &[&job, &holder, &error]).await?;
    Ok(())
}

fn job_of(row: &Row) -> Result<TopicJob, StoreError> {
    let count = |index: usize| Ok::<_, StoreError>(row.try_get::<_, i64>(index)?.unsigned_abs());
    Ok(TopicJob {
        id: row.try_get(0)?,
        topic_id: row.try_get(1)?,
        state: enum_at(row, 2, &TopicJobState::ALL, TopicJobState::as_str)?,
        from: row.try_get(3)?,
        to: row.try_get(4)?,
        posts_read: count(5)?,
        posts_changed: count(6)?,
        posts_total: count(7)?,
        error: row.try_get(8)?,
        created_at: row.try_get(9)?,
        created_by: row.try_get(10)?,
        updated_at: row.try_get(11)?,
        finished_at: row.try_get(12)?,
    })
}

fn claimed_of(row: &Row) -> Result<ClaimedJob, StoreError> {
    let position: (Option<Timestamp>, Option<PostId>) = (row.try_get(7)?, row.try_get(8)?);
    Ok(ClaimedJob {
        id: row.try_get(0)?,
        topic: row.try_get(1)?,
        name: row.try_get(2)?,
        query: row.try_get(3)?,
        version: row.try_get(4)?,
        from: row.try_get(5)?,
        to: row.try_get(6)?,
        position: position.0.zip(position.1),
        former_names: row.try_get(9)?,
    })
}
