//! The numbers of the advisory locks. They are known to the whole database, so two things with one number would wait for
//! each other: in one list, that does not compile.

/// What is locked.
#[repr(i64)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lock {
    /// The schema, while it changes.
    Migration = 0x6773_0001,
    /// Posts leave.
    Expiry = 0x6773_0002,
    /// Fine buckets become minutes.
    Compaction = 0x6773_0003,
    /// Partitions come and go.
    Partitions = 0x6773_0004,
    /// Who evaluates the alert rules, for as long as it does.
    Lead = 0x6773_0005,
}

impl Lock {
    /// As PostgreSQL is told.
    pub(super) const fn number(self) -> i64 {
        self as i64
    }
}
