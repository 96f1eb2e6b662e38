//! Leader leases: exactly one process evaluates rules, and exactly one (possibly the same) detects anomalies.

use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use tokio_postgres::types::ToSql;

use super::transaction::EvaluationTransaction;
use crate::store::connection::within;
use crate::store::locks::{self, Lock};
use crate::store::{Store, StoreError};

/// Timeout for the leader's statements, after which the evaluation is abandoned and retried.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Operation named in timeout errors.
const WORK: &str = "evaluating";

/// Role that exactly one process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaderRole {
    /// Role of the process that evaluates the alert rules.
    Rules,
    /// Role of the process that detects changes that no rule covers.
    Anomalies,
}

impl LeaderRole {
    const fn lock(self) -> Lock {
        match self {
            Self::Rules => Lock::RuleEvaluation,
            Self::Anomalies => Lock::AnomalyDetection,
        }
    }
}

/// Dedicated connection that holds a leader lease, or tries to acquire it.
///
/// The lease is a session-level lock, so it ends with the connection. The server notices at once when a process on the
/// same machine is killed, and within seven seconds when a whole machine disappears, thanks to the probes below. The
/// evaluation writes through the same connection, so a process that has unknowingly lost the lease cannot write
/// anything.
pub struct LeaderLease {
    client: ClientWrapper,
    role: LeaderRole,
    is_held: bool,
}

impl LeaderLease {
    /// Opens the connection. Fails if the server is unavailable.
    pub async fn connect(store: &Store, role: LeaderRole) -> Result<Self, StoreError> {
        // The server probes a silent client after three seconds, every second, and disconnects it after the third
        // probe.
        const PROBE: &str = "
            SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3;
            SET tcp_user_timeout = 7000";
        let client = store.dedicated().await?;
        within(TIMEOUT, WORK, client.batch_execute(PROBE)).await?;
        Ok(Self { client, role, is_held: false })
    }

    /// Returns whether this process holds the role, using the connection in `lead` or a new one. Drops a connection
    /// that fails, and with it the lease.
    pub async fn hold(lead: &mut Option<Self>, store: &Store, role: LeaderRole) -> Result<bool, StoreError> {
        let mut asking = match lead.take() {
            Some(lead) => lead,
            None => Self::connect(store, role).await?,
        };
        let leads = asking.try_acquire().await?;
        *lead = Some(asking);
        Ok(leads)
    }

    /// Tries to acquire the lease, and returns whether this process now holds it. It then holds the lease until the
    /// connection breaks or is dropped.
    pub async fn try_acquire(&mut self) -> Result<bool, StoreError> {
        // Advisory locks nest: acquiring it again would make the session hold it twice.
        const SQL: &str = "SELECT CASE WHEN $2 THEN true ELSE pg_try_advisory_lock($1) END";
        let values: [&(dyn ToSql + Sync); 2] = [&self.role.lock().number(), &self.is_held];
        let asking = self.client.query_one(SQL, &values);
        let row = within(TIMEOUT, WORK, asking).await?;
        self.is_held = row.try_get(0)?;
        Ok(self.is_held)
    }

    /// Begins a transaction as soon as no other transaction is changing alerts: if two of them published the same
    /// alerts concurrently, people would be notified twice.
    pub async fn begin(&mut self) -> Result<EvaluationTransaction<'_>, StoreError> {
        let work = async {
            let transaction = self.client.transaction().await?;
            locks::take_alerts(&transaction).await?;
            Ok::<_, StoreError>(EvaluationTransaction::new(transaction))
        };
        within(TIMEOUT, WORK, work).await
    }
}
