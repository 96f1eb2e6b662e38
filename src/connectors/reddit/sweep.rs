//! Looking again at what was offered, because Reddit announces no deletions. Pure: the time is an argument.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::listing::{Moment, Taken};
use super::name::Name;
use super::request::PAGE_THINGS_MAX;
use super::schedule;
use super::state::State;
use super::thing::{Page, Thing};
use crate::connectors::Erasure;

/// How much earlier than necessary something is looked at, if other things must be looked at anyway.
const LOOK_SLACK: Duration = Duration::from_secs(30);

/// Returns when to look at something next.
pub(super) fn due_at(state: &State) -> Option<Timestamp> {
    state.looks().map(|(at, _)| at).min()
}

/// Returns what to look at, which is as much as one request can name.
pub(super) fn due(state: &State, now: Timestamp) -> Vec<Name> {
    let soon = schedule::after(now, LOOK_SLACK);
    let mut looks: Vec<_> = state.looks().filter(|(at, _)| *at <= soon).collect();
    looks.sort_unstable();
    let mut names: Vec<Name> = looks.into_iter().take(PAGE_THINGS_MAX).map(|(_, name)| name).collect();
    names.sort_unstable();
    names
}

/// Takes the answer to what was looked at. What is gone is erased: at once if the answer says so, and if it is merely
/// missing, once two answers in a row do not have it.
pub(super) fn take(state: &mut State, asked: &[Name], (page, moment): (Page, Moment)) -> Taken {
    let Moment { now, pace } = moment;
    let is_whole = page.things.iter().all(Result::is_ok);
    let mut found: HashMap<Name, Thing> =
        page.things.into_iter().flatten().map(|thing| (thing.name, thing)).collect();
    let mut taken = Taken::default();
    for name in asked {
        let Some(known) = state.listing_mut(name.kind).memory.get_mut(name.number) else {
            continue;
        };
        let is_gone = match found.remove(name) {
            Some(Thing { post: Some(post), content, .. }) => {
                if known.content != content {
                    taken.batch.posts.push(post);
                }
                (known.content, known.is_missing) = (content, false);
                known.look_at = pace.next_look(known.created_at, now);
                false
            }
            Some(Thing { post: None, .. }) => true,
            None => {
                let was_missing = known.is_missing;
                known.is_missing |= is_whole;
                known.look_at = Some(schedule::after(now, pace.first_look));
                was_missing && is_whole
            }
        };
        if is_gone {
            (known.is_gone, known.look_at) = (true, None);
            taken.batch.erasures.push(Erasure::Post(name.to_string()));
        }
    }
    taken.is_changed = !taken.batch.is_empty();
    taken
}

#[cfg(test)]
mod tests;
