//! Names of packs: ready-made queries for posts that topics often leave out.

/// Ready-made query that other queries can name, as in `NOT is:giveaway`. It prefers precision: what it matches is almost
/// certainly of that kind, but it does not match everything of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pack {
    /// Advertisements of open positions.
    JobAd,
    /// Prize draws for which people must follow, share or sign up.
    Giveaway,
}

impl Pack {
    /// All packs.
    pub const ALL: [Self; 2] = [Self::JobAd, Self::Giveaway];

    /// Returns the name after `is:`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JobAd => "job_ad",
            Self::Giveaway => "giveaway",
        }
    }
}
