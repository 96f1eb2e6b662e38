//! Passes through a listing, from its newest thing to what is known. Pure: the time is an argument.
//!
//! What a pass reads is offered when it is complete, so that a gap is declared before what follows it, and a position never
//! lies within a pass.
//!
//! Reddit can also list what is newer than a given thing. That is never asked for, because such a page is empty for ever
//! once the thing is deleted. Each pass begins at the top instead, and a page that is asked for by a thing that is gone is
//! asked for by the one before it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::memory::{Known, Memory};
use super::name::Kind;
use super::request::{ListingRequest, PAGE_THINGS_MAX};
use super::schedule::{self, Pace};
use super::thing::{Page, Thing, Unreadable};
use crate::connectors::Batch;
use crate::models::source::SourceGap;

/// How much earlier a thing may have been written than the newest one that was listed before it.
const OVERLAP: SignedDuration = SignedDuration::from_mins(2);

/// Number of known things at the end of a page that show that what follows is known. A single one may be old and listed
/// late, because a moderator has approved it.
const N_KNOWN: usize = 3;

/// Number of limits that pages are asked for with in turn, because pages with the same limit may come from a cache.
const N_LIMITS: usize = 30;

/// Number of things that a listing has at most.
const LISTING_THINGS_MAX: usize = 1_000;

/// Number of things from which a listing that ends may have been cut: removed things are left out of it after that.
const LISTING_THINGS_MIN: usize = 500;

/// What was written in the subreddits, of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listing {
    pub kind: Kind,
    /// Time of the newest thing of the last complete pass.
    pub floor: Timestamp,
    /// When the last complete pass began.
    pub passed_at: Option<Timestamp>,
    /// Whether a pass through these subreddits was completed, so that what is not known has not been listed before.
    pub is_primed: bool,
    pub memory: Memory,
    /// When to begin the next pass.
    pub due_at: Timestamp,
    n_passes: usize,
    pass: Option<Pass>,
}

/// Pass of which some pages were read.
#[derive(Debug, Clone, PartialEq)]
struct Pass {
    began_at: Timestamp,
    /// Names that the next page can be asked for by, the last one first.
    anchors: Vec<String>,
    /// What was read, 1,000 things or a few more.
    things: Vec<Result<Thing, Unreadable>>,
}

/// What an answer says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Taken {
    pub batch: Batch,
    /// Whether the position has changed.
    pub is_changed: bool,
}

/// When an answer came, and how often to ask.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub now: Timestamp,
    pub pace: Pace,
}

impl Listing {
    /// Returns a listing that is complete up to a time.
    pub(super) fn after(kind: Kind, floor: Timestamp) -> Self {
        Self {
            kind,
            floor,
            passed_at: None,
            is_primed: false,
            memory: Memory::default(),
            due_at: Timestamp::MIN,
            n_passes: 0,
            pass: None,
        }
    }

    /// Returns whether a pass is under way.
    pub(super) fn is_passing(&self) -> bool {
        self.pass.is_some()
    }

    /// Returns the time up to which everything was listed.
    pub(super) fn heard_until(&self) -> Timestamp {
        let passed_at = self.passed_at.and_then(|at| at.checked_sub(OVERLAP).ok());
        self.floor.max(passed_at.unwrap_or(self.floor))
    }

    /// Begins a pass unless one is under way, and returns the request for its next page.
    pub(super) fn begin(&mut self, subreddits: &str, now: Timestamp) -> ListingRequest {
        let pass =
            self.pass.get_or_insert_with(|| Pass { began_at: now, anchors: Vec::new(), things: Vec::new() });
        ListingRequest {
            kind: self.kind,
            subreddits: subreddits.to_owned(),
            after: pass.anchors.last().cloned(),
            limit: PAGE_THINGS_MAX - self.n_passes % N_LIMITS,
        }
    }

    /// Gives a pass up. The next one begins after a while, and nothing counts as heard.
    pub(super) fn give_up(&mut self, moment: Moment) {
        self.pass = None;
        self.n_passes += 1;
        self.due_at = schedule::after(moment.now, moment.pace.interval);
    }

    /// Takes a page of the pass that is under way.
    pub(super) fn take(&mut self, page: Page, moment: Moment) -> Taken {
        let Some(mut pass) = self.pass.take() else {
            return Taken::default();
        };
        if page.things.is_empty() && pass.anchors.pop().is_some() {
            // What the page was asked for by is gone.
            match pass.anchors.is_empty() {
                true => self.give_up(moment),
                false => self.pass = Some(pass),
            }
            return Taken::default();
        }
        let is_reached = self.is_reached(&page);
        let has_more = page.after.is_some();
        pass.note(page);
        if has_more && !is_reached && pass.things.len() < LISTING_THINGS_MAX {
            self.pass = Some(pass);
            return Taken::default();
        }
        let is_cut = !is_reached && pass.things.len() >= LISTING_THINGS_MIN;
        let gap = if is_cut { self.unlisted(&pass) } else { None };
        let (was_primed, floor) = (self.is_primed, self.floor);
        let newest = pass.times().max();
        if !pass.things.is_empty() {
            self.passed_at = Some(pass.began_at);
        }
        let mut taken = self.offer(pass.things, moment);
        taken.batch.gap = gap;
        self.is_primed |= self.passed_at.is_some();
        self.floor = floor.max(newest.unwrap_or(floor));
        taken.is_changed |= self.floor != floor || self.is_primed != was_primed;
        self.n_passes += 1;
        self.due_at = schedule::after(pass.began_at, moment.pace.interval);
        taken
    }

