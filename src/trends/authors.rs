//! Approximate number of distinct authors, in four kilobytes.

/// Number of bits of the hash that select a register.
const PRECISION: u8 = 12;

const N_REGISTERS: usize = 1 << PRECISION;

/// Number of remaining bits of the hash, whose leading zeros are counted.
const N_BITS: u8 = 64 - PRECISION;

/// Relative standard error of every estimate: 1.04 divided by the square root of the number of registers. Three
/// estimates in a thousand are off by more than three times this. Counts below a few hundred are nearly exact.
pub const RELATIVE_ERROR: f64 = 0.016_25;

/// HyperLogLog: counts distinct authors without storing them.
///
/// Merging takes the greater of each pair of registers, so the order, grouping and repetition of merges do not matter.
/// The estimator is Ertl's improved one ("New cardinality estimation algorithms for HyperLogLog sketches", 2017), which
/// needs no correction for small or large counts.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorSketch {
    registers: Box<[u8]>,
}

impl std::fmt::Debug for AuthorSketch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "AuthorSketch(about {:.0})", self.estimate())
    }
}

impl Default for AuthorSketch {
    fn default() -> Self {
        Self { registers: vec![0; N_REGISTERS].into_boxed_slice() }
    }
}

impl AuthorSketch {
    /// Counts an author, identified by the result of [`hash_of`].
    pub fn insert(&mut self, hash: u64) {
        let index = usize::try_from(hash >> N_BITS).unwrap_or_default();
        // The bit set here ends a run of zeros that reaches the bits vacated by the shift.
        let rank = ((hash << PRECISION) | (1 << (PRECISION - 1))).leading_zeros() + 1;
        let rank = u8::try_from(rank).unwrap_or(u8::MAX);
        if let Some(register) = self.registers.get_mut(index) {
            *register = (*register).max(rank);
        }
    }

    /// Adds the authors counted by another sketch.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.registers.iter_mut().zip(&other.registers) {
            *mine = (*mine).max(*theirs);
        }
    }

    /// Returns the estimated number of distinct authors.
    pub fn estimate(&self) -> f64 {
        let n_registers = N_REGISTERS as f64;
        let mut histogram = [0_u32; N_BITS as usize + 2];
        for register in &self.registers {
            if let Some(n) = histogram.get_mut(usize::from(*register)) {
                *n += 1;
            }
        }
        let [n_empty, ranks @ .., n_full] = histogram;
        let mut sum = n_registers * tau(1.0 - f64::from(n_full) / n_registers);
        for n in ranks.iter().rev() {
            sum = 0.5 * (sum + f64::from(*n));
        }
        sum += n_registers * sigma(f64::from(n_empty) / n_registers);
        n_registers * n_registers / (2.0 * std::f64::consts::LN_2 * sum)
    }

    /// Returns the registers as they are sent to other processes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.registers
    }

    /// Restores a sketch from [`Self::as_bytes`]; returns `None` if the bytes are not valid.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let fits = bytes.len() == N_REGISTERS && bytes.iter().all(|rank| *rank <= N_BITS + 1);
        fits.then(|| Self { registers: bytes.into() })
    }
}

/// Ertl's σ: the contribution of empty registers; infinite if all registers are empty.
fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * y;
        y *= 2.0;
        if sum <= before {
            return sum;
        }
    }
}

/// Ertl's τ: the contribution of full registers.
fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut y, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        y *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * y;
        if sum >= before {
            return sum / 3.0;
        }
    }
}

/// Hashes an author, identically in every process and version because their sketches are merged. The hash is FNV-1a
/// over platform and author, followed by the finalizer of MurmurHash3, without which similar names would share
/// registers.
pub fn hash_of(platform: &str, author: &str) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let bytes = platform.bytes().chain([0]).chain(author.bytes());
    let mut hash = bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash ^= hash >> 33;
        hash = hash.wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sketch_of(names: impl IntoIterator<Item = u32>) -> AuthorSketch {
        let mut sketch = AuthorSketch::default();
        names.into_iter().for_each(|name| sketch.insert(hash_of("twitter", &format!("u{name}"))));
        sketch
    }

    #[test]
    fn estimates_of_any_size_are_within_three_standard_errors() {
        for n in [0, 1, 2, 10, 100, 1_000, 5_000, 20_000, 100_000, 1_000_000_u32] {
            let estimate = sketch_of(0..n).estimate();
            let off = (estimate - f64::from(n)).abs();
            assert!(off <= (f64::from(n) * RELATIVE_ERROR * 3.0).max(0.5), "{n} are counted as {estimate}");
        }
    }

    #[test]
    fn the_error_over_many_sets_is_the_stated_one() {
        let off = |crowd: u32| {
            let first = crowd * 10_000_000;
            sketch_of(first..first + 30_000).estimate() / 30_000.0 - 1.0
        };
        let offs: Vec<f64> = (0..60).map(off).collect();
        let error = (offs.iter().map(|off| off * off).sum::<f64>() / offs.len() as f64).sqrt();
        assert!((0.6..1.4).contains(&(error / RELATIVE_ERROR)), "the standard error is {error}");
    }

    #[test]
    fn the_hash_is_the_one_that_other_versions_computed() {
        assert_eq!(hash_of("twitter", "u1"), 0x320f_d67c_4c41_7c41);
        assert_ne!(hash_of("ab", "c"), hash_of("a", "bc"));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_who_is_merged_with_whom(
            a in proptest::collection::vec(any::<u32>(), 0..300),
            b in proptest::collection::vec(any::<u32>(), 0..300),
            c in proptest::collection::vec(any::<u32>(), 0..300),
        ) {
            let all = sketch_of(a.iter().chain(&b).chain(&c).copied());
            let (mut left, mut right) = (sketch_of(a.clone()), sketch_of(c.clone()));
            left.merge(&sketch_of(b.clone()));
            left.merge(&sketch_of(c));
            right.merge(&sketch_of(b));
            right.merge(&sketch_of(a));
            right.merge(&left);
            prop_assert_eq!(&left, &all);
            prop_assert_eq!(&right, &all);
            prop_assert_eq!(AuthorSketch::from_bytes(all.as_bytes()), Some(all));
        }
    }

    #[test]
    fn what_is_no_sketch_is_refused() {
        assert_eq!(AuthorSketch::from_bytes(&[0; 7]), None);
        assert_eq!(AuthorSketch::from_bytes(&[64; N_REGISTERS]), None);
    }
}
