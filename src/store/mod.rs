//! PostgreSQL: the only place with SQL. The areas are those of `http/`.
//!
//! Three tables and one transaction make a post count once, see [`posts::record::record`].

pub mod alerts; // alerts, their rules, evaluations, silences and anomalies
pub mod metrics; // rollups, and the sums and series read from them
pub mod notifications; // channels, the outbox, and what was sent
pub mod operations; // retention, maintenance, query plans, server activity
pub mod posts; // the transaction that stores posts, corrections, search and lists

pub mod error; // StoreError: what went wrong, and whether a retry can help
pub mod migrate; // the schema, applied by the first process that comes
pub mod page; // pages of a list, and cursors
pub mod views; // saved views

mod codec; // conversions between our types and PostgreSQL's
mod locks; // ids of the advisory locks
mod models; // ids of the models that made scores
#[cfg(test)]
pub(crate) mod testing; // a database for each test

use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deadpool_postgres::{Connect, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_postgres::NoTls;
use tracing::warn;

pub use self::error::StoreError;
use crate::models::score::ModelId;

/// How long to wait for a server to accept a connection. A local one takes a millisecond; longer means it is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long to wait for a free connection. All are busy only while the server is slow; waiting longer would hide it.
const POOL_TIMEOUT: Duration = Duration::from_secs(5);

/// The server gives up on a statement after this. The slowest that anyone waits for is a day of posts under odd filters.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The server gives up on a lock after this, well before the statement it belongs to.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// We give up on an answer after this: a frozen server enforces no timeouts of its own.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// What [`Store::connect`] wants to know.
#[derive(Debug, Clone)]
pub struct StoreParams {
    /// `postgres://…` or `host=… user=…`; a host that starts with `/` is the folder of a Unix socket.
    pub url: String,
    /// Most connections at a time. Two or three write; the rest are for reads.
    pub pool_size: usize,
    /// How long posts are kept.
    pub retention: Duration,
}

/// A handle on Postgres. Cloning it shares the connections.
///
/// Connections live on the runtime on which [`Store::connect`] ran, not on that of whoever first needs one, so that a
/// stage that dies takes no connection with it.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    retention: Duration,
    known: Arc<Known>,
    /// Whether posts were stored since [`posts::search_index::merge`].
    has_new_words: Arc<AtomicBool>,
    /// See [`metrics::rollup_guard::RollupGuard`].
    rollups: Arc<tokio::sync::Mutex<()>>,
}

/// What this process knows to be committed, so that it need not ask again.
#[derive(Default)]
struct Known {
    models: Mutex<HashMap<Arc<ModelId>, i16>>,
    cities: Mutex<HashSet<String>>,
}

impl Store {
    /// Opens the pool and makes sure that a server answers.
    ///
    /// Must run where connections shall live: on a runtime that outlives every stage. Fails with `BadUrl`, or with
    /// `Unavailable` when no server answers within 2 s.
    pub async fn connect(params: StoreParams) -> Result<Self, StoreError> {
        let mut config = tokio_postgres::Config::from_str(&params.url)
            .map_err(|error| StoreError::BadUrl { reason: error.to_string() })?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("groundswell");
        }
        config.keepalives_idle(Duration::from_secs(30)).tcp_user_timeout(ANSWER_TIMEOUT);
        config.options(session_options(config.get_options()));
        let manager = Manager::from_connect(
            config,
            ConnectAtHome { home: Handle::current() },
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let pool = Pool::builder(manager)
            .max_size(params.pool_size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(POOL_TIMEOUT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(CONNECT_TIMEOUT))
            .build()
            .map_err(|error| StoreError::Internal { reason: error.to_string() })?;
        let store = Self {
            pool,
            retention: params.retention,
            known: Arc::default(),
            has_new_words: Arc::default(),
            rollups: Arc::default(),
        };
        store.ping().await?;
        Ok(store)
    }

    /// Asks the server for a sign of life; what `/readyz` shows.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let client = self.client().await?;
        let outcome = timeout(CONNECT_TIMEOUT, client.simple_query("")).await;
        answered(client, outcome).map(drop)
    }

    /// Closes every connection. Calls of all clones fail from here on.
    pub fn close(&self) {
        self.pool.close();
    }

    /// How long posts are kept.
    pub fn retention(&self) -> Duration {
        self.retention
    }

    async fn client(&self) -> Result<Object, StoreError> {
        Ok(self.pool.get().await?)
    }
}

