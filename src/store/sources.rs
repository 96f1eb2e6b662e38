//! Reads and writes sources. The database provides all times of leases, so the clocks of processes need not agree.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::codec::{PgTimestamp, enum_at};
use super::locks::{Lock, insert_under_cap};
use super::{Store, StoreError};
use crate::models::id::SourceId;
use crate::models::person_name::Stamp;
use crate::models::source::usage::Unit;
use crate::models::source::{
    Checkpoint, Network, NewSource, Source, SourceChange, SourceCounts, SourceGap, SourceReport, SourceState,
};

/// Maximum number of sources.
pub const SOURCES_MAX: i64 = 100;

/// How long a process holds a source after it last renewed its lease. After a crash, another process takes over once
/// the lease has expired.
pub const LEASE: Duration = Duration::from_secs(15);

/// Maximum number of gaps that are listed for a source.
const GAPS_LISTED_MAX: i64 = 100;

/// Reason for the state of a source that has not reported yet.
const STARTING: &str = "starting";

/// Reason for the state of a source that no process holds.
const NOT_HELD: &str = "no process with the role `ingest` is running";

/// Columns that [`source_of`] reads, from a table named `source`.
macro_rules! columns {
    () => {
        "source.id, source.network, source.name, source.settings, source.state, source.reason, source.checkpoint,
         source.lag_seconds, source.last_post_at, source.offered, source.stored, source.rejected, source.erased,
         source.created_at, source.updated_at, source.updated_by,
         NOT source.paused AND source.network <> 'webhook'
             AND coalesce(source.leased_until, source.created_at + interval '15 seconds') < now(),
         source.sealed_credentials IS NOT NULL, source.account AS of_account, source.created_by"
    };
}

// Declared after the macro that it uses.
pub mod usage; // of the allowances of networks
pub mod webhook; // sources to which posts are delivered

/// Credentials of a source as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedCredentials {
    /// Encrypted credentials.
    pub sealed: Vec<u8>,
    /// Hash of the account that they were issued to.
    pub account: String,
}

/// Source to store.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceDraft {
    /// Id of the source, for which its secret is encrypted.
    pub id: SourceId,
    /// Source to create, as requested.
    pub new: NewSource,
    /// Encrypted secret that verifies deliveries, if the source is a webhook.
    pub sealed_secret: Option<Vec<u8>>,
    /// Encrypted credentials, if the network issued any.
    pub credentials: Option<SealedCredentials>,
}

/// Outcome of storing a source.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    /// The source was stored.
    Source(Box<Source>),
    /// Another source has this name.
    NameTaken,
    /// There are already [`SOURCES_MAX`] sources.
    Full,
    /// The source to change does not exist.
    Unknown,
}

/// Source that this process runs until its lease ends.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedSource {
    /// Source as stored, with its settings and position.
    pub source: Source,
    /// Encrypted credentials of the source, if there are any.
    pub credentials: Option<SealedCredentials>,
    /// Revision of the source, which changes whenever a person changes it.
    pub revision: i64,
}

/// Returns every source, sorted by name.
pub async fn list(store: &Store) -> Result<Vec<Source>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", columns!(), " FROM sources AS source ORDER BY lower(source.name) LIMIT $1");
    complete(store, &store.query(SQL, &[&SOURCES_MAX]).await?).await
}

/// Returns a source; `None` if it does not exist.
pub async fn get(store: &Store, id: SourceId) -> Result<Option<Source>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM sources AS source WHERE source.id = $1");
    Ok(complete(store, &store.query(SQL, &[&id]).await?).await?.pop())
}

/// Stores a new source. It waits until a process runs it, unless it is a webhook.
pub async fn create(store: &Store, draft: &SourceDraft, stamp: &Stamp) -> Result<Stored, StoreError> {
    const SQL: &str = concat!(
        "INSERT INTO sources AS source
            (id, created_at, updated_at, created_by, updated_by, network, name, settings, state, reason, sealed_secret,
            sealed_credentials, account)
        SELECT $1, $2, $2, $3, $3, $4, $5, $6, CASE WHEN $4 = 'webhook' THEN 'running' ELSE 'waiting' END,
            CASE WHEN $4 = 'webhook' THEN NULL ELSE $7 END, $9, $10, $11
        WHERE (SELECT count(*) FROM sources) < $8
        RETURNING ",
        columns!()
    );
    let SourceDraft { id, new, sealed_secret, credentials } = draft;
    let (sealed, account) = parts(credentials.as_ref());
    let (network, settings) = (new.network.as_str(), Json(&new.settings));
    let (at, by) = (PgTimestamp(stamp.at), stamp.name());
    let values: [&(dyn ToSql + Sync); 11] = [
        id,
        &at,
        &by,
        &network,
        &new.name,
        &settings,
        &STARTING,
        &SOURCES_MAX,
        sealed_secret,
        &sealed,
        &account,
    ];
    stored(store, insert_under_cap(store, Lock::SourceCount, SQL, &values).await, Stored::Full).await
}

