//! PostgreSQL. This is the only module that contains SQL; its folders match those of `http/`.
//!
//! Three tables and one transaction ensure that each post counts exactly once; see [`posts::record::record`].

pub mod accounts; // accounts of people, invitations, password resets
pub mod audit; // the audit log and its chain
pub mod alerts; // alerts, their rules, evaluations, silences and anomalies
pub mod credentials; // API keys, clients, and tokens
pub mod metrics; // rollups, and the sums and series read from them
pub mod notifications; // channels, the outbox, and the delivery history
pub mod operations; // retention, maintenance, query plans, server activity
pub mod posts; // the transaction that stores posts, corrections, search and lists
pub mod reports; // scheduled reports, their runs and documents

pub mod error; // StoreError: what went wrong, and whether a retry can help
pub mod migrate; // the schema, applied by the first process to start
pub mod page; // pages of a list, and cursors
pub mod annotations; // notes attached to times
pub mod sources; // sources, their positions, leases and gaps
pub mod topics; // topics and their queries
pub mod share_links; // share links
pub mod views; // saved views

mod codec; // conversions between our types and PostgreSQL's
mod connection; // opening the pool and its connections
mod locks; // ids of the advisory locks
mod model_ids; // ids of the models that made scores
#[cfg(test)]
pub(crate) mod testing; // a database for each test

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

pub use self::error::StoreError;
use crate::models::score::ModelId;

/// Timeout for the response to any request. The server's own timeouts are not enough, because a frozen server does not
/// enforce them.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(15);

/// Address and limits for [`Store::connect`].
#[derive(Debug, Clone)]
pub struct StoreParams {
    /// `postgres://…` or `host=… user=…`; a host that starts with `/` is the folder of a Unix socket.
    pub url: String,
    /// Maximum number of connections. Two or three write; the others serve reads.
    pub pool_size: usize,
    /// How long posts are kept before they expire.
    pub retention: Duration,
    /// Called with the process id of the server process behind each new connection.
    pub on_connect: Option<fn(u32)>,
}

/// Handle to PostgreSQL. Clones share one connection pool.
///
/// Connections live on the runtime where [`Store::connect`] ran, not on the runtime of their first user, so they
/// survive the death of a stage.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    retention: Duration,
    known: Arc<Known>,
    /// Whether posts have been stored since the last [`posts::search_index::merge`].
    has_new_words: Arc<AtomicBool>,
    /// Lock that [`metrics::rollup_lock::RollupGuard`] holds.
    rollups: Arc<tokio::sync::Mutex<()>>,
}

/// Rows that this process knows to be committed, so it need not query or insert them again.
#[derive(Default)]
struct Known {
    models: Mutex<HashMap<Arc<ModelId>, i16>>,
    cities: Mutex<HashSet<String>>,
}

