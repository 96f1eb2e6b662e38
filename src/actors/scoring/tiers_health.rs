//! Health of the cascade: the tiers in use, their shares, and the reason if there is no deep tier.

use jiff::Timestamp;

use super::cascade::{Cascade, TierCounts};
use crate::inference::{ModelSlot, Models, ScorerFactory as _, Tier};
use crate::models::system_health::{TierHealth, TiersHealth};

/// Reason for having no deep tier even though a deep model is loaded.
const NO_BUDGET: &str = "the latency budget is 0";

/// Returns which tiers this process uses, and how many posts each of them scores.
pub fn measure(cascade: &Cascade, models: &Models, now: Timestamp) -> TiersHealth {
    let mut items = vec![item(Tier::Swift, models.swift())];
    let (mut budget_ms, mut without_deep) = (0, None);
    match models.deep() {
        Ok(deep) if cascade.is_on() => {
            items.push(item(Tier::Deep, deep));
            budget_ms = u64::try_from(cascade.budget().as_millis()).unwrap_or(u64::MAX);
        }
        Ok(_) => without_deep = Some(NO_BUDGET.to_owned()),
        Err(reason) => without_deep = Some(reason.to_owned()),
    }
    let mut tiers = TiersHealth {
        budget_ms,
        overloaded: cascade.is_overloaded(),
        awaiting: u64::try_from(cascade.n_waiting()).unwrap_or(u64::MAX),
        deep_per_second: cascade.texts_per_second(),
        items,
        without_deep,
    };
    let TierCounts { n_stored, n_corrected } = cascade.counts(now);
    tiers.set_shares(n_stored, n_corrected);
    tiers
}

fn item(tier: Tier, model: &ModelSlot) -> TierHealth {
    TierHealth { tier: tier.as_str().to_owned(), model: (*model.model()).clone(), share: 0.0, posts: 0 }
}
