//! Advisory lock numbers. They apply to the whole database. Two locks cannot share a number, because the enum would not
//! compile.

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::{Store, StoreError};

/// Resource that an advisory lock protects.
#[repr(i64)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lock {
    /// The schema, while migrations run.
    Migration = 0x6773_0001,
    /// Rows that post expiry deletes.
    Expiry = 0x6773_0002,
    /// Fine buckets that are being merged into minutes.
    Compaction = 0x6773_0003,
    /// The set of partitions.
    Partitions = 0x6773_0004,
    /// Lease of the process that evaluates the alert rules.
    RuleEvaluation = 0x6773_0005,
    /// Lease of the process that detects anomalies.
    AnomalyDetection = 0x6773_0006,
    /// Every alert, against concurrent changes.
    Alerts = 0x6773_0007,
    /// The limit on the number of saved views.
    ViewCount = 0x6773_0008,
    /// The limit on the number of silences that have not ended.
    SilenceCount = 0x6773_0009,
    /// The limit on the number of alert rules.
    RuleCount = 0x6773_000a,
    /// The limit on the number of notification channels.
    ChannelCount = 0x6773_000b,
    /// The limit on the number of annotations.
    AnnotationCount = 0x6773_000c,
    /// The work on every post, against concurrent changes.
    PostWork = 0x6773_000d,
    /// The limit on the number of topics.
    TopicCount = 0x6773_000e,
    /// The limit on the number of reports.
    ReportCount = 0x6773_000f,
    /// The limit on the number of share links.
    ShareLinkCount = 0x6773_0010,
    /// The limit on the number of sources.
    SourceCount = 0x6773_0011,
    /// Which process applies topics to stored posts.
    TopicJobs = 0x6773_0012,
    /// The number of accounts: its limit, and that there is only one first account.
    UserCount = 0x6773_0013,
    /// The accounts that administer the installation, of which one must stay.
    Admins = 0x6773_0016,
    /// The limit on the number of invitations.
    InvitationCount = 0x6773_0017,
    /// The end of the audit log's chain.
    AuditChain = 0x6773_0018,
    /// The limit on the number of API keys of one owner, and their rotation.
    ApiKeyCount = 0x6773_0014,
    /// The limit on the number of clients.
    ClientCount = 0x6773_0015,
    /// The set of signing keys.
    SigningKeys = 0x6773_0019,
}

impl Lock {
    /// Returns the number that identifies the lock to PostgreSQL.
    pub(super) const fn number(self) -> i64 {
        self as i64
    }
}

/// Acquires the lock, waiting if necessary. The transaction holds it until it ends.
pub(super) async fn take(transaction: &Transaction<'_>, lock: Lock) -> Result<(), StoreError> {
    let statement = transaction.prepare_cached("SELECT pg_advisory_xact_lock($1)").await?;
    transaction.execute(&statement, &[&lock.number()]).await?;
    Ok(())
}

/// Serializes transactions that change alerts. One lock covers all alerts: one lock per alert would exhaust the
/// server's lock table when thousands change at once.
pub(super) async fn take_alerts(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    take(transaction, Lock::Alerts).await
}

/// Runs an `INSERT … SELECT … WHERE (SELECT count(*) …) < cap` under a lock. Returns `None` if the cap has been
/// reached.
///
/// Without the lock, concurrent statements would count the same rows, and each would insert what it believes to be the
/// last allowed row. The count is read under the lock, so it includes every row previously inserted under it.
pub(super) async fn insert_under_cap(
    store: &Store,
    lock: Lock,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Option<Row>, StoreError> {
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            take(&transaction, lock).await?;
            let row = transaction.query_opt(sql, values).await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(row)
        })
        .await
}
