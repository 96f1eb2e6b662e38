//! Limits on the size of a query.

/// Maximum length of a query in characters.
pub const LENGTH_MAX: usize = 4_096;

/// Maximum number of terms and fields in a query.
pub const TERMS_MAX: usize = 500;

/// Maximum depth to which brackets and `NOT` may be nested.
pub const DEPTH_MAX: usize = 20;

/// Maximum number of words between two terms joined by `NEAR`.
pub const DISTANCE_MAX: u8 = 30;

/// Maximum number of `NEAR`s that may join one group of terms, because each multiplies the ways to match.
pub const NEARS_MAX: usize = 3;