/// Changes a source, which then restarts from its position. Credentials are tied to a host: changing `base_url` removes
/// them, so that nobody can have them sent elsewhere.
pub async fn change(
    store: &Store,
    id: SourceId,
    change: &SourceChange,
    stamp: &Stamp,
) -> Result<Stored, StoreError> {
    const SQL: &str = concat!(
        "UPDATE sources AS source SET
            name = coalesce($4, name), settings = coalesce($5, settings), revision = revision + 1,
            sealed_credentials = CASE WHEN coalesce($5, settings)->>'base_url' IS NOT DISTINCT FROM settings->>'base_url'
                THEN sealed_credentials END,
            account = CASE WHEN coalesce($5, settings)->>'base_url' IS NOT DISTINCT FROM settings->>'base_url'
                THEN account END,
            state = CASE WHEN paused OR network = 'webhook' THEN state ELSE 'waiting' END,
            reason = CASE WHEN paused OR network = 'webhook' THEN reason ELSE $6 END,
            updated_at = $2, updated_by = $3
        WHERE id = $1 RETURNING ",
        columns!()
    );
    let (at, by) = (PgTimestamp(stamp.at), stamp.name());
    let settings = change.settings.as_ref().map(Json);
    let values: [&(dyn ToSql + Sync); 6] = [&id, &at, &by, &change.name, &settings, &STARTING];
    stored(store, store.query_opt(SQL, &values).await, Stored::Unknown).await
}

/// Replaces the credentials of a source, which then restarts; `None` removes them.
pub async fn set_credentials(
    store: &Store,
    id: SourceId,
    credentials: Option<&SealedCredentials>,
    stamp: &Stamp,
) -> Result<Stored, StoreError> {
    const SQL: &str = concat!(
        "UPDATE sources AS source SET
            sealed_credentials = $4, account = $6, revision = revision + 1,
            state = CASE WHEN paused OR network = 'webhook' THEN state ELSE 'waiting' END,
            reason = CASE WHEN paused OR network = 'webhook' THEN reason ELSE $5 END, updated_at = $2, updated_by = $3
        WHERE id = $1 RETURNING ",
        columns!()
    );
    let (at, by) = (PgTimestamp(stamp.at), stamp.name());
    let (sealed, account) = parts(credentials);
    let values: [&(dyn ToSql + Sync); 6] = [&id, &at, &by, &sealed, &STARTING, &account];
    stored(store, store.query_opt(SQL, &values).await, Stored::Unknown).await
}

/// Returns the encrypted credentials of a source; `None` if it does not exist or has none.
pub async fn credentials(store: &Store, id: SourceId) -> Result<Option<SealedCredentials>, StoreError> {
    const SQL: &str = "SELECT sealed_credentials, account FROM sources WHERE id = $1";
    store.query_opt(SQL, &[&id]).await?.as_ref().map_or(Ok(None), credentials_of)
}

/// Returns whether a source of the network, other than `id`, has credentials of this account.
pub async fn shares_account(
    store: &Store,
    network: Network,
    (id, account): (SourceId, &str),
) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT EXISTS (SELECT FROM sources WHERE network = $1 AND account = $2 AND id <> $3)";
    Ok(store.query_one(SQL, &[&network.as_str(), &account, &id]).await?.try_get(0)?)
}

fn parts(credentials: Option<&SealedCredentials>) -> (Option<&[u8]>, Option<&str>) {
    credentials.map(|it| (it.sealed.as_slice(), it.account.as_str())).unzip()
}

/// Reads the credentials from a row with both of their columns.
fn credentials_of(row: &Row) -> Result<Option<SealedCredentials>, StoreError> {
    let sealed: Option<Vec<u8>> = row.try_get("sealed_credentials")?;
    let account: Option<String> = row.try_get("account")?;
    Ok(sealed.zip(account).map(|(sealed, account)| SealedCredentials { sealed, account }))
}

/// Pauses or resumes a source.
pub async fn set_paused(
    store: &Store,
    id: SourceId,
    paused: bool,
    stamp: &Stamp,
) -> Result<Stored, StoreError> {
    const SQL: &str = concat!(
        "UPDATE sources AS source SET
            paused = $4,
            state = CASE WHEN $4 THEN 'paused' WHEN network = 'webhook' THEN 'running' ELSE 'waiting' END,
            reason = CASE WHEN $4 OR network = 'webhook' THEN NULL ELSE $5 END,
            revision = revision + 1, updated_at = $2, updated_by = $3
        WHERE id = $1 RETURNING ",
        columns!()
    );
    let (at, by) = (PgTimestamp(stamp.at), stamp.name());
    let values: [&(dyn ToSql + Sync); 5] = [&id, &at, &by, &paused, &STARTING];
    stored(store, store.query_opt(SQL, &values).await, Stored::Unknown).await
}

