//! Posts that await the deep model, and the permits that limit their number.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::inference::deferral::work;
use crate::models::post::ScoredPost;

/// Stored post that is to be rescored by the deep model.
pub struct DeferredPost {
    /// Post with its first score, from the fast model.
    pub scored: Arc<ScoredPost>,
    /// When the post was committed; `None` for a post that another process left behind.
    pub committed_at: Option<Instant>,
    /// Permit for the post, released when this is dropped.
    pub permit: Permits,
}

/// Permits for deferred posts, released when dropped.
pub struct Permits {
    n: usize,
    /// Cost of scoring these posts.
    work: usize,
    pool: PermitPool,
}

impl Permits {
    /// Splits off the permit for the post with this text; `None` if there is no permit left.
    pub fn take_one(&mut self, text: &str) -> Option<Self> {
        self.n = self.n.checked_sub(1)?;
        let work = work(text).min(self.work);
        self.work -= work;
        Some(Self { n: 1, work, pool: self.pool.clone() })
    }

    /// Adds the permits of another set to this one.
    pub fn join(&mut self, mut other: Self) {
        self.n += std::mem::take(&mut other.n);
        self.work += std::mem::take(&mut other.work);
    }
}

impl Drop for Permits {
    fn drop(&mut self) {
        self.pool.0.n.fetch_sub(self.n, Ordering::AcqRel);
        self.pool.0.work.fetch_sub(self.work, Ordering::AcqRel);
    }
}

/// Shared count of the permits that are held. It does not limit them; [`crate::inference::deferral::Admission`] does.
#[derive(Clone, Default)]
pub(super) struct PermitPool(Arc<Held>);

#[derive(Default)]
struct Held {
    n: AtomicUsize,
    work: AtomicUsize,
}

impl PermitPool {
    /// Takes permits for `n` posts that cost `work` to score.
    pub(super) fn take(&self, n: usize, work: usize) -> Permits {
        self.0.n.fetch_add(n, Ordering::AcqRel);
        self.0.work.fetch_add(work, Ordering::AcqRel);
        Permits { n, work, pool: self.clone() }
    }

    /// Returns the number of posts that hold permits.
    pub(super) fn n_held(&self) -> usize {
        self.0.n.load(Ordering::Acquire)
    }

    /// Returns the cost of scoring the posts that hold permits.
    pub(super) fn work_held(&self) -> usize {
        self.0.work.load(Ordering::Acquire)
    }
}