    /// Returns whether earlier passes have listed what follows a page.
    fn is_reached(&self, page: &Page) -> bool {
        let is_known = |thing: &Thing| {
            let is_old = self.floor.duration_since(thing.created_at) > OVERLAP;
            is_old || thing.created_at <= self.floor && self.memory.get(thing.name.number).is_some()
        };
        let mut last = page.things.iter().rev().flatten().take(N_KNOWN).peekable();
        last.peek().is_some() && last.all(is_known)
    }

    /// Returns the period that a listing no longer has.
    fn unlisted(&self, pass: &Pass) -> Option<SourceGap> {
        let (from, to) = (self.heard_until(), pass.times().next_back()?);
        let reason =
            format!("more was written than the {LISTING_THINGS_MAX} newest things that Reddit lists");
        (from < to).then_some(SourceGap { from, to, reason })
    }

    /// Offers what is new or edited. What is older than the source, and stands where it always stood, is remembered only.
    fn offer(&mut self, things: Vec<Result<Thing, Unreadable>>, Moment { now, pace }: Moment) -> Taken {
        let mut taken = Taken::default();
        let since = self.floor.saturating_sub(OVERLAP).unwrap_or(self.floor);
        let is_recent = |thing: &Thing| thing.created_at >= since;
        // Things are listed by time, so an old one above these was listed late.
        let is_mark = |thing: &Thing| {
            is_recent(thing) || self.is_primed && self.memory.get(thing.name.number).is_some()
        };
        let last_mark = things.iter().rposition(|thing| thing.as_ref().is_ok_and(is_mark));
        // The oldest first, as they were written.
        for (index, thing) in things.into_iter().enumerate().rev() {
            let thing = match thing {
                Ok(thing) => thing,
                Err(unreadable) => {
                    taken.batch.n_unreadable += u64::from(self.memory.insert_unreadable(unreadable.key));
                    continue;
                }
            };
            let is_listed_late = last_mark.is_some_and(|last| index < last);
            let is_wanted = is_recent(&thing) || is_listed_late;
            let look_at = pace.next_look(thing.created_at, now);
            if let Some(known) = self.memory.get_mut(thing.name.number) {
                if known.is_edited(&thing, now) {
                    known.look_at = look_at;
                    taken.batch.posts.extend(thing.post);
                }
                continue;
            }
            let is_offered = is_wanted && thing.post.is_some();
            let known = Known {
                content: thing.content,
                created_at: thing.created_at,
                look_at: look_at.filter(|_| is_offered),
                is_missing: false,
                is_gone: false,
            };
            self.memory.insert(thing.name.number, known);
            if is_offered {
                let lag = Duration::try_from(now.duration_since(thing.created_at)).unwrap_or_default();
                taken.batch.lag = Some(taken.batch.lag.map_or(lag, |least| least.min(lag)));
                taken.batch.posts.extend(thing.post);
            }
        }
        taken.is_changed = taken.batch.n_unreadable > 0 || !taken.batch.posts.is_empty();
        taken
    }
}

impl Known {
    /// Remembers what a thing that is listed again says. Returns whether that is to be offered.
    fn is_edited(&mut self, thing: &Thing, now: Timestamp) -> bool {
        if self.is_gone {
            return false;
        }
        if thing.post.is_none() {
            // One answer is no proof, so it is looked at.
            self.look_at = self.look_at.map(|_| now);
            return false;
        }
        // What was not offered is not offered because it was edited, unless there was nothing to offer.
        let is_edited = self.content != thing.content && (self.look_at.is_some() || self.content == 0);
        self.content = thing.content;
        is_edited
    }
}

impl Pass {
    /// Keeps a page, and how to ask for the next one.
    fn note(&mut self, page: Page) {
        let names: Vec<String> = page.things.iter().flatten().map(|thing| thing.name.to_string()).collect();
        let n_before = names.len().saturating_sub(N_KNOWN);
        self.anchors = names.into_iter().skip(n_before).collect();
        // It names the last thing, which may be one that cannot be read.
        if let Some(after) = page.after.filter(|after| self.anchors.last() != Some(after)) {
            self.anchors.push(after);
        }
        self.things.extend(page.things);
    }

    /// Returns when things were written, in the order of the listing.
    fn times(&self) -> impl DoubleEndedIterator<Item = Timestamp> {
        self.things.iter().flatten().map(|thing| thing.created_at)
    }
}

#[cfg(test)]
mod tests;
