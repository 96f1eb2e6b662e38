//! Random numbers that depend only on the seed, on every machine and in every version.

/// Random number generator (SplitMix64). `rand` is unsuitable because its generators may change between versions, and a
/// seed is useful only if it always produces the same posts.
#[derive(Debug, Clone)]
pub struct SeededRng {
    state: u64,
}

impl SeededRng {
    pub fn new(seed: u64) -> Self {
        Self { state: seed ^ 0x6a09_e667_f3bc_c908 }
    }

    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number from 0 up to, but not including, 1; all are equally likely.
    pub fn unit(&mut self) -> f64 {
        // The 53 bits that a float represents exactly.
        let bits = u32::try_from(self.next_u64() >> 32).unwrap_or_default();
        f64::from(bits) / 4_294_967_296.0
    }

    /// Returns true with the given probability.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Returns an integer from 0 to `n` - 1, each equally likely; 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n.max(1)).unwrap_or(1);
        usize::try_from(self.next_u64() % n).unwrap_or_default()
    }

    /// Returns a number from `low` to `high`, both inclusive.
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        let width = u64::from(high.saturating_sub(low)) + 1;
        low + u32::try_from(self.next_u64() % width).unwrap_or_default()
    }

    /// Picks an item, all being equally likely; `None` if there are none.
    pub fn one_of<'a, T>(&mut self, several: &'a [T]) -> Option<&'a T> {
        several.get(self.below(several.len()))
    }

    /// Picks a text uniformly at random; returns an empty string if there are none.
    pub fn word(&mut self, several: &[&'static str]) -> &'static str {
        self.one_of(several).copied().unwrap_or_default()
    }

    /// Picks an item with a probability proportional to its weight; `None` if there are none.
    pub fn weighted<'a, T>(&mut self, several: &'a [T], weight: impl Fn(&T) -> u32) -> Option<&'a T> {
        let total: u32 = several.iter().map(&weight).sum();
        let mut left = self.between(1, total.max(1));
        several.iter().find(|one| {
            let weight = weight(one);
            let is_it = left <= weight;
            left = left.saturating_sub(weight);
            is_it
        })
    }

    /// Returns the seconds until the next event of a Poisson process with `rate` events per second.
    pub fn wait(&mut self, rate: f64) -> f64 {
        -(1.0 - self.unit()).ln() / rate
    }

    /// Returns a number that is usually near `typical` but occasionally a hundred times as high, such as a number of
    /// followers, likes or views.
    pub fn heavy_tailed(&mut self, typical: f64) -> i64 {
        let value = typical * (1.0 - self.unit()).powf(-0.8) - 0.5 * typical;
        whole(value.clamp(0.0, 1e8))
    }
}

/// Rounds a number between 0 and a billion to an integer.
#[expect(clippy::cast_possible_truncation, reason = "callers keep it below a billion")]
pub fn whole(value: f64) -> i64 {
    value.clamp(0.0, 1e9).round() as i64
}
