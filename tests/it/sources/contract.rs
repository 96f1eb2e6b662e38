//! Promises of every connector, against a local host of its network.

use std::collections::BTreeSet;
use std::time::Instant;

use groundswell::connectors::{Connector, ConnectorError, Erasure};
use groundswell::models::source::{Checkpoint, SourceGap};
use jiff::{SignedDuration, Timestamp};

use super::hosts::feed::{AtomFeed, JsonFeed, RssFeed};
use super::hosts::jetstream::{BlueskyV1, BlueskyV2};
use super::hosts::mastodon::Fediverse;
use super::hosts::reddit::RedditApi;
use super::hosts::x::XApi;
use super::hosts::youtube::YouTubeApi;
use super::hosts::{LocalNetwork, QUIET, Trouble};
use crate::support::PATIENCE;

/// What a connector has yielded.
#[derive(Default)]
pub struct Heard {
    pub ids: Vec<String>,
    texts: Vec<String>,
    pub erasures: Vec<Erasure>,
    pub gaps: Vec<SourceGap>,
    pub n_unreadable: u64,
    pub errors: Vec<ConnectorError>,
    /// Each position, with the number of posts before it.
    pub checkpoints: Vec<(usize, Checkpoint)>,
}

impl Heard {
    pub fn distinct(&self) -> BTreeSet<&str> {
        self.ids.iter().map(String::as_str).collect()
    }
}

/// Takes batches, and tries again after errors, until it is enough.
pub async fn hear(connector: &mut dyn Connector, heard: &mut Heard, enough: impl Fn(&Heard) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !enough(heard) {
        assert!(Instant::now() < deadline, "{} posts, errors: {:?}", heard.ids.len(), heard.errors);
        match connector.next_batch().await {
            Ok(batch) => {
                heard.texts.extend(batch.posts.iter().map(|post| post.text.clone()));
                heard.ids.extend(batch.posts.into_iter().map(|post| post.id));
                heard.erasures.extend(batch.erasures);
                heard.gaps.extend(batch.gap);
                heard.n_unreadable += batch.n_unreadable;
                heard.checkpoints.extend(batch.checkpoint.map(|position| (heard.ids.len(), position)));
            }
            Err(error) => heard.errors.push(error),
        }
    }
}

fn now() -> Checkpoint {
    Checkpoint::at(Timestamp::now() - SignedDuration::from_secs(5))
}

fn ids<N: LocalNetwork>(numbers: std::ops::Range<u32>) -> BTreeSet<String> {
    numbers.map(N::id).collect()
}

fn owned(ids: BTreeSet<&str>) -> BTreeSet<String> {
    ids.into_iter().map(str::to_owned).collect()
}

/// Everything is heard, and nothing is left out, whatever happens to the connection and to the order of messages.
async fn hears_everything_in_spite_of<N: LocalNetwork>(trouble: Trouble) {
    let network = N::start().await;
    network.offer(0..100);
    if matches!(trouble, Trouble::Quiet | Trouble::Silent) {
        // Only of a host that was heard can be said that it is unusually quiet.
        network.trouble(Trouble::Closes(100));
    }
    network.trouble(trouble);
    let mut connector = network.connector(now());
    let mut heard = Heard::default();
    hear(connector.as_mut(), &mut heard, |heard| heard.distinct().len() >= 100).await;
    network.offer(100..200);
    hear(connector.as_mut(), &mut heard, |heard| heard.distinct().len() >= 200).await;
    assert_eq!(owned(heard.distinct()), ids::<N>(0..200), "{trouble:?}");
    assert!(heard.gaps.is_empty() && heard.n_unreadable == 0, "{:?}", heard.gaps);
}

async fn hears_everything<N: LocalNetwork>() {
    for trouble in [
        Trouble::Status(500, None),
        Trouble::BreaksInside(17),
        Trouble::Closes(31),
        Trouble::Fails(40),
        Trouble::Fragmented,
        Trouble::Slow,
        Trouble::Twice,
        Trouble::Swapped,
        Trouble::Quiet,
        Trouble::Silent,
    ] {
        hears_everything_in_spite_of::<N>(trouble).await;
    }
}

