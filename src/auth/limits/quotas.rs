//! How many calls of each class callers may make, by their plan.

use std::collections::HashMap;
use std::str::FromStr;

use crate::models::plan::Plan;
use crate::models::rate_limit::Quota;

/// Class of routes whose calls use up the same quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteClass {
    /// Presents a secret to get a credential. Always limited by address, so only strangers have this quota.
    SignIn,
    /// Reads.
    Read,
    /// Changes something.
    Write,
    /// Sends posts.
    Ingest,
    /// Delivers to a webhook. Limited by address, because the sender is known only once the signature is verified.
    Delivery,
    /// Has texts scored.
    Score,
    /// Has content analyzed.
    Analyze,
    /// Downloads many records.
    Export,
    /// Opens a live connection. What clients do on it has a limit of its own (`ws::rate_limit`).
    Live,
}

impl RouteClass {
    /// Every class.
    pub const ALL: [Self; 9] = [
        Self::SignIn,
        Self::Read,
        Self::Write,
        Self::Ingest,
        Self::Delivery,
        Self::Score,
        Self::Analyze,
        Self::Export,
        Self::Live,
    ];

    /// Returns the name, as it stands in settings, metrics, errors and the OpenAPI document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Read => "read",
            Self::Write => "write",
            Self::Ingest => "ingest",
            Self::Delivery => "delivery",
            Self::Score => "score",
            Self::Analyze => "analyze",
            Self::Export => "export",
            Self::Live => "live",
        }
    }
}

/// Row of the table of quotas: who the caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Without a principal: an address.
    Stranger,
    /// A principal with this plan.
    Plan(Plan),
}

impl Tier {
    /// Every tier.
    pub const ALL: [Self; 4] =
        [Self::Stranger, Self::Plan(Plan::Free), Self::Plan(Plan::Pro), Self::Plan(Plan::Enterprise)];

    /// Returns the name, as it stands in settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Plan(Plan::Free) => "free",
            Self::Plan(Plan::Pro) => "pro",
            Self::Plan(Plan::Enterprise) => "enterprise",
        }
    }
}

/// Returns the default quota: calls per minute, and at once.
///
/// - A dashboard makes some twenty calls when a page opens and a few per minute after that, so a burst of `read` lets a
///   person open many pages in a row. Several people may share the address of a stranger.
/// - Passwords are guessed at most some ten thousand times a day from one address.
/// - `ingest` counts requests, each with up to thousands of posts; the high-water mark of the stream bounds the posts.
/// - An export or analysis costs as much as thousands of reads.
const fn default_quota(class: RouteClass, tier: Tier) -> Quota {
    let [stranger, free, pro, enterprise] = match class {
        RouteClass::SignIn => [(10, 10); 4],
        RouteClass::Read => [(600, 300), (1_200, 400), (3_000, 1_000), (12_000, 4_000)],
        RouteClass::Write => [(120, 60), (300, 100), (1_200, 400), (6_000, 2_000)],
        RouteClass::Ingest => [(60, 60), (600, 100), (6_000, 1_000), (60_000, 5_000)],
        RouteClass::Delivery => [(6_000, 1_000); 4],
        RouteClass::Score => [(60, 60), (120, 60), (1_200, 200), (12_000, 2_000)],
        RouteClass::Analyze => [(10, 10), (10, 10), (60, 60), (600, 200)],
        RouteClass::Export => [(6, 6), (6, 6), (30, 30), (120, 60)],
        RouteClass::Live => [(60, 30), (60, 60), (300, 120), (1_200, 600)],
    };
    let (n_calls, burst) = match tier {
        Tier::Stranger => stranger,
        Tier::Plan(Plan::Free) => free,
        Tier::Plan(Plan::Pro) => pro,
        Tier::Plan(Plan::Enterprise) => enterprise,
    };
    Quota::per_minute(n_calls, burst)
}

/// Quota that replaces a default one, parsed from `TIER.CLASS=PER_MINUTE/BURST`, such as `free.score=120/60`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaOverride {
    /// Callers that have it.
    pub tier: Tier,
    /// Class of routes that it is for.
    pub class: RouteClass,
    /// The quota.
    pub quota: Quota,
}

