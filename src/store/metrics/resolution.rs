//! How long rollups keep their fine buckets.

use jiff::SignedDuration;

/// Age in seconds after which buckets are merged into minutes. No window that reaches back more than half this
/// far shows finer steps.
pub const COMPACT_AFTER_SECONDS: i64 = 3 * 3_600;

/// Age below which no compaction touches a bucket, even if the clock of the machine that runs it is off. A window that
/// reaches further back does not begin or end within a minute.
pub(in crate::store) const FINE_FOR: SignedDuration = SignedDuration::from_secs(COMPACT_AFTER_SECONDS / 2);
