//! Finds posts that were missed while there was no connection, with recent search.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::post;
use super::search::{Page, PageRequest, Start};
use crate::connectors::ConnectorError;
use crate::connectors::retry_delay::RetryDelay;
use crate::models::source::SourceGap;

/// How far back recent search reaches. It is slightly less than 7 days, because X measures from when it processes the
/// request.
const REACH: SignedDuration = SignedDuration::from_mins(7 * 24 * 60 - 5);

/// Period to search again, because posts do not arrive in the order in which they were written. Posts that were already
/// read on the same day cost nothing.
const OVERLAP: Duration = Duration::from_secs(10);

/// Minimum age of the start of a search.
const START_BEFORE: SignedDuration = SignedDuration::from_secs(15);

/// Maximum difference between the time in an id and that of its position. A larger one means that no posts arrived in
/// between, so the id may be too old to search from.
const ID_TIME_DIFFERENCE_MAX: SignedDuration = SignedDuration::from_mins(15);

/// Position before which no posts are missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Floor {
    pub at: Timestamp,
    /// Newest post before the position, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
}

impl Floor {
    /// Returns where the search for missed posts starts, and the reason if some of them cannot be found.
    fn start(&self, now: Timestamp) -> (Start, Option<String>) {
        let oldest = now.checked_sub(REACH).unwrap_or(now);
        if self.at < oldest {
            let reason = "X's search reaches back no further than 7 days".to_owned();
            return (Start::At(oldest), Some(reason));
        }
        let is_near = |id: &u64| {
            post::time_of(*id).is_some_and(|at| at.duration_since(self.at).abs() < ID_TIME_DIFFERENCE_MAX)
        };
        if let Some(id) = self.id.filter(is_near) {
            return (Start::After(post::earlier(id, OVERLAP)), None);
        }
        let overlap = SignedDuration::try_from(OVERLAP).unwrap_or_default();
        let at = self.at.checked_sub(overlap).unwrap_or(self.at).max(oldest);
        (Start::At(at.min(now.checked_sub(START_BEFORE).unwrap_or(now))), None)
    }
}

/// Search for missed posts, page by page.
#[derive(Debug)]
pub(super) struct Fill {
    start: Start,
    /// Period that X no longer has, which is declared with the first page.
    gap: Option<SourceGap>,
    /// Queries that are not finished; the first one is in progress.
    queries: VecDeque<String>,
    token: Option<String>,
    /// Time of the next request.
    pub due_at: Instant,
    /// Time at which the connection was opened. Missed posts are older.
    pub opened_at: Timestamp,
    delay: RetryDelay,
    /// Reason why X refuses to search; `None` if it does not refuse.
    refused: Option<String>,
}

impl Fill {
    /// Creates a search for posts after a position.
    pub(super) fn new(floor: &Floor, queries: &[String], now: Timestamp, due_at: Instant) -> Self {
        let (start, reason) = floor.start(now);
        let to = start.time().unwrap_or(now);
        let gap = reason.map(|reason| SourceGap { from: floor.at, to: to.max(floor.at), reason });
        Self {
            start,
            gap,
            queries: queries.iter().cloned().collect(),
            token: None,
            due_at,
            opened_at: now,
            delay: RetryDelay::default(),
            refused: None,
        }
    }

    /// Returns the page to request next; `None` if there are no more.
    pub(super) fn request(&self, n_posts_max: u64) -> Option<PageRequest> {
        let query = self.queries.front()?.clone();
        Some(PageRequest { query, start: self.start, token: self.token.clone(), n_posts_max })
    }

    /// Records a page. Returns the period that X no longer has, once.
    pub(super) fn note(&mut self, page: &Page) -> Option<SourceGap> {
        self.delay.reset();
        self.refused = None;
        self.token.clone_from(&page.next_token);
        if self.token.is_none() {
            self.queries.pop_front();
        }
        self.gap.take()
    }

    /// Records that the oldest post that X still has is at `start`.
    pub(super) fn note_too_old(&mut self, start: Start, floor: &Floor) {
        let to = start.time().filter(|to| *to > floor.at).unwrap_or(self.opened_at);
        let reason = "X no longer has posts from before this time".to_owned();
        self.gap = Some(SourceGap { from: floor.at, to: to.max(floor.at), reason });
        (self.start, self.token) = (start, None);
    }

    /// Delays the next request after a failure.
    pub(super) fn note_failure(&mut self, error: &ConnectorError, random: f64) {
        self.due_at = Instant::now() + self.delay.after(error, random);
    }

    /// Records that X refuses to search until a person changes something, and delays the next request.
    pub(super) fn note_refusal(&mut self, error: &ConnectorError, wait: Duration) {
        self.refused = Some(error.to_string());
        self.due_at = Instant::now() + wait;
    }

    /// Returns the reason why X refuses to search; `None` if it does not refuse.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Returns whether the search is complete.
    pub(super) fn is_done(&self) -> bool {
        self.queries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_795_435_200, 0);

    fn ago(seconds: i64) -> Timestamp {
        NOW - SignedDuration::from_secs(seconds)
    }

    #[test]
    fn a_search_begins_where_nothing_is_missing() {
        let check = |at: Timestamp, id: Option<u64>, expected: Start| {
            assert_eq!(Floor { at, id }.start(NOW).0, expected);
        };
        let ms = |at: Timestamp| u64::try_from(at.as_millisecond()).unwrap() - 1_288_834_974_657;
        let id_at = |at: Timestamp| ms(at) << 22;
        check(ago(3_600), Some(id_at(ago(3_600))), Start::After(id_at(ago(3_610))));
        // No posts were written for days.
        check(ago(3_600), Some(id_at(ago(400_000))), Start::At(ago(3_610)));
        check(ago(3_600), None, Start::At(ago(3_610)));
        check(ago(1), None, Start::At(ago(15)));
        check(ago(8 * 86_400), None, Start::At(NOW - REACH));
        assert!(Floor { at: ago(8 * 86_400), id: None }.start(NOW).1.is_some());
    }

    #[test]
    fn pages_follow_each_other_and_then_the_next_query() {
        let floor = Floor { at: ago(8 * 86_400), id: None };
        let queries = ["nimbrel", "vexa"].map(str::to_owned);
        let mut fill = Fill::new(&floor, &queries, NOW, Instant::now());
        let page = |token: Option<&str>| Page { next_token: token.map(str::to_owned), ..Page::default() };
        let asked = |fill: &Fill| fill.request(10).map(|it| (it.query, it.token));
        assert_eq!(asked(&fill), Some(("nimbrel".to_owned(), None)));
        let gap = fill.note(&page(Some("more"))).unwrap();
        assert_eq!((gap.from, gap.to), (floor.at, NOW - REACH));
        assert_eq!(asked(&fill), Some(("nimbrel".to_owned(), Some("more".to_owned()))));
        assert_eq!(fill.note(&page(None)), None, "declared once");
        assert_eq!(asked(&fill), Some(("vexa".to_owned(), None)));
        fill.note(&page(None));
        assert!(fill.is_done() && asked(&fill).is_none());
    }
}