/// Whoever starts from any position of an earlier run hears all that came after it.
async fn resumes_from_every_checkpoint<N: LocalNetwork>() {
    let network = N::start().await;
    let mut connector = network.connector(now());
    let mut heard = Heard::default();
    for step in 0..10 {
        network.offer(step * 20..step * 20 + 20);
        let n = heard.ids.len() + 20;
        hear(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= n).await;
    }
    drop(connector);
    assert!(heard.checkpoints.len() >= 10);
    let all = ids::<N>(0..200);
    for (n_before, checkpoint) in &heard.checkpoints {
        let mut again = Heard::default();
        let mut connector = network.connector(checkpoint.clone());
        let before: BTreeSet<&str> = heard.ids.iter().take(*n_before).map(String::as_str).collect();
        hear(connector.as_mut(), &mut again, |again| again.distinct().union(&before).count() >= all.len())
            .await;
        let union: BTreeSet<&str> = again.distinct().union(&before).copied().collect();
        assert_eq!(owned(union), all, "from {checkpoint:?}");
        assert!(again.gaps.is_empty(), "{:?}", again.gaps);
    }
}

/// Errors say whether to wait, for how long, or what people must do.
async fn tells_errors_apart<N: LocalNetwork>() {
    for (status, retry_after, state, wait) in [
        (401, None, "needs_key", None),
        (403, None, N::FORBIDDEN, None),
        (400, None, "refused", None),
        (429, Some(7), "waiting", Some(7)),
        (429, None, "waiting", None),
        (500, None, "waiting", None),
        (503, Some(3), "waiting", Some(3)),
    ] {
        let network = N::start().await;
        network.trouble(Trouble::Status(status, retry_after));
        let asked_at = Instant::now();
        let error = network.connector(now()).next_batch().await.unwrap_err();
        assert_eq!(error.state().as_str(), state, "{error:?}");
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        let asked = match &error {
            ConnectorError::RateLimited { retry_after, .. } => retry_after.map(|it| it.as_secs()),
            _ => None,
        };
        // Of a wait until a time, some has passed by the time it is read.
        let passed = 1 + asked_at.elapsed().as_secs();
        let is_rest = |(asked, wait): (u64, u64)| (wait.saturating_sub(passed)..wait).contains(&asked);
        let is_rest = N::SAYS_WHEN_AS_TIME && asked.zip(wait).is_some_and(is_rest);
        assert!(asked == wait || is_rest, "{error:?}");
    }
}

/// What the host no longer has is declared, with its bounds.
async fn declares_gaps<N: LocalNetwork>() {
    let network = N::start().await;
    let position = network.old_position().await;
    let began_at = position.at;
    let mut connector = network.connector(position);
    network.offer(0..50);
    network.forget();
    network.offer(50..60);
    let mut heard = Heard::default();
    hear(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= 10).await;
    assert_eq!(owned(heard.distinct()), ids::<N>(50..60));
    let [gap] = &heard.gaps[..] else { panic!("{:?}", heard.gaps) };
    let kept_from = Timestamp::now() - N::REACHES_BACK;
    assert!(gap.from <= began_at && gap.to > kept_from - SignedDuration::from_mins(2), "{gap:?}");
    assert!(!gap.reason.is_empty());
    // It is declared once.
    network.offer(60..70);
    hear(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= 20).await;
    assert_eq!(heard.gaps.len(), 1);
}

/// What cannot be read is counted, and costs no post around it.
async fn counts_what_it_cannot_read<N: LocalNetwork>() {
    let network = N::start().await;
    network.offer(0..10);
    let n_garbage = network.send_garbage();
    network.offer(10..20);
    let mut connector = network.connector(now());
    let mut heard = Heard::default();
    let wanted = ids::<N>(0..20);
    hear(connector.as_mut(), &mut heard, |heard| wanted.iter().all(|id| heard.distinct().contains(&**id)))
        .await;
    // Some is wrong only where it does not matter.
    let n_others = heard.ids.iter().filter(|id| !wanted.contains(*id)).count() as u64;
    assert_eq!(heard.n_unreadable + n_others, n_garbage);
    assert!(heard.n_unreadable >= 3 && heard.errors.is_empty(), "{:?}", heard.errors);
}

/// Deletions are passed on, also of posts that were never heard; an edit may come before its post.
async fn passes_deletions_on<N: LocalNetwork>() {
    let network = N::start().await;
    let mut connector = network.connector(now());
    if !N::SAYS_WHAT_IS_DELETED {
        return passes_edits_on(&network, connector.as_mut()).await;
    }
    if !N::NAMES_WHAT_IS_DELETED {
        return passes_deletions_of_heard_posts_on(&network, connector.as_mut()).await;
    }
    network.delete(7);
    network.edit(8);
    network.offer(8..10);
    let author = network.delete_author();
    let mut heard = Heard::default();
    hear(connector.as_mut(), &mut heard, |heard| heard.erasures.len() >= 2).await;
    assert_eq!(heard.erasures[0], Erasure::Post(N::id(7)));
    assert!(matches!(&heard.erasures[1], Erasure::Author { id, .. } if *id == author));
    assert_eq!(owned(heard.distinct()), ids::<N>(8..10));
    assert_eq!(heard.texts[0], "edited");
}