/// Values of a statement's placeholders, in order.
type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Store {
    /// Checks that the server responds, for `/readyz`.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let ping = async |client: &mut Object| client.simple_query("").await;
        self.run_within(connection::CONNECT_TIMEOUT, ping).await.map(drop)
    }

    /// Closes every connection. Later calls on any clone fail.
    pub fn close(&self) {
        self.pool.close();
    }

    /// Returns how long posts are kept before they expire.
    pub fn retention(&self) -> Duration {
        self.retention
    }

    /// Runs `work` on a connection from the pool for at most [`RESPONSE_TIMEOUT`].
    async fn run<T, E: Into<StoreError>>(
        &self,
        work: impl AsyncFnOnce(&mut Object) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        self.run_within(RESPONSE_TIMEOUT, work).await
    }

    /// Runs `work` on a connection from the pool for at most `limit`.
    ///
    /// A connection that timed out may still receive its response, so it is closed rather than returned to the pool.
    async fn run_within<T, E: Into<StoreError>>(
        &self,
        limit: Duration,
        work: impl AsyncFnOnce(&mut Object) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        let mut client = self.client().await?;
        match timeout(limit, work(&mut client)).await {
            Ok(outcome) => outcome.map_err(Into::into),
            Err(_) => {
                drop(Object::take(client));
                Err(StoreError::timed_out("no response within the limit"))
            }
        }
    }

    /// Runs one statement on a connection from the pool and returns its rows.
    async fn query(&self, sql: &str, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        self.run(async |client| client.query(sql, params).await).await
    }

    /// Runs one statement on a connection from the pool; it must return exactly one row.
    async fn query_one(&self, sql: &str, params: Params<'_>) -> Result<Row, StoreError> {
        self.run(async |client| client.query_one(sql, params).await).await
    }

    /// Runs one statement on a connection from the pool; it may return at most one row.
    async fn query_opt(&self, sql: &str, params: Params<'_>) -> Result<Option<Row>, StoreError> {
        self.run(async |client| client.query_opt(sql, params).await).await
    }

    /// Runs one statement on a connection from the pool and returns the number of rows that it changed.
    async fn execute(&self, sql: &str, params: Params<'_>) -> Result<u64, StoreError> {
        self.run(async |client| client.execute(sql, params).await).await
    }

    async fn client(&self) -> Result<Object, StoreError> {
        Ok(self.pool.get().await?)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::connection::CONNECT_TIMEOUT;
    use super::*;
    use crate::embedded::{Embedded, EmbeddedParams, RedisFsync};
    use crate::store::testing;

    #[tokio::test]
    async fn a_stopped_server_is_an_error_and_a_restarted_one_is_reconnected_to() {
        let folder = testing::open_folder();
        let data_dir = folder.path().to_owned();
        let params = EmbeddedParams { data_dir, redis_fsync: RedisFsync::EverySec, durable: false };
        let embedded = Embedded::start(params).await.unwrap();
        let store = testing::connect(&embedded.endpoints().postgres_url).await;
        store.migrate().await.unwrap();
        let batch = testing::posts(10, jiff::Timestamp::now());
        testing::record(&store, &batch[..5]).await.unwrap();
        embedded.stop_postgres().await.unwrap();
        let mut longest = Duration::ZERO;
        for _ in 0..12 {
            let began_at = Instant::now();
            let attempt = timeout(Duration::from_secs(60), testing::record(&store, &batch)).await;
            let error = attempt.expect("it waits for the server").unwrap_err();
            assert!(error.is_unavailable() && error.is_retryable(), "{error:?}");
            assert!(store.ping().await.unwrap_err().is_unavailable());
            longest = longest.max(began_at.elapsed());
        }
        println!("measured: two statements on a stopped server failed within {longest:.1?}");
        if std::env::var_os("GROUNDSWELL_TEST_SOAK").is_some() {
            assert!(longest < CONNECT_TIMEOUT * 3, "{longest:?}");
        }
        embedded.start_postgres().await.unwrap();
        assert_eq!(testing::record(&store, &batch).await.unwrap().inserted, [5, 6, 7, 8, 9]);
        embedded.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_freezes_is_an_error_and_its_connections_are_closed() {
        let store = testing::test_store().await;
        let limit = Duration::from_millis(50);
        let outcome =
            store.run_within(limit, async |client| client.execute("SELECT pg_sleep(60)", &[]).await).await;
        assert!(outcome.unwrap_err().is_unavailable());
        assert_eq!(store.pool.status().size, 0);
        store.ping().await.unwrap();
    }

    #[tokio::test]
    async fn an_invalid_url_is_reported_without_its_password() {
        let params = |url: &str| StoreParams {
            url: url.to_owned(),
            pool_size: 1,
            retention: testing::RETENTION,
            on_connect: None,
        };
        let error = Store::connect(params("mysql://me:secret@host/db")).await.err().unwrap();
        assert!(
            matches!(error, StoreError::BadUrl { .. }) && !error.to_string().contains("secret"),
            "{error}"
        );
        let error = Store::connect(params("postgres://me:secret@127.0.0.1:1/db")).await.err().unwrap();
        assert!(error.is_unavailable() && !error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn connections_outlive_the_runtime_that_requested_them() {
        let home =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let store = home.block_on(testing::test_store());
        for _ in 0..3 {
            let stage = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            stage.block_on(async {
                let held = (store.client().await.unwrap(), store.client().await.unwrap());
                store.ping().await.unwrap();
                drop(held);
            });
        }
        assert_eq!(store.pool.status().size, 3);
    }
}
