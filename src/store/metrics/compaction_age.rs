//! How long rollups keep their fine buckets.

use jiff::SignedDuration;

/// Age in seconds after which fine buckets are merged into minutes. A window that reaches back more than half this far
/// is aligned to minutes and shows no finer steps.
pub const COMPACT_AFTER_SECONDS: i64 = 3 * 3_600;

/// Age below which compaction never touches a bucket, even if the clock of the compacting machine is wrong. Windows
/// that reach further back start and end on minute boundaries.
pub(in crate::store) const FINE_FOR: SignedDuration = SignedDuration::from_secs(COMPACT_AFTER_SECONDS / 2);
