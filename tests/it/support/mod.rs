//! What the tests stand on: real servers, apps started on free ports, and faults as verbs.

pub mod client; // HTTP and WebSockets, as anybody uses them
pub mod api_server; // HTTP API without a pipeline
pub mod api_with_accounts; // such an API with accounts and their credentials
pub mod feed_host; // a site with a feed, with its faults
pub mod jetstream; // a host of Bluesky's network, with its faults
pub mod mastodon; // a Mastodon instance, with its faults
pub mod meter; // what counts the use of networks, in memory
pub mod load; // posts without end, each sent until it is accepted
pub mod people; // people with accounts
pub mod posts; // posts to send
pub mod process; // the program itself, to be killed
pub mod receivers; // whom notifications are sent to, and who judges them
pub mod reddit; // Reddit's API, with its faults
pub mod redis; // any command, also those the product never sends
pub mod servers; // PostgreSQL and Redis
pub mod space; // a database and a prefix for each test
pub mod test_app; // a server inside the test's process
pub mod web; // what local hosts of networks have in common
pub mod webhook_sender; // a system that delivers to webhooks
pub mod websocket; // frames of WebSockets, well-formed or not
pub mod x_api; // the API of X, with its faults
pub mod youtube; // the YouTube Data API, with its faults

use std::io::Write as _;
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;

pub use client::Client;
pub use load::Load;
pub use posts::{post, posts};
pub use servers::PrivateServers;
pub use space::Space;
pub use test_app::{TestApp, refusal_of};

/// How long anything may take that must happen. It only ends a test that would hang: far more than anything takes, also
/// on a machine whose cores others use.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How often is looked whether it has happened.
pub const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Whether the long tests run in full.
pub fn is_soak() -> bool {
    std::env::var_os("GROUNDSWELL_TEST_SOAK").is_some()
}

/// How long, or how many, in a soak and otherwise.
pub fn in_soak<T>(full: T, short: T) -> T {
    if is_soak() { full } else { short }
}

/// Prints what was measured, and in a soak judges it. On a machine that does other work meanwhile, a figure says nothing
/// about the program.
pub fn judge_in_soak(is_kept: bool, measured: &str) {
    println!("measured: {measured}");
    assert!(is_kept || !is_soak(), "{measured}");
}

/// Variable that names another seed.
pub const SEED: &str = "GROUNDSWELL_TEST_SEED";

/// Seed of everything that tests choose at random: the same in every run, unless [`SEED`] names another. A test that fails
/// shows it.
pub fn seed() -> u64 {
    let seed = std::env::var(SEED).map_or(1, |named| named.parse().expect("the seed must be a whole number"));
    println!("{SEED}={seed}");
    seed
}

/// Numbers at random for one task of a test.
pub fn dice(task: u64) -> StdRng {
    StdRng::seed_from_u64(seed().wrapping_add(task))
}

/// Says that the test that runs now, or a part of it, judges nothing, and why. Not by `println!`: the runner shows
/// nothing that a test prints unless it fails.
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {why}");
}

/// Waits until `look` answers something.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits until it holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    eventually(what, async || holds().await.then_some(())).await;
}

/// Waits until a number is reached, for as long as it grows.
pub async fn until_reached(what: &str, goal: u64, mut count: impl AsyncFnMut() -> u64) {
    let (mut last, mut progress_at) = (0, Instant::now());
    loop {
        let n = count().await;
        if n >= goal {
            return;
        }
        if n > last {
            (last, progress_at) = (n, Instant::now());
        }
        assert!(progress_at.elapsed() < PATIENCE, "{what}: no more than {last} of {goal}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Looks for a while whether it keeps holding. For what nothing follows that could be waited for; how often it is looked
/// at depends on the machine, and what must not happen does not.
pub async fn stays(what: &str, so_long: Duration, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + so_long;
    while Instant::now() < end {
        assert!(holds().await, "it did not stay so: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
