//! Cost of reading X, and the rest of the budget.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::connectors::ConnectorError;
use crate::connectors::meter::{Allowance, Meter, MeterError, Period, Unit};
use crate::models::source::budget::Budget;

/// Price of a post in millionths of a US dollar, charged once per UTC day on which it is read (X's price list of
/// November 2026). If X raises it, the budget is exceeded until this constant is updated.
pub(super) const POST_MICRO_USD: u64 = 5_000;

/// Budget of a source, and the meter that counts its spending.
#[derive(Clone)]
pub(super) struct Spending {
    meter: Arc<dyn Meter>,
    budget: Budget,
}

impl Spending {
    pub(super) fn new(meter: Arc<dyn Meter>, budget: Budget) -> Self {
        Self { meter, budget }
    }

    /// Returns the number of posts per month that the budget pays for.
    pub(super) const fn n_posts_a_month(&self) -> u64 {
        self.budget.micro_usd() / POST_MICRO_USD
    }

    /// Counts posts that were read. Returns how many more the rest of the budget pays for.
    ///
    /// # Errors
    /// If the meter is unavailable.
    pub(super) async fn charge(&self, n_posts: u64) -> Result<u64, ConnectorError> {
        let allowance = Allowance {
            name: "posts",
            unit: Unit::MicroUsd,
            limit: self.budget.micro_usd(),
            period: Period::Month,
        };
        match self.meter.charge(allowance, n_posts.saturating_mul(POST_MICRO_USD)).await {
            Ok(rest) => Ok(rest / POST_MICRO_USD),
            Err(MeterError::UsedUp { .. }) => Ok(0),
            Err(error @ MeterError::Unavailable(_)) => Err(ConnectorError::Interrupted(error.to_string())),
        }
    }

    /// Returns how many more posts the rest of the budget pays for.
    ///
    /// # Errors
    /// If the meter is unavailable.
    pub(super) async fn n_posts_left(&self) -> Result<u64, ConnectorError> {
        self.charge(0).await
    }

    /// Formats the budget: `$20.00`.
    pub(super) fn budget(&self) -> String {
        format!("${:.2}", f64::from(self.budget))
    }

    /// Returns the error for a budget that does not pay for a single post.
    pub(super) fn missing() -> ConnectorError {
        ConnectorError::Refused(
            "X charges $0.005 for each post that is read, and there is no budget; set how many dollars may be spent per \
             month"
                .to_owned(),
        )
    }

    /// Returns the error for a spent budget.
    pub(super) fn spent(&self, now: Timestamp) -> ConnectorError {
        let (_, until) = Period::Month.around(now);
        let [month, next] = [now, until].map(|at| at.to_zoned(TimeZone::UTC));
        ConnectorError::RateLimited {
            message: format!(
                "the budget of {} for {} is spent; set a larger one or wait until {}",
                self.budget(),
                month.strftime("%B %Y"),
                next.strftime("%-d %B")
            ),
            retry_after: Some(until.duration_since(now).unsigned_abs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::meter::Unmetered;

    #[test]
    fn a_spent_budget_says_what_to_do() {
        let spending = Spending::new(Arc::new(Unmetered), Budget::from_micro_usd(20_000_000));
        assert_eq!(spending.n_posts_a_month(), 4_000);
        let error = spending.spent("2026-11-23T12:00:00Z".parse().unwrap());
        assert_eq!(
            error.to_string(),
            "the budget of $20.00 for November 2026 is spent; set a larger one or wait until 1 December"
        );
        assert_eq!(error.state().as_str(), "waiting");
    }
}