/// Moves a source to an earlier time, from which it reads everything again. It never moves forward, because that would
/// skip posts.
pub async fn rewind(store: &Store, id: SourceId, to: Timestamp, stamp: &Stamp) -> Result<Stored, StoreError> {
    const SQL: &str = concat!(
        "UPDATE sources AS source SET
            checkpoint = CASE WHEN (checkpoint->>'at')::timestamptz < $4 THEN checkpoint ELSE $5 END,
            revision = revision + 1, updated_at = $2, updated_by = $3
        WHERE id = $1 RETURNING ",
        columns!()
    );
    let (at, by) = (PgTimestamp(stamp.at), stamp.name());
    let checkpoint = Json(Checkpoint::at(to));
    let values: [&(dyn ToSql + Sync); 5] = [&id, &at, &by, &PgTimestamp(to), &checkpoint];
    stored(store, store.query_opt(SQL, &values).await, Stored::Unknown).await
}

/// Deletes a source, and returns whether it existed. Its posts are kept.
pub async fn delete(store: &Store, id: SourceId) -> Result<bool, StoreError> {
    Ok(store.execute("DELETE FROM sources WHERE id = $1", &[&id]).await? > 0)
}

/// Claims, for [`LEASE`], the sources that need a process and that no other process holds, and renews the leases of
/// this process. Returns all sources that this process holds.
pub async fn claim(store: &Store, holder: Uuid) -> Result<Vec<ClaimedSource>, StoreError> {
    const SQL: &str = concat!(
        "UPDATE sources AS source SET lease_holder = $1, leased_until = now() + make_interval(secs => $2)
        WHERE NOT paused AND network = ANY($3) AND (lease_holder = $1 OR lease_holder IS NULL OR leased_until < now())
        RETURNING ",
        columns!(),
        ", source.revision, source.sealed_credentials, source.account"
    );
    let heard: Vec<_> = Network::HEARD.iter().map(|network| network.as_str()).collect();
    let rows = store.query(SQL, &[&holder, &LEASE.as_secs_f64(), &heard]).await?;
    rows.iter()
        .map(|row| {
            Ok(ClaimedSource {
                source: source_of(row)?,
                credentials: credentials_of(row)?,
                revision: row.try_get("revision")?,
            })
        })
        .collect()
}

/// Releases the leases of this process, so that another process can take over at once.
pub async fn release(store: &Store, holder: Uuid) -> Result<(), StoreError> {
    store.execute("UPDATE sources SET lease_holder = NULL WHERE lease_holder = $1", &[&holder]).await?;
    Ok(())
}

/// Stores the report of a running source. Returns false, and stores nothing, if the run is over because another process
/// holds the source or a person has changed it.
pub async fn report(
    store: &Store,
    (id, revision): (SourceId, i64),
    holder: Uuid,
    report: &SourceReport,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        WITH reported AS (
            UPDATE sources SET
                state = $4, reason = $5, checkpoint = coalesce($6, checkpoint), lag_seconds = coalesce($7, lag_seconds),
                last_post_at = coalesce($8, last_post_at), offered = offered + $9, stored = stored + $10,
                rejected = rejected + $11, erased = erased + $12
            WHERE id = $1 AND revision = $2 AND lease_holder = $3 AND NOT paused
            RETURNING id
        ), declared AS (
            INSERT INTO source_gaps (source_id, from_time, to_time, reason)
            SELECT id, gap.from_time, gap.to_time, gap.reason
            FROM reported, unnest($13::timestamptz[], $14::timestamptz[], $15::text[]) AS gap (from_time, to_time, reason)
            ON CONFLICT DO NOTHING
        )
        SELECT count(*) FROM reported";
    let counts = &report.counts;
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let starts: Vec<_> = report.gaps.iter().map(|gap| PgTimestamp(gap.from)).collect();
    let ends: Vec<_> = report.gaps.iter().map(|gap| PgTimestamp(gap.to)).collect();
    let reasons: Vec<_> = report.gaps.iter().map(|gap| gap.reason.as_str()).collect();
    let values: [&(dyn ToSql + Sync); 15] = [
        &id,
        &revision,
        &holder,
        &report.state.as_str(),
        &report.reason,
        &report.checkpoint.as_ref().map(Json),
        &report.lag_seconds,
        &report.last_post_at.map(PgTimestamp),
        &signed(counts.offered),
        &signed(counts.stored),
        &signed(counts.rejected),
        &signed(counts.erased),
        &starts,
        &ends,
        &reasons,
    ];
    Ok(store.query_one(SQL, &values).await?.try_get::<_, i64>(0)? > 0)
}

