//! Reads the whole chain in one snapshot.

use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use uuid::Uuid;

use super::checkpoints::{self, checkpoint_of};
use super::row::{LINK, N_LINK, SEALED, link_of, sealed_of};
use crate::models::audit::{ChainedRow, SignedCheckpoint, Unchained};
use crate::store::connection::within;
use crate::store::{Store, StoreError};

/// Timeout for one statement. The search for rows without a link compares all rows with all links.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Operation named in timeout errors.
const WORK: &str = "verifying the audit log";

/// Maximum number of rows without a link to read. More of them change no verdict.
const UNLINKED_MAX: i64 = 1_000;

/// Maximum number of rows to read that wait to be chained.
const WAITING_MAX: i64 = 100_000;

/// Reads the chain as it was at one moment, while it grows.
pub struct ChainReader {
    client: ClientWrapper,
}

impl ChainReader {
    /// Begins to read.
    pub async fn open(store: &Store) -> Result<Self, StoreError> {
        const BEGIN: &str = "
            BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
            SET LOCAL statement_timeout = 0;
            SET LOCAL idle_in_transaction_session_timeout = 0;";
        let client = store.dedicated().await?;
        within(TIMEOUT, WORK, client.batch_execute(BEGIN)).await?;
        Ok(Self { client })
    }

    /// Returns up to `n_max` links after a number, with the rows that they name.
    pub async fn links_after(&self, seq: i64, n_max: usize) -> Result<Vec<ChainedRow>, StoreError> {
        // Without statistics, the planner could read all rows for each batch.
        const PLAN: &str = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";
        let sql = format!(
            "SELECT {LINK}, {SEALED} FROM (
                SELECT * FROM audit_chain WHERE seq > $1 ORDER BY seq LIMIT $2
            ) AS chain
            LEFT JOIN audit_logs AS log ON log.created_at = chain.created_at AND log.id = chain.id
            ORDER BY chain.seq"
        );
        let n_max = i64::try_from(n_max).unwrap_or(i64::MAX);
        let work = async {
            self.client.batch_execute(PLAN).await?;
            self.client.query(&sql, &[&seq, &n_max]).await
        };
        let rows = within(TIMEOUT, WORK, work).await?;
        let chained =
            rows.iter().map(|row| Ok(ChainedRow { link: link_of(row)?, sealed: sealed_of(row, N_LINK)? }));
        chained.collect()
    }

    /// Returns what is not part of the chain, given the number of rows that links name. Rows without a link are searched for
    /// only if there are more rows than that, because the search takes as long as reading the whole chain.
    pub async fn unchained(&self, n_linked: usize) -> Result<Unchained, StoreError> {
        const PLAN: &str = "SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on";
        const COUNT: &str = "SELECT count(*) FROM audit_logs";
        let waiting = format!(
            "SELECT queue.id, {SEALED} FROM audit_unchained AS queue
            LEFT JOIN audit_logs AS log ON log.created_at = queue.created_at AND log.id = queue.id
            ORDER BY queue.position LIMIT $1"
        );
        let unlinked = format!(
            "SELECT {SEALED} FROM audit_logs AS log
            WHERE NOT EXISTS (SELECT FROM audit_chain WHERE created_at = log.created_at AND id = log.id)
                AND NOT EXISTS (SELECT FROM audit_unchained WHERE created_at = log.created_at AND id = log.id)
            LIMIT $1"
        );
        let work = async {
            self.client.batch_execute(PLAN).await?;
            let waiting = self.client.query(&waiting, &[&WAITING_MAX]).await?;
            Ok::<_, tokio_postgres::Error>((waiting, self.client.query_one(COUNT, &[]).await?))
        };
        let (waiting, n_rows) = within(TIMEOUT, WORK, work).await?;
        let mut unchained = Unchained::default();
        for row in &waiting {
            match sealed_of(row, 1)? {
                Some(sealed) => unchained.waiting.push(sealed),
                None => unchained.vanished.push(row.try_get::<_, Uuid>(0)?),
            }
        }
        let n_rows = usize::try_from(n_rows.try_get::<_, i64>(0)?).unwrap_or(usize::MAX);
        if n_rows != n_linked.saturating_add(unchained.waiting.len()) {
            let search = self.client.query(&unlinked, &[&UNLINKED_MAX]);
            for row in &within(TIMEOUT, WORK, search).await? {
                unchained.unlinked.extend(sealed_of(row, 0)?);
            }
        }
        Ok(unchained)
    }

    /// Returns all stored checkpoints.
    pub async fn checkpoints(&self) -> Result<Vec<SignedCheckpoint>, StoreError> {
        let sql = format!("SELECT {} FROM audit_checkpoints ORDER BY seq", checkpoints::COLUMNS);
        let rows = within(TIMEOUT, WORK, self.client.query(&sql, &[])).await?;
        rows.iter().map(checkpoint_of).collect()
    }
}