/// What came of a piece of work that was given a limited time.
///
/// Every use of a connection ends here. A connection whose answer did not come in time may still receive it, so it is
/// closed rather than lent to the next.
fn answered<T, E>(client: Object, outcome: Result<Result<T, E>, Elapsed>) -> Result<T, StoreError>
where
    E: Into<StoreError>,
{
    let Ok(result) = outcome else {
        drop(Object::take(client));
        return Err(StoreError::TooSlow { reason: "no answer within the limit".to_owned() });
    };
    result.map_err(Into::into)
}

/// Settings of every session. Those of the URL come last and win.
///
/// A page anywhere costs little more than the next one: what is asked for often is in memory, and the rest on disks
/// without moving parts. The default is of the time of others, and makes the planner read days whole for a few rows.
/// Posts and scores are joined day by day, so that a page is full before more is read. Grouping a week by author fits into 16 MB and not into the default of 4; few sessions do that at a time.
fn session_options(from_url: Option<&str>) -> String {
    format!(
        "-c timezone=UTC -c jit=off -c random_page_cost=1.1 -c work_mem=16MB -c enable_partitionwise_join=on -c synchronous_commit=on -c statement_timeout={} -c lock_timeout={} \
         -c idle_in_transaction_session_timeout={} {}",
        STATEMENT_TIMEOUT.as_millis(),
        LOCK_TIMEOUT.as_millis(),
        ANSWER_TIMEOUT.as_millis(),
        from_url.unwrap_or_default()
    )
}

/// Opens connections on the runtime where the store was connected.
///
/// A connection is a task; spawned by whoever first needs one, it would die with that stage's runtime and leave the
/// pool with a corpse.
struct ConnectAtHome {
    home: Handle,
}

type Connected = Result<(tokio_postgres::Client, JoinHandle<()>), tokio_postgres::Error>;

impl Connect for ConnectAtHome {
    fn connect(&self, config: &tokio_postgres::Config) -> BoxFuture<'_, Connected> {
        let config = config.clone();
        let connecting = self.home.spawn(async move {
            let (client, connection) = config.connect(NoTls).await?;
            let task = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    warn!(%error, "connection to postgres lost");
                }
            });
            Ok((client, task))
        });
        async move {
            match connecting.await {
                Ok(connected) => connected,
                // The home runtime is shutting down, and this process with it: nobody waits for the answer.
                Err(_) => std::future::pending().await,
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::embedded::{Embedded, EmbeddedParams, RedisFsync};
    use crate::store::testing;

    #[tokio::test]
    async fn a_stopped_server_is_an_error_at_once_and_is_found_again_when_it_is_back() {
        let folder = testing::open_folder();
        let data_dir = folder.path().to_owned();
        let params = EmbeddedParams { data_dir, redis_fsync: RedisFsync::EverySec, durable: false };
        let embedded = Embedded::start(params).await.unwrap();
        let store = testing::connect(&embedded.endpoints().postgres_url).await;
        store.migrate().await.unwrap();
        let batch = testing::posts(10, jiff::Timestamp::now());
        testing::record(&store, &batch[..5]).await.unwrap();
        embedded.stop_postgres().await.unwrap();
        for _ in 0..12 {
            let asked_at = Instant::now();
            let error = testing::record(&store, &batch).await.unwrap_err();
            assert!(error.is_unavailable() && error.is_retryable(), "{error:?}");
            assert!(store.ping().await.unwrap_err().is_unavailable());
            assert!(asked_at.elapsed() < CONNECT_TIMEOUT * 3);
        }
        embedded.start_postgres().await.unwrap();
        assert_eq!(testing::record(&store, &batch).await.unwrap().inserted, [5, 6, 7, 8, 9]);
        embedded.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_freezes_is_an_error_and_its_connections_are_not_used_again() {
        let store = testing::test_store().await;
        let client = store.client().await.unwrap();
        let outcome = timeout(Duration::from_millis(50), client.execute("SELECT pg_sleep(60)", &[])).await;
        assert!(answered(client, outcome).unwrap_err().is_unavailable());
        assert_eq!(store.pool.status().size, 0);
        store.ping().await.unwrap();
    }

    #[tokio::test]
    async fn a_url_that_is_none_is_named_without_its_password() {
        let params =
            |url: &str| StoreParams { url: url.to_owned(), pool_size: 1, retention: testing::RETENTION };
        let error = Store::connect(params("mysql://me:secret@host/db")).await.err().unwrap();
        assert!(
            matches!(error, StoreError::BadUrl { .. }) && !error.to_string().contains("secret"),
            "{error}"
        );
        let error = Store::connect(params("postgres://me:secret@127.0.0.1:1/db")).await.err().unwrap();
        assert!(error.is_unavailable() && !error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn connections_outlive_the_runtime_that_asked_for_them() {
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
