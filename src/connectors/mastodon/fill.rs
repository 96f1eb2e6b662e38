//! Fills a gap in a timeline page by page. Pure: decides which page to request next, and interprets responses.
//!
//! If the last status is known, pages are read forward from it (`min_id`), so that each page advances the position. If
//! only a time is known, pages are read backward from the newest (`max_id`), because ids of servers other than Mastodon
//! do not contain a time.

use jiff::{SignedDuration, Timestamp};

use super::status::{Entry, by_age, id_of};
use crate::models::source::SourceGap;

/// Maximum number of statuses on a page, which Mastodon defines.
pub(super) const PAGE_LEN: usize = 40;

/// How far before the last known status to read again. Posts of other instances arrive late, and are sorted by the time
/// at which they were written.
const OVERLAP: SignedDuration = SignedDuration::from_secs(30);

/// Smallest id that contains a time. Since 2018, Mastodon's ids consist of milliseconds since 1970 and 16 other bits.
const FIRST_TIME_ID: u64 = 1_262_304_000_000 << 16;

/// Age of a position beyond which posts after it may be lost if the instance has no older ones left.
const LOST_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// Last known status of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// Id on the instance.
    pub id: String,
    /// Time at which the newest status up to this one was written.
    pub at: Timestamp,
}

/// Page to request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageRequest {
    /// Maximum number of statuses.
    pub limit: usize,
    /// Id after which the page begins.
    pub min_id: Option<String>,
    /// Id before which the page ends.
    pub max_id: Option<String>,
}

/// Result of a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Filled {
    /// Statuses, the oldest first.
    pub entries: Vec<Entry>,
    /// Period from which posts may be missing.
    pub gap: Option<SourceGap>,
    /// Last known status; `None` if it has not changed.
    pub last: Option<Mark>,
    /// Whether the gap is filled.
    pub is_done: bool,
}

/// Start and limits of the reading that fills a gap.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FillParams {
    /// Last known status.
    pub last: Option<Mark>,
    /// Time up to which everything was read, if no status is known.
    pub since: Timestamp,
    /// Maximum number of pages to read.
    pub pages_max: u32,
    /// Whether missing older statuses mean that the instance has lost them. A hashtag may simply be new.
    pub has_history: bool,
    /// Current time, which ends the gap if no newer status was found.
    pub now: Timestamp,
}

/// A gap in a timeline that is being filled.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fill {
    params: FillParams,
    /// Last known status before the gap.
    origin: Option<Mark>,
    n_pages: u32,
    step: Step,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    /// Reads the pages after a status. `meets_known` is set once a page contains a known status; `oldest` is the time
    /// of the oldest new one.
    Forward { min_id: String, meets_known: bool, oldest: Option<Timestamp> },
    /// Reads the pages before a status, or the newest page. `found` has their statuses, the newest first.
    Backward { max_id: Option<String>, found: Vec<Entry> },
    /// Reads the newest page, because the gap is too large.
    Newest,
    /// Checks for any status from before the gap. `oldest` is the time of the oldest new one.
    History { oldest: Option<Timestamp> },
}

impl Fill {
    pub(super) fn new(params: FillParams) -> Self {
        let step = match &params.last {
            Some(last) => Step::Forward { min_id: rewound(&last.id), meets_known: false, oldest: None },
            None => Step::Backward { max_id: None, found: Vec::new() },
        };
        Self { origin: params.last.clone(), params, n_pages: 0, step }
    }

    /// Returns the page to request next.
    pub(super) fn request(&self) -> PageRequest {
        let page = |limit, min_id, max_id| PageRequest { limit, min_id, max_id };
        match &self.step {
            Step::Forward { min_id, .. } => page(PAGE_LEN, Some(min_id.clone()), None),
            Step::Backward { max_id, .. } => page(PAGE_LEN, None, max_id.clone()),
            Step::Newest => page(PAGE_LEN, None, None),
            Step::History { .. } => page(1, None, self.origin.as_ref().map(|last| following(&last.id))),
        }
    }

    /// Processes the response to the last request.
    pub(super) fn take(&mut self, mut page: Vec<Entry>) -> Filled {
        self.n_pages += 1;
        page.sort_by(|one, other| match (id_of(one), id_of(other)) {
            (Some(one), Some(other)) => by_age(one, other),
            (one, other) => one.is_some().cmp(&other.is_some()),
        });
        match std::mem::replace(&mut self.step, Step::Newest) {
            Step::Forward { min_id, meets_known, oldest } => {
                self.forward(page, min_id, (meets_known, oldest))
            }
            Step::Backward { max_id, found } => self.backward(page, max_id, found),
            Step::Newest => self.newest(page),
            Step::History { oldest } => self.history(&page, oldest),
        }
    }

    fn forward(&mut self, page: Vec<Entry>, min_id: String, before: (bool, Option<Timestamp>)) -> Filled {
        let (mut meets_known, mut oldest) = before;
        let origin = self.origin.clone();
        let is_known = |id: &str| origin.as_ref().is_some_and(|last| by_age(id, &last.id).is_le());
        meets_known |= page.iter().filter_map(id_of).any(is_known);
        let is_new = |entry: &&Entry| id_of(entry).is_some_and(|id| !is_known(id));
        oldest =
            oldest.or_else(|| page.iter().filter(is_new).find_map(|entry| Some(entry.as_ref().ok()?.at)));
        let newest = id_to_follow(page.iter().rev()).filter(|id| by_age(id, &min_id).is_gt());
        // The overlap may take several pages. Only a page that is not full and ends with known statuses completes the
        // gap.
        let is_over = newest
            .is_none_or(|id| page.len() < PAGE_LEN && origin.as_ref().is_some_and(|origin| origin.id == id));
        let next = newest.map(str::to_owned);
        let mut filled = self.filled(page);
        match next {
            Some(min_id) if !is_over => {
                // After the last allowed page, the step is `Newest`.
                if self.n_pages < self.params.pages_max {
                    self.step = Step::Forward { min_id, meets_known, oldest };
                }
            }
            _ if self.params.has_history && !meets_known => self.step = Step::History { oldest },
            _ => filled.is_done = true,
        }
        filled
    }