async fn stored(
    store: &Store,
    outcome: Result<Option<Row>, StoreError>,
    without_row: Stored,
) -> Result<Stored, StoreError> {
    match outcome {
        Ok(Some(row)) => match complete(store, &[row]).await?.pop() {
            Some(source) => Ok(Stored::Source(Box::new(source))),
            None => Err(StoreError::internal("a stored source is missing")),
        },
        Ok(None) => Ok(without_row),
        Err(StoreError::Refused { code, .. }) if code == SqlState::UNIQUE_VIOLATION.code() => {
            Ok(Stored::NameTaken)
        }
        Err(error) => Err(error),
    }
}

/// Reads sources for display: with their gaps and usage, and without the internal state of their connectors.
async fn complete(store: &Store, rows: &[Row]) -> Result<Vec<Source>, StoreError> {
    const SQL: &str = "
        SELECT source.id, gap.from_time, gap.to_time, gap.reason
        FROM unnest($1::uuid[]) AS source (id), LATERAL (
            SELECT from_time, to_time, reason FROM source_gaps WHERE source_id = source.id
            ORDER BY from_time DESC, to_time DESC LIMIT $2
        ) AS gap";
    let mut sources = rows.iter().map(source_of).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<SourceId> = sources.iter().map(|source| source.id).collect();
    let mut gaps: HashMap<SourceId, Vec<SourceGap>> = HashMap::new();
    for row in store.query(SQL, &[&ids, &GAPS_LISTED_MAX]).await? {
        let gap = SourceGap { from: row.try_get(1)?, to: row.try_get(2)?, reason: row.try_get(3)? };
        gaps.entry(row.try_get(0)?).or_default().push(gap);
    }
    add_usage(store, &mut sources, rows).await?;
    for source in &mut sources {
        source.gaps = gaps.remove(&source.id).unwrap_or_default();
        if let Some(cursor) = &mut source.cursor {
            cursor.state = None;
        }
    }
    Ok(sources)
}

/// Adds the usage of each source and its account in the current periods.
async fn add_usage(store: &Store, sources: &mut [Source], rows: &[Row]) -> Result<(), StoreError> {
    let accounts = rows.iter().map(|row| row.try_get(18)).collect::<Result<Vec<Option<String>>, _>>()?;
    let ids = sources.iter().map(|source| source.id.to_string());
    let holders: Vec<String> = ids.chain(accounts.iter().flatten().cloned()).collect();
    let now = Timestamp::now();
    for (holder, usage) in usage::current(store, &holders).await? {
        for (source, account) in sources.iter_mut().zip(&accounts) {
            let is_own = source.id.to_string() == holder;
            match usage.unit {
                Unit::MicroUsd if is_own => source.cost = Some(usage.clone().into_cost(now)),
                Unit::Count if is_own || account.as_deref() == Some(&holder) => {
                    source.quota.push(usage.clone().into_quota(now));
                }
                Unit::MicroUsd | Unit::Count => {}
            }
        }
    }
    Ok(())
}

/// Reads a source, without its gaps and usage.
fn source_of(row: &Row) -> Result<Source, StoreError> {
    let count = |index: usize| Ok::<_, StoreError>(row.try_get::<_, i64>(index)?.unsigned_abs());
    let (state, reason) = match row.try_get(16)? {
        true => (SourceState::Waiting, Some(NOT_HELD.to_owned())),
        false => (enum_at(row, 4, &SourceState::ALL, SourceState::as_str)?, row.try_get(5)?),
    };
    Ok(Source {
        id: row.try_get(0)?,
        network: enum_at(row, 1, &Network::ALL, Network::as_str)?,
        name: row.try_get(2)?,
        settings: row.try_get::<_, Json<_>>(3)?.0,
        has_credentials: row.try_get(17)?,
        state,
        reason,
        cursor: row.try_get::<_, Option<Json<_>>>(6)?.map(|json| json.0),
        lag_s: row.try_get(7)?,
        last_post_at: row.try_get(8)?,
        counts: SourceCounts {
            offered: count(9)?,
            stored: count(10)?,
            rejected: count(11)?,
            erased: count(12)?,
        },
        gaps: Vec::new(),
        quota: Vec::new(),
        cost: None,
        created_at: row.try_get(13)?,
        updated_at: row.try_get(14)?,
        updated_by: row.try_get(15)?,
        created_by: row.try_get(19)?,
    })
}

#[cfg(test)]
mod tests;
