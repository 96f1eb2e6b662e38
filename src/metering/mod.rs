//! Counts what sources use of the quotas and budgets of networks, in the database, so that all processes share one
//! count.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tracing::warn;

use crate::connectors::meter::{Allowance, Meter, MeterError, Unit};
use crate::models::id::SourceId;
use crate::store::sources::usage::{self, Draw};
use crate::store::{Store, StoreError};

/// Meter of one source.
pub struct SourceMeter {
    store: Store,
    source: String,
    account: String,
}

impl SourceMeter {
    /// Creates the meter of a source. Its quotas are those of `account`, or its own if there is no account.
    pub fn new(store: Store, source: SourceId, account: Option<&str>) -> Self {
        let source = source.to_string();
        let account = account.unwrap_or(&source).to_owned();
        Self { store, source, account }
    }

    fn draw<'a>(&'a self, allowance: &'a Allowance, amount: u64) -> Draw<'a> {
        let Allowance { name, unit, limit, period } = *allowance;
        let holder = match unit {
            Unit::MicroUsd => &self.source,
            Unit::Count => &self.account,
        };
        Draw { holder, name, unit, period: period.around(Timestamp::now()), amount, limit }
    }
}

impl Meter for SourceMeter {
    fn reserve(&self, allowance: Allowance, amount: u64) -> BoxFuture<'_, Result<(), MeterError>> {
        async move {
            let draw = self.draw(&allowance, amount);
            match usage::reserve(&self.store, &draw).await.map_err(unavailable)? {
                true => Ok(()),
                false => Err(MeterError::UsedUp { name: allowance.name, until: draw.period.1 }),
            }
        }
        .boxed()
    }

    fn charge(&self, allowance: Allowance, amount: u64) -> BoxFuture<'_, Result<u64, MeterError>> {
        async move {
            let used = usage::charge(&self.store, &self.draw(&allowance, amount)).await;
            Ok(allowance.limit.saturating_sub(used.map_err(unavailable)?))
        }
        .boxed()
    }
}

fn unavailable(error: StoreError) -> MeterError {
    warn!(%error, "the usage of a network cannot be counted");
    MeterError::Unavailable("the database is unavailable".to_owned())
}
