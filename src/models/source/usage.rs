//! Use of a network's quotas and budgets, with projections to the end of the period.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Number of millionths in a US dollar.
const MICRO_USD: f64 = 1_000_000.0;

/// Unit in which an allowance is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Millionths of a US dollar.
    MicroUsd,
    /// Requests, units or items, as the network defines them.
    Count,
}

impl Unit {
    /// All units.
    pub const ALL: [Self; 2] = [Self::MicroUsd, Self::Count];

    /// Returns the name used in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MicroUsd => "micro_usd",
            Self::Count => "count",
        }
    }
}

/// Quota that a network grants to an account. Sources with the same credentials share it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourceQuota {
    /// Name of the quota in the network's terms.
    pub name: String,
    /// Amount used in this period, in the network's unit.
    pub used: u64,
    /// Maximum for the period.
    pub limit: u64,
    /// Estimated amount at the end of the period, if use continues at the same pace.
    pub projected: f64,
    /// Time at which the quota is renewed.
    pub resets_at: Timestamp,
}

/// Cost of a source's posts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourceCost {
    /// Amount spent in this period, in US dollars.
    pub spent_usd: f64,
    /// Estimated amount spent by the end of the period, in US dollars, if spending continues at the same pace.
    pub projected_usd: f64,
    /// Maximum for the period, in US dollars. A source that has spent it pauses until the period ends.
    pub limit_usd: f64,
    /// Time at which the period ends.
    pub resets_at: Timestamp,
}

/// Use of one allowance in one period.
#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    /// Name of the allowance.
    pub name: String,
    /// Unit of the amounts.
    pub unit: Unit,
    /// Start and end of the period.
    pub period: (Timestamp, Timestamp),
    /// Amount used.
    pub used: u64,
    /// Maximum amount.
    pub limit: u64,
}

impl Usage {
    /// Returns the estimated amount at the end of the period, if use continues at the same pace as until `now`.
    fn projected(&self, now: Timestamp) -> f64 {
        let (start, end) = self.period;
        let elapsed = now.duration_since(start).as_secs_f64();
        let length = end.duration_since(start).as_secs_f64();
        let used = self.used as f64;
        if elapsed <= 0.0 || elapsed >= length { used } else { used * length / elapsed }
    }

    /// Converts the use to the quota of an account.
    pub fn into_quota(self, now: Timestamp) -> SourceQuota {
        let projected = self.projected(now);
        let Self { name, period: (_, resets_at), used, limit, .. } = self;
        SourceQuota { name, used, limit, projected, resets_at }
    }

    /// Converts the use to a cost. Amounts must be in millionths of a US dollar.
    pub fn into_cost(self, now: Timestamp) -> SourceCost {
        SourceCost {
            spent_usd: self.used as f64 / MICRO_USD,
            projected_usd: self.projected(now) / MICRO_USD,
            limit_usd: self.limit as f64 / MICRO_USD,
            resets_at: self.period.1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_is_projected_to_the_end_of_the_period() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let period = (time("2026-11-01T00:00:00Z"), time("2026-12-01T00:00:00Z"));
        let usage = Usage {
            name: "posts".to_owned(),
            unit: Unit::MicroUsd,
            period,
            used: 3_000_000,
            limit: 20_000_000,
        };
        let cost = usage.clone().into_cost(time("2026-11-11T00:00:00Z"));
        assert_eq!((cost.spent_usd, cost.projected_usd, cost.limit_usd), (3.0, 9.0, 20.0));
        // No pace is known before the period begins, which can happen because clocks differ.
        let quota = usage.into_quota(time("2026-10-31T23:59:59Z"));
        assert_eq!((quota.projected, quota.resets_at), (3_000_000.0, period.1));
    }
}
