//! Whether callers need a credential at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::accounts::users;
use crate::store::{Store, StoreError};

/// Decides whether callers without a credential are the local operator: only until the first account exists, and only
/// if the settings allow it. Clones share the answer.
#[derive(Clone)]
pub struct OpenAccess {
    store: Store,
    may_be_open: bool,
    has_users: Arc<AtomicBool>,
}

impl OpenAccess {
    /// Creates the decision, which is no until [`Self::refresh`]. `may_be_open` says whether the settings allow access
    /// without a credential.
    pub fn new(store: Store, may_be_open: bool) -> Self {
        Self { store, may_be_open, has_users: Arc::new(AtomicBool::new(true)) }
    }

    /// Asks whether there are accounts. The previous answer stays if PostgreSQL cannot be asked.
    ///
    /// # Errors
    /// If PostgreSQL cannot be asked.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let has_users = users::exist(&self.store).await?;
        self.has_users.store(has_users, Ordering::Release);
        Ok(())
    }

    /// Notes that this process has created an account.
    pub fn note_account(&self) {
        self.has_users.store(true, Ordering::Release);
    }

    /// Returns whether there are accounts, as of the last [`Self::refresh`].
    pub fn has_users(&self) -> bool {
        self.has_users.load(Ordering::Acquire)
    }

    /// Returns whether callers without a credential are the local operator.
    pub fn is_open(&self) -> bool {
        self.may_be_open && !self.has_users()
    }
}
