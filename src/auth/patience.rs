//! How long answers about access count, and how long requests wait for new ones.

use std::time::Duration;

/// How long an answer is remembered. Together with the interval of the sweep it must stay below five seconds, within
/// which a change counts everywhere.
pub const REMEMBERED: Duration = Duration::from_secs(2);

/// How long the last answer counts while PostgreSQL or Redis cannot be asked, so that programs go on sending posts: as
/// long as an access token is valid.
pub const OUTAGE_MAX: Duration = Duration::from_secs(15 * 60);

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
