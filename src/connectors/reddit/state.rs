//! What a position contains: how far each listing was heard, and what was in it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::listing::Listing;
use super::memory::Memory;
use super::name::{Kind, Name};
use crate::models::source::Checkpoint;

/// All that is remembered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    /// Names of the subreddits, joined by `+`.
    pub subreddits: String,
    pub posts: Listing,
    pub comments: Listing,
}

#[derive(Serialize, Deserialize)]
struct StoredState {
    subreddits: String,
    posts: StoredListing,
    comments: StoredListing,
}

#[derive(Serialize, Deserialize)]
struct StoredListing {
    floor: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passed_at: Option<Timestamp>,
    is_primed: bool,
    memory: String,
}

impl StoredListing {
    fn of(listing: &Listing) -> Self {
        let Listing { floor, passed_at, is_primed, memory, .. } = listing;
        Self { floor: *floor, passed_at: *passed_at, is_primed: *is_primed, memory: memory.encoded() }
    }

    fn read(self, kind: Kind) -> Listing {
        let Self { floor, passed_at, is_primed, memory } = self;
        let mut listing = Listing::after(kind, floor);
        (listing.passed_at, listing.is_primed) = (passed_at, is_primed);
        listing.memory = Memory::decode(&memory);
        listing
    }
}

impl State {
    /// Returns what is remembered at a position of this host. If it is of other subreddits, what was written in these
    /// may not have been listed before.
    pub(super) fn at(position: &Checkpoint, host: &str, subreddits: String) -> Self {
        let stored = position.state.clone().filter(|_| position.host.as_deref() == Some(host));
        let stored = stored.and_then(|state| serde_json::from_value::<StoredState>(state).ok());
        let Some(StoredState { subreddits: known, posts, comments }) = stored else {
            let listing = |kind| Listing::after(kind, position.at);
            return Self { subreddits, posts: listing(Kind::Post), comments: listing(Kind::Comment) };
        };
        let is_same = known == subreddits;
        let read = |stored: StoredListing, kind| {
            let mut listing = stored.read(kind);
            listing.is_primed &= is_same;
            listing
        };
        Self { subreddits, posts: read(posts, Kind::Post), comments: read(comments, Kind::Comment) }
    }

    /// Returns what another run needs.
    pub(super) fn stored(&self) -> Option<serde_json::Value> {
        let (posts, comments) = (StoredListing::of(&self.posts), StoredListing::of(&self.comments));
        serde_json::to_value(StoredState { subreddits: self.subreddits.clone(), posts, comments }).ok()
    }

    /// Returns the listing of a kind.
    pub(super) fn listing_mut(&mut self, kind: Kind) -> &mut Listing {
        match kind {
            Kind::Post => &mut self.posts,
            Kind::Comment => &mut self.comments,
        }
    }

    /// Returns the time up to which everything was heard.
    pub(super) fn heard_until(&self) -> Timestamp {
        self.posts.heard_until().min(self.comments.heard_until())
    }

    /// Returns what to look at again, with when.
    pub(super) fn looks(&self) -> impl Iterator<Item = (Timestamp, Name)> {
        [&self.posts, &self.comments].into_iter().flat_map(|listing| {
            let kind = listing.kind;
            listing.memory.looks().map(move |(at, number)| (at, Name { kind, number }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::reddit::memory::Known;

    const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

    #[test]
    fn a_position_contains_everything_but_only_for_its_host() {
        let at = |position: &Checkpoint, host: &str| State::at(position, host, "a+b".to_owned());
        let mut state = at(&Checkpoint::at(NOW), "https://one.example/");
        assert_eq!(state.heard_until(), NOW);
        let later = NOW + jiff::SignedDuration::from_mins(5);
        (state.posts.floor, state.posts.is_primed, state.posts.passed_at) = (later, true, Some(NOW));
        let known =
            Known { content: 7, created_at: NOW, look_at: Some(NOW), is_missing: false, is_gone: false };
        state.listing_mut(Kind::Comment).memory.insert(9, known);
        let host = Some("https://one.example/".to_owned());
        let position = Checkpoint { host, state: state.stored(), ..Checkpoint::at(NOW) };
        assert_eq!(at(&position, "https://one.example/"), state);
        assert_eq!(at(&position, "https://two.example/"), at(&Checkpoint::at(NOW), "https://two.example/"));
        let others = State::at(&position, "https://one.example/", "a+c".to_owned());
        assert_eq!((others.posts.floor, others.posts.is_primed), (later, false));
        assert_eq!(state.looks().collect::<Vec<_>>(), [(NOW, Name { kind: Kind::Comment, number: 9 })]);
        assert_eq!(state.heard_until(), NOW);
    }
}
