//! Meter in memory, for one period that does not end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use groundswell::connectors::meter::{Allowance, Meter, MeterError};

/// Counts what was used of each allowance.
#[derive(Debug, Default)]
pub struct MemoryMeter(Mutex<HashMap<&'static str, u64>>);

impl MemoryMeter {
    /// Returns how much was used of an allowance.
    pub fn used(&self, name: &str) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied().unwrap_or_default()
    }

    fn count(
        &self,
        Allowance { name, limit, period, .. }: Allowance,
        amount: u64,
        must_fit: bool,
    ) -> Result<u64, MeterError> {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let used = uses.entry(name).or_default();
        if must_fit && *used + amount > limit {
            return Err(MeterError::UsedUp { name, until: period.around(jiff::Timestamp::now()).1 });
        }
        *used += amount;
        Ok(limit.saturating_sub(*used))
    }
}

impl Meter for MemoryMeter {
    fn reserve(&self, allowance: Allowance, amount: u64) -> BoxFuture<'_, Result<(), MeterError>> {
        std::future::ready(self.count(allowance, amount, true).map(drop)).boxed()
    }

    fn charge(&self, allowance: Allowance, amount: u64) -> BoxFuture<'_, Result<u64, MeterError>> {
        std::future::ready(self.count(allowance, amount, false)).boxed()
    }
}
