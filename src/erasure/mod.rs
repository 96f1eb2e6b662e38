//! Erases posts and authors, and informs every process of the change in its live windows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use tracing::{info, warn};

use crate::models::id::PostId;
use crate::models::live::{AlertChange, LiveUpdate};
use crate::store::posts::erasure::{self, POSTS_PER_TRANSACTION_MAX, PostKey};
use crate::store::{Store, StoreError};
use crate::stream::Updates;

/// Erases posts and authors. Clones share the connections.
///
/// Each transaction erases at most [`POSTS_PER_TRANSACTION_MAX`] posts and is followed by the update with its delta. An
/// error leaves the earlier transactions in place; erasing the same again is safe.
#[derive(Clone)]
pub struct Eraser {
    store: Store,
    updates: Updates,
    /// Whether an earlier update was not published.
    missed: Arc<AtomicBool>,
}

impl Eraser {
    /// Creates an eraser. `store` must be the store through which the aggregator of this process writes, because only
    /// then are deltas published in the order of their commits.
    pub fn new(store: Store, updates: Updates) -> Self {
        Self { store, updates, missed: Arc::default() }
    }

    /// Erases the posts with these ids on a platform, and returns how many of them were stored. The others are
    /// discarded when they arrive.
    ///
    /// # Errors
    /// If PostgreSQL is unavailable or too slow. Some of the posts may be erased nevertheless.
    pub async fn erase_posts(&self, platform: &str, ids: &[String]) -> Result<usize, StoreError> {
        let key = |id: &String| PostKey { platform: platform.to_owned(), id: id.clone() };
        let mut n_posts = 0;
        for ids in ids.chunks(POSTS_PER_TRANSACTION_MAX) {
            n_posts += self.erase(&ids.iter().map(key).collect::<Vec<_>>()).await?;
        }
        Ok(n_posts)
    }

    /// Erases one stored post, and returns whether it existed.
    ///
    /// # Errors
    /// If PostgreSQL is unavailable or too slow; the post is unchanged then, unless the connection was lost while the
    /// transaction was being committed.
    pub async fn erase_post(&self, post: PostId) -> Result<bool, StoreError> {
        let Some(key) = erasure::key_of(&self.store, post).await? else {
            return Ok(false);
        };
        Ok(self.erase(&[key]).await? > 0)
    }

    /// Erases everything that an author on a platform, given by id or handle, published up to a time, and returns the
    /// number of posts. Posts that are still on the stream are erased by [`Self::sweep`] once they are stored.
    ///
    /// # Errors
    /// If PostgreSQL is unavailable or too slow. If the author was already recorded, [`Self::sweep`] erases the rest.
    pub async fn erase_author(
        &self,
        platform: &str,
        author: &str,
        until: Timestamp,
    ) -> Result<u64, StoreError> {
        // The author is recorded first, so that sweeps find the posts even after a crash in between.
        erasure::remember_author(&self.store, platform, author, (Timestamp::now(), until)).await?;
        self.erase_all(Search::Author { platform, author, until }).await
    }

    /// Erases posts that were on the stream when their author was erased, for all authors erased since `since`, and
    /// returns their number.
    ///
    /// # Errors
    /// If PostgreSQL is unavailable or too slow. The next call erases the rest.
    pub async fn sweep(&self, since: Timestamp) -> Result<u64, StoreError> {
        self.recover().await;
        self.erase_all(Search::AuthorsErasedSince(since)).await
    }

    /// Repeats a search and erases its results until it finds nothing.
    async fn erase_all(&self, search: Search<'_>) -> Result<u64, StoreError> {
        const N_MAX: usize = POSTS_PER_TRANSACTION_MAX;
        let mut n_posts = 0;
        loop {
            let keys = match search {
                Search::Author { platform, author, until } => {
                    erasure::keys_of_author(&self.store, (platform, author), until, N_MAX).await?
                }
                Search::AuthorsErasedSince(since) => {
                    erasure::keys_of_erased_authors(&self.store, since, N_MAX).await?
                }
            };
            let n_erased = self.erase(&keys).await?;
            // Another process may have erased all of them first. Then that process, or the next sweep, erases the rest.
            if n_erased == 0 {
                return Ok(n_posts);
            }
            n_posts += u64::try_from(n_erased).unwrap_or(u64::MAX);
        }
    }

    /// Erases posts in one transaction, publishes its delta, and returns how many of the posts were stored.
    async fn erase(&self, keys: &[PostKey]) -> Result<usize, StoreError> {
        if keys.is_empty() {
            return Ok(0);
        }
        let mut announcement = Announcement { missed: &self.missed, is_made: false };
        // Held until the delta has been published. An update that the aggregator has queued may still be published
        // later; live windows detect that and rebuild.
        let mut guard = self.store.rollup_guard();
        let erased = erasure::erase(&self.store, keys, &mut guard).await?;
        let n_posts = erased.posts.len();
        let mut is_made = true;
        if !erased.delta.is_empty() {
            let delta = erased.delta.into_iter().collect();
            is_made = self.publish(&LiveUpdate::Corrected { delta, posts: Vec::new() }).await;
        }
        drop(guard);
        for alert in erased.resolved {
            let change = AlertChange::Resolved;
            is_made &= self.publish(&LiveUpdate::Alert { change, alert: Box::new(alert) }).await;
        }
        announcement.is_made = is_made;
        if n_posts > 0 {
            info!(n_posts, "posts erased");
        }
        Ok(n_posts)
    }

    /// Publishes an update, and returns whether it was published. [`LiveUpdate::Missed`] comes first if an earlier one
    /// was not.
    async fn publish(&self, update: &LiveUpdate) -> bool {
        if !self.recover().await {
            return false;
        }
        let published = self.updates.publish(update).await;
        if let Err(error) = &published {
            warn!(%error, "an update was not published, live windows rebuild");
        }
        published.is_ok()
    }

    /// Publishes [`LiveUpdate::Missed`] if an update was not published. Returns whether no update is missing any more.
    async fn recover(&self) -> bool {
        if !self.missed.swap(false, Ordering::AcqRel) {
            return true;
        }
        let mut announcement = Announcement { missed: &self.missed, is_made: false };
        announcement.is_made = self.updates.publish(&LiveUpdate::Missed).await.is_ok();
        announcement.is_made
    }
}

/// How posts to erase are found.
#[derive(Clone, Copy)]
enum Search<'a> {
    Author { platform: &'a str, author: &'a str, until: Timestamp },
    AuthorsErasedSince(Timestamp),
}

/// Guard that ensures that every process learns of a change. If it is dropped before the delta is published, the next
/// call tells all processes to rebuild. This happens when a client disconnects in the middle of a request.
struct Announcement<'a> {
    missed: &'a AtomicBool,
    is_made: bool,
}

impl Drop for Announcement<'_> {
    fn drop(&mut self) {
        if !self.is_made {
            self.missed.store(true, Ordering::Release);
        }
    }
}
