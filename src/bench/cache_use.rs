//! Hit rates of the prediction caches during a load.

use super::server::Metrics;
use crate::inference::Tier;
use crate::telemetry::{CACHE_HITS_TOTAL, CACHE_MISSES_TOTAL};

/// Number of texts that each model received, split by whether their predictions were cached.
#[derive(Debug, Clone, Copy, Default)]
pub struct CacheUse {
    swift: TierUse,
    deep: TierUse,
}

#[derive(Debug, Clone, Copy, Default)]
struct TierUse {
    hits: f64,
    misses: f64,
}

/// Hit rates of the caches, from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct HitShares {
    /// Hit rate in the fast tier.
    pub swift: f64,
    /// Hit rate in the deep tier.
    pub deep: f64,
}

impl CacheUse {
    /// Returns the counts since the server started, read from its metrics.
    pub fn of(metrics: &Metrics) -> Self {
        let of_tier = |tier: Tier| {
            let value = |name: &str| metrics.value(&format!("{name}{{tier=\"{}\"}}", tier.as_str()));
            TierUse { hits: value(CACHE_HITS_TOTAL), misses: value(CACHE_MISSES_TOTAL) }
        };
        Self { swift: of_tier(Tier::Swift), deep: of_tier(Tier::Deep) }
    }

    /// Returns the counts added since an earlier reading.
    pub fn since(self, before: Self) -> Self {
        Self { swift: self.swift.since(before.swift), deep: self.deep.since(before.deep) }
    }

    /// Returns the sum of both counts.
    pub fn and(self, other: Self) -> Self {
        Self { swift: self.swift.and(other.swift), deep: self.deep.and(other.deep) }
    }

    /// Returns the number of texts that reached a tier, whether cached or not.
    pub fn n_texts(self, tier: Tier) -> f64 {
        let TierUse { hits, misses } = match tier {
            Tier::Swift => self.swift,
            Tier::Deep => self.deep,
        };
        hits + misses
    }

    /// Returns the hit rate across both tiers.
    pub fn share(self) -> f64 {
        TierUse { hits: self.swift.hits + self.deep.hits, misses: self.swift.misses + self.deep.misses }
            .share()
    }

    /// Returns the hit rate in each tier.
    pub fn shares(self) -> HitShares {
        HitShares { swift: self.swift.share(), deep: self.deep.share() }
    }
}

impl TierUse {
    fn since(self, before: Self) -> Self {
        Self { hits: self.hits - before.hits, misses: self.misses - before.misses }
    }

    fn and(self, other: Self) -> Self {
        Self { hits: self.hits + other.hits, misses: self.misses + other.misses }
    }

    /// Returns the hit rate; 0 if there were no texts or caching is off.
    fn share(self) -> f64 {
        self.hits / (self.hits + self.misses).max(1.0)
    }
}

/// Formats the number of distinct texts and the hit rates as a table cell.
pub fn summary(n_distinct: usize, shares: HitShares) -> String {
    let HitShares { swift, deep } = shares;
    let percent = |share: f64| share * 100.0;
    format!("{n_distinct} distinct; from the cache: swift {:.1}%, deep {:.1}%", percent(swift), percent(deep))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_hits_is_that_of_the_period() {
        let at = |hits: u32, misses: u32| {
            let of = |name: &str, n: u32| format!("{name}{{tier=\"swift\"}} {n}\n");
            CacheUse::of(&Metrics::from(of(CACHE_HITS_TOTAL, hits) + &of(CACHE_MISSES_TOTAL, misses)))
        };
        let between = at(40, 60).since(at(10, 50));
        assert_eq!(between.share(), 0.75);
        assert_eq!(between.shares(), HitShares { swift: 0.75, deep: 0.0 });
    }
}
