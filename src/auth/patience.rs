//! Questions to a server that may take long to answer.

use std::time::Duration;

use super::standing::REMEMBERED;

/// How long a request waits for an answer if an earlier one can stand in for it.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

// A change must count everywhere within five seconds.
const _: () = assert!(PATIENCE.as_millis() + REMEMBERED.as_millis() < 5_000);

/// Asks in a task of its own, and waits for the answer for [`PATIENCE`]. Returns `None` if there is none by then; the task
/// goes on, so that an answer that comes late is remembered.
pub(super) async fn ask_briefly<T: Send + 'static>(
    question: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    // unsupervised: it ends with the answer, and if it fails, a later request asks again.
    let asking = tokio::spawn(question);
    tokio::time::timeout(PATIENCE, asking).await.ok()?.ok()
}
