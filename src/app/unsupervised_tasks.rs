//! Tasks that the end of supervision leaves running.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::{AbortHandle, JoinHandle};

/// Current incarnations of tasks. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct UnsupervisedTasks(Arc<Mutex<HashMap<Arc<str>, AbortHandle>>>);

impl UnsupervisedTasks {
    /// Keeps an incarnation of the task with this name, in place of the one before.
    pub fn keep(&self, name: &Arc<str>, task: &JoinHandle<()>) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.insert(Arc::clone(name), task.abort_handle());
    }

    /// Ends the tasks. None of them owes anything to anyone: what one of them has not committed is done again by the
    /// next process, as after a crash.
    pub fn abort(self) {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.values().for_each(AbortHandle::abort);
    }
}
