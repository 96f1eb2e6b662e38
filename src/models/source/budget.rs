//! Spending limits of sources.

use serde::{Deserialize, Serialize};

/// Maximum budget in US dollars: more than any network sells to a self-service account in a month.
pub const BUDGET_USD_MAX: u32 = 1_000_000;

/// Number of millionths in one unit.
const MILLION: f64 = 1_000_000.0;

/// Amount of money in US dollars, to a millionth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Budget {
    micro_usd: u64,
}

/// Error for a number that is not a valid budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a budget must be 0 to 1,000,000 US dollars")]
pub struct InvalidBudget;

impl Budget {
    /// Creates a budget from millionths of a US dollar.
    pub const fn from_micro_usd(micro_usd: u64) -> Self {
        Self { micro_usd }
    }

    /// Returns the budget in millionths of a US dollar.
    pub const fn micro_usd(self) -> u64 {
        self.micro_usd
    }
}

impl TryFrom<f64> for Budget {
    type Error = InvalidBudget;

    fn try_from(usd: f64) -> Result<Self, InvalidBudget> {
        if !(0.0..=f64::from(BUDGET_USD_MAX)).contains(&usd) {
            return Err(InvalidBudget);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the amount lies between 0 and 10^12"
        )]
        let micro_usd = (usd * MILLION).round() as u64;
        Ok(Self { micro_usd })
    }
}

impl From<Budget> for f64 {
    fn from(budget: Budget) -> Self {
        budget.micro_usd as Self / MILLION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_a_number_of_dollars() {
        let check = |text: &str, expected: Option<u64>| {
            let read = serde_json::from_str::<Budget>(text).ok();
            assert_eq!(read.map(Budget::micro_usd), expected, "{text}");
        };
        check("20", Some(20_000_000));
        check("0.005", Some(5_000));
        check("0", Some(0));
        check("1000000", Some(1_000_000_000_000));
        check("1000000.01", None);
        check("-0.01", None);
        check("\"20\"", None);
        assert_eq!(serde_json::to_string(&Budget::from_micro_usd(12_340_000)).unwrap(), "12.34");
    }
}
