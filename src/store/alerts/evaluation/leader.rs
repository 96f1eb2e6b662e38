//! Exactly one process evaluates rules, and exactly one, the same or another, looks for what is unusual.

use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use tokio_postgres::types::ToSql;

use super::transaction::EvaluationTransaction;
use crate::store::connection::within;
use crate::store::locks::{self, Lock};
use crate::store::{Store, StoreError};

/// A server that does not answer this fast leads nobody: the evaluation is given up and tried again.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What a timeout interrupted.
const WORK: &str = "evaluating";

/// What exactly one process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaderRole {
    /// Evaluates the alert rules.
    Rules,
    /// Looks for changes that nobody configured a rule for.
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

/// A connection of its own that holds the lead, or asks for it.
///
/// The lock is that of the session, so it ends with the connection: a process that is killed loses it as soon as the
/// server notices, which for one on the same machine is at once, and for one whose machine is gone is told by the probes
/// below, within seven seconds. And what an evaluation writes goes through this very connection, so that a process that
/// lost the lead without noticing writes nothing.
pub struct LeaderLease {
    client: ClientWrapper,
    role: LeaderRole,
    is_held: bool,
}

impl LeaderLease {
    /// Opens the connection. Fails when the server is away.
    pub async fn connect(store: &Store, role: LeaderRole) -> Result<Self, StoreError> {
        // The server probes a silent client after three seconds, each second, and gives it up after the third.
        const PROBE: &str = "
            SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3;
            SET tcp_user_timeout = 7000";
        let client = store.dedicated().await?;
        within(TIMEOUT, WORK, client.batch_execute(PROBE)).await?;
        Ok(Self { client, role, is_held: false })
    }

    /// Whether this process has the role, with the connection it holds in `lead` or a new one. One that fails is dropped, and
    /// the lead with it.
    pub async fn hold(lead: &mut Option<Self>, store: &Store, role: LeaderRole) -> Result<bool, StoreError> {
        let mut asking = match lead.take() {
            Some(lead) => lead,
            None => Self::connect(store, role).await?,
        };
        let leads = asking.try_acquire().await?;
        *lead = Some(asking);
        Ok(leads)
    }

    /// Whether this process evaluates, from now until the connection breaks or is dropped.
    pub async fn try_acquire(&mut self) -> Result<bool, StoreError> {
        // Asking again would count: the session then holds it twice.
        const SQL: &str = "SELECT CASE WHEN $2 THEN true ELSE pg_try_advisory_lock($1) END";
        let values: [&(dyn ToSql + Sync); 2] = [&self.role.lock().number(), &self.is_held];
        let asking = self.client.query_one(SQL, &values);
        let row = within(TIMEOUT, WORK, asking).await?;
        self.is_held = row.try_get(0)?;
        Ok(self.is_held)
    }

    /// Begins to write what an evaluation found, as soon as nobody else does: two that told people of the same alerts at
    /// the same time would tell them twice.
    pub async fn begin(&mut self) -> Result<EvaluationTransaction<'_>, StoreError> {
        let work = async {
            let transaction = self.client.transaction().await?;
            locks::take_alerts(&transaction).await?;
            Ok::<_, StoreError>(EvaluationTransaction::new(transaction))
        };
        within(TIMEOUT, WORK, work).await
    }
}
