//! How long rollups keep their fine buckets.

use jiff::SignedDuration;

/// Age in seconds after which buckets are merged into minutes. No window shorter than twice that shows finer steps.
pub const COMPACT_AFTER_SECONDS: i64 = 3 * 3_600;

/// Age below which no compaction touches a bucket, whatever the clock of the machine it runs on says. No window that
/// reaches further back begins or ends within a minute.
pub(in crate::store) const FINE_FOR: SignedDuration = SignedDuration::from_secs(COMPACT_AFTER_SECONDS / 2);