/// Maximum number of calls per minute and at once that can be configured, far beyond what one process serves.
const CALLS_MAX: u32 = 10_000_000;

impl FromStr for QuotaOverride {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "must be TIER.CLASS=PER_MINUTE/BURST, such as `free.score=120/60`".to_owned();
        let (name, quota) = text.trim().split_once('=').ok_or_else(form)?;
        let (tier_name, class_name) = name.split_once('.').ok_or_else(form)?;
        let (n_calls, burst) = quota.split_once('/').ok_or_else(form)?;
        let count = |text: &str| text.parse().ok().filter(|count| (1..=CALLS_MAX).contains(count));
        let (n_calls, burst) = count(n_calls).zip(count(burst)).ok_or_else(form)?;
        let tier = Tier::ALL.into_iter().find(|tier| tier.as_str() == tier_name);
        let tier = tier
            .ok_or_else(|| format!("the tier must be one of {}", Tier::ALL.map(Tier::as_str).join(", ")))?;
        let class = RouteClass::ALL.into_iter().find(|class| class.as_str() == class_name);
        let names = RouteClass::ALL.map(RouteClass::as_str).join(", ");
        let class = class.ok_or_else(|| format!("the class must be one of {names}"))?;
        if class == RouteClass::SignIn && tier != Tier::Stranger {
            return Err("`sign_in` is limited by address: use stranger.sign_in".to_owned());
        }
        Ok(Self { tier, class, quota: Quota::per_minute(n_calls, burst) })
    }
}

/// The table of quotas.
#[derive(Debug, Clone, Default)]
pub struct Quotas(HashMap<(Tier, RouteClass), Quota>);

impl Quotas {
    /// Creates the table from the defaults and what replaces them; the last replacement counts.
    pub fn new(overrides: &[QuotaOverride]) -> Self {
        Self(overrides.iter().map(|it| ((it.tier, it.class), it.quota)).collect())
    }

    /// Returns the quota of a caller for a class of routes.
    pub fn of(&self, tier: Tier, class: RouteClass) -> Quota {
        self.0.get(&(tier, class)).copied().unwrap_or_else(|| default_quota(class, tier))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_better_plan_never_has_a_smaller_quota() {
        for class in RouteClass::ALL {
            let quotas = Tier::ALL.map(|tier| Quotas::default().of(tier, class));
            for pair in quotas.windows(2) {
                assert!(pair[0].burst <= pair[1].burst, "{class:?}");
                assert!(pair[0].interval_us >= pair[1].interval_us, "{class:?}");
            }
        }
    }

    #[test]
    fn a_replacement_counts_for_its_tier_and_class_only() {
        let quotas = Quotas::new(&["free.score=6/2".parse().unwrap(), "free.score=120/5".parse().unwrap()]);
        let free = Tier::Plan(Plan::Free);
        assert_eq!(quotas.of(free, RouteClass::Score), Quota { interval_us: 500_000, burst: 5 });
        assert_eq!(quotas.of(free, RouteClass::Read), default_quota(RouteClass::Read, free));
        let pro = Tier::Plan(Plan::Pro);
        assert_eq!(quotas.of(pro, RouteClass::Score), default_quota(RouteClass::Score, pro));
    }

    #[test]
    fn a_malformed_replacement_is_rejected() {
        for class in RouteClass::ALL {
            for tier in Tier::ALL {
                let text = format!("{}.{}=7/1", tier.as_str(), class.as_str());
                let has_effect = class != RouteClass::SignIn || tier == Tier::Stranger;
                assert_eq!(text.parse::<QuotaOverride>().is_ok(), has_effect, "{text}");
            }
        }
        for wrong in [
            "",
            "free.score",
            "free=1/1",
            "score.free=1/1",
            "gold.score=1/1",
            "free.fly=1/1",
            "free.score=1",
            "free.score=0/1",
            "free.score=1/0",
            "free.score=-1/1",
            "free.score=1/1/1",
            "free.score=10000001/1",
        ] {
            assert!(wrong.parse::<QuotaOverride>().is_err(), "{wrong}");
        }
    }
}