/// A post that was edited is offered again.
async fn passes_edits_on<N: LocalNetwork>(network: &N, connector: &mut dyn Connector) {
    let mut heard = Heard::default();
    network.offer(8..10);
    hear(connector, &mut heard, |heard| heard.ids.len() >= 2).await;
    network.edit(8);
    hear(connector, &mut heard, |heard| heard.ids.len() >= 3).await;
    assert_eq!((&heard.ids[2], heard.texts[2].contains("edited")), (&N::id(8), true));
    assert_eq!(heard.erasures, []);
}

/// Deletions are passed on if they mean a post that was heard. If an author is deleted, so is each of the posts.
async fn passes_deletions_of_heard_posts_on<N: LocalNetwork>(network: &N, connector: &mut dyn Connector) {
    passes_edits_on(network, connector).await;
    let mut heard = Heard::default();
    network.offer(10..13);
    hear(connector, &mut heard, |heard| heard.ids.len() >= 3).await;
    network.delete(7);
    network.delete(11);
    hear(connector, &mut heard, |heard| !heard.erasures.is_empty()).await;
    assert_eq!(heard.erasures, [Erasure::Post(N::id(11))]);
    network.delete_author();
    hear(connector, &mut heard, |heard| heard.erasures.len() >= 5).await;
    let erased = [11, 8, 9, 10, 12].map(|number| Erasure::Post(N::id(number)));
    assert_eq!(heard.erasures, erased);
}

/// Silence is told from quiet: a host that has nothing to say keeps its connection, unless it usually says more. One that
/// speaks only when it is asked is silent if it does not answer.
async fn tells_silence_from_quiet<N: LocalNetwork>() {
    let network = N::start().await;
    let mut connector = network.connector(now());
    let mut heard = Heard::default();
    let quiet_until = Instant::now() + QUIET;
    hear(connector.as_mut(), &mut heard, |_| Instant::now() > quiet_until).await;
    assert_eq!(heard.errors, [], "nothing was ever said");
    network.offer(0..200);
    hear(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= 200).await;
    if !N::SPEAKS_UNASKED {
        let quiet_until = Instant::now() + QUIET;
        hear(connector.as_mut(), &mut heard, |_| Instant::now() > quiet_until).await;
        assert_eq!(heard.errors, [], "nothing new was written");
        network.trouble(Trouble::Silent);
    }
    hear(connector.as_mut(), &mut heard, |heard| !heard.errors.is_empty()).await;
    assert!(heard.errors[0].is_temporary(), "{:?}", heard.errors);
}

macro_rules! contract {
    ($module:ident, $network:ty) => {
        mod $module {
            use super::*;

            #[tokio::test]
            async fn hears_everything_whatever_happens_to_the_connection() {
                hears_everything::<$network>().await;
            }

            #[tokio::test]
            async fn resuming_from_every_checkpoint_loses_nothing() {
                resumes_from_every_checkpoint::<$network>().await;
            }

            #[tokio::test]
            async fn errors_say_what_to_do() {
                tells_errors_apart::<$network>().await;
            }

            #[tokio::test]
            async fn a_position_that_is_too_old_becomes_a_declared_gap() {
                declares_gaps::<$network>().await;
            }

            #[tokio::test]
            async fn what_cannot_be_read_is_counted() {
                counts_what_it_cannot_read::<$network>().await;
            }

            #[tokio::test]
            async fn deletions_and_edits_come_in_any_order() {
                passes_deletions_on::<$network>().await;
            }

            #[tokio::test]
            async fn silence_is_told_from_quiet() {
                tells_silence_from_quiet::<$network>().await;
            }
        }
    };
}

contract!(bluesky_v2, BlueskyV2);
contract!(bluesky_v1, BlueskyV1);
contract!(rss, RssFeed);
contract!(atom, AtomFeed);
contract!(json_feed, JsonFeed);
contract!(mastodon, Fediverse);
contract!(x, XApi);
contract!(youtube, YouTubeApi);
contract!(reddit, RedditApi);