    fn backward(&mut self, page: Vec<Entry>, max_id: Option<String>, mut found: Vec<Entry>) -> Filled {
        let since = self.params.since;
        let is_before = |entry: &Entry| entry.as_ref().is_ok_and(|status| status.at < since);
        let oldest_id = id_to_follow(page.iter()).map(str::to_owned);
        // A server that does not support `max_id` would return the same page forever.
        let goes_on = oldest_id
            .as_deref()
            .is_some_and(|id| max_id.as_deref().is_none_or(|max_id| by_age(id, max_id).is_lt()));
        // Neighbouring statuses may be sorted by the time at which they arrived.
        let reaches_known = page.iter().find(|entry| entry.is_ok()).is_some_and(is_before);
        let newest = self.params.last.is_none().then(|| page.iter().rev().find_map(mark_of)).flatten();
        self.params.last = self.params.last.take().or(newest);
        found.extend(page.into_iter().rev().filter(|entry| !is_before(entry)));
        let is_over = reaches_known || !goes_on || self.n_pages >= self.params.pages_max;
        if !is_over {
            self.step = Step::Backward { max_id: oldest_id, found };
            return Filled::default();
        }
        found.reverse();
        let oldest = found.iter().find_map(|entry| Some(entry.as_ref().ok()?.at));
        let is_old = self.params.now.duration_since(since) > LOST_AFTER;
        let reason = match (reaches_known, goes_on) {
            (true, _) => None,
            (false, true) => Some("more posts were written than can be fetched afterwards"),
            (false, false) if self.params.has_history && is_old => {
                Some("the instance has no posts from before the gap")
            }
            (false, false) => None,
        };
        let gap = reason.map(|reason| self.gap(since, oldest, reason));
        Filled { entries: found, gap, last: self.params.last.clone(), is_done: true }
    }

    fn newest(&mut self, page: Vec<Entry>) -> Filled {
        let last = self.params.last.clone();
        let is_new = |entry: &Entry| {
            let id = id_of(entry);
            last.as_ref().is_none_or(|last| id.is_none_or(|id| by_age(id, &last.id).is_gt()))
        };
        let is_gap = !page.is_empty() && page.iter().all(is_new);
        let page: Vec<Entry> = page.into_iter().filter(is_new).collect();
        let oldest = page.iter().find_map(|entry| Some(entry.as_ref().ok()?.at));
        let mut filled = self.filled(page);
        filled.is_done = true;
        if is_gap {
            let from = last.map_or(self.params.since, |last| last.at);
            filled.gap =
                Some(self.gap(from, oldest, "more posts were written than can be fetched afterwards"));
        }
        filled
    }

    fn history(&self, page: &[Entry], oldest: Option<Timestamp>) -> Filled {
        let reason = "the instance no longer has older posts";
        let from = self.origin.as_ref().map_or(self.params.since, |last| last.at);
        let gap = page.is_empty().then(|| self.gap(from, oldest, reason));
        Filled { gap, is_done: true, ..Filled::default() }
    }

    fn gap(&self, from: Timestamp, to: Option<Timestamp>, reason: &str) -> SourceGap {
        let to = to.unwrap_or(self.params.now);
        SourceGap { from: from.min(to), to, reason: reason.to_owned() }
    }

    /// Returns statuses, and moves the mark to the newest of them.
    fn filled(&mut self, entries: Vec<Entry>) -> Filled {
        let before = self.params.last.clone();
        for entry in &entries {
            move_mark(&mut self.params.last, entry);
        }
        let last = self.params.last.clone().filter(|last| Some(last) != before.as_ref());
        Filled { entries, last, ..Filled::default() }
    }
}

/// Moves a mark to a newer status. Statuses that cannot be parsed are ignored: they have no time, and a wrong id could
/// make every later status look older.
pub(super) fn move_mark(mark: &mut Option<Mark>, entry: &Entry) {
    let Some(mut newer) = mark_of(entry) else {
        return;
    };
    match mark {
        Some(before) if by_age(&newer.id, &before.id).is_le() => return,
        Some(before) => newer.at = newer.at.max(before.at),
        None => {}
    }
    *mark = Some(newer);
}

/// Returns the id from which the next page starts: that of the first readable status or, if there is none, of any
/// status.
fn id_to_follow<'a>(page: impl Iterator<Item = &'a Entry> + Clone) -> Option<&'a str> {
    page.clone().find(|entry| entry.is_ok()).and_then(id_of).or_else(|| page.clone().find_map(id_of))
}

fn mark_of(entry: &Entry) -> Option<Mark> {
    let status = entry.as_ref().ok()?;
    Some(Mark { id: status.id.clone(), at: status.at })
}

/// Returns an id that is older by the overlap; the same one if it does not contain a time.
fn rewound(id: &str) -> String {
    let overlap = u64::try_from(OVERLAP.as_millis()).unwrap_or_default() << 16;
    match id.parse::<u64>() {
        Ok(number) if number >= FIRST_TIME_ID => number.saturating_sub(overlap).to_string(),
        _ => id.to_owned(),
    }
}

/// Returns the next higher id, so that a page before it includes this one; the same one if ids are not numbers.
fn following(id: &str) -> String {
    id.parse::<u64>().map_or_else(|_| id.to_owned(), |number| number.saturating_add(1).to_string())
}

#[cfg(test)]
mod tests;
