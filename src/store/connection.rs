//! Opens the connection pool and its connections.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Connect, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{Config, NoTls};
use tracing::warn;

use super::{RESPONSE_TIMEOUT, Store, StoreError, StoreParams};

/// How long to wait for a server to accept a connection. A local server accepts within a millisecond; one that takes
/// longer than this is down.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long to wait for a free connection. All of them are busy only if the server is slow, and a longer wait would
/// hide that.
const POOL_TIMEOUT: Duration = Duration::from_secs(5);

/// Time after which the server cancels a statement. The slowest reads cover a day of posts with unusual filters.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time after which the server stops waiting for a lock, well before the statement itself times out.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

impl Store {
    /// Opens the pool and checks that the server responds.
    ///
    /// Call it on a runtime that outlives every stage, because connections live there. Fails with `BadUrl`, or with
    /// `Unavailable` if no server responds within the URL's `connect_timeout`, by default 2 s.
    pub async fn connect(params: StoreParams) -> Result<Self, StoreError> {
        let mut config = Config::from_str(&params.url)
            .map_err(|error| StoreError::BadUrl { reason: error.to_string() })?;
        let connect_timeout = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        config.connect_timeout(connect_timeout);
        if config.get_application_name().is_none() {
            config.application_name("groundswell");
        }
        config.keepalives_idle(Duration::from_secs(30)).tcp_user_timeout(RESPONSE_TIMEOUT);
        config.options(session_options(config.get_options()));
        let manager = Manager::from_connect(
            config,
            RuntimeConnector { runtime: Handle::current(), on_connect: params.on_connect },
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let pool = Pool::builder(manager)
            .max_size(params.pool_size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(POOL_TIMEOUT))
            .create_timeout(Some(connect_timeout))
            .recycle_timeout(Some(connect_timeout))
            .build()
            .map_err(|error| StoreError::internal(error.to_string()))?;
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

    /// Takes a connection out of the pool permanently, for work whose settings and locks must not remain in the pool
    /// afterwards.
    pub(super) async fn dedicated(&self) -> Result<ClientWrapper, StoreError> {
        Ok(Object::take(self.client().await?))
    }
}

/// Runs work on a dedicated connection, and fails if it takes longer than `limit`. `what` names the work in the error.
pub(super) async fn within<T, E: Into<StoreError>>(
    limit: Duration,
    what: &str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, StoreError> {
    timeout(limit, work).await.map_err(|_| StoreError::timed_out(what))?.map_err(Into::into)
}

/// Returns the settings for every session. Settings from the URL come last and take precedence.
///
/// `random_page_cost`: frequently read pages are in memory and the others on solid-state disks, so a random read costs
/// little more than a sequential one; with the default, the planner scans whole days to find a few rows.
/// `enable_partitionwise_join`: posts and scores are joined one day at a time, so reading stops as soon as a page is
/// full. `work_mem`: grouping a week of posts by author needs 16 MB instead of the default 4 MB, and few sessions do
/// that concurrently.
fn session_options(from_url: Option<&str>) -> String {
    format!(
        "-c timezone=UTC -c jit=off -c random_page_cost=1.1 -c work_mem=16MB -c enable_partitionwise_join=on \
         -c synchronous_commit=on -c statement_timeout={} -c lock_timeout={} \
         -c idle_in_transaction_session_timeout={} {}",
        STATEMENT_TIMEOUT.as_millis(),
        LOCK_TIMEOUT.as_millis(),
        RESPONSE_TIMEOUT.as_millis(),
        from_url.unwrap_or_default()
    )
}

/// Opens connections on the runtime that the store was connected on.
///
/// A connection is a task. On the runtime of the stage that first needs it, it would die with that stage and leave a
/// dead connection in the pool.
struct RuntimeConnector {
    runtime: Handle,
    on_connect: Option<fn(u32)>,
}

type Connected = Result<(tokio_postgres::Client, JoinHandle<()>), tokio_postgres::Error>;

impl Connect for RuntimeConnector {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Connected> {
        let (config, on_connect) = (config.clone(), self.on_connect);
        // unsupervised: connecting ends, and the pool waits for it
        let connecting = self.runtime.spawn(async move {
            let (client, connection) = config.connect(NoTls).await?;
            // unsupervised: the pool sees the end of a connection and makes another
            let task = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    warn!(%error, "connection to postgres lost");
                }
            });
            if let Some(on_connect) = on_connect {
                let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)?;
                on_connect(pid.cast_unsigned());
            }
            Ok((client, task))
        });
        async move {
            match connecting.await {
                Ok(connected) => connected,
                // The runtime is shutting down and the process with it, so nobody awaits the result.
                Err(_) => std::future::pending().await,
            }
        }
        .boxed()
    }
}
