//! Explains why links do not verify: whether entries changed places, or a link was changed or made up.

use std::collections::HashMap;

use uuid::Uuid;

use super::finding::{Findings, Tampering};
use super::keys::AuditKeys;
use crate::models::audit::{ChainEnd, HASH_BYTES, Hash, Link};

/// Link that does not verify.
#[derive(Debug)]
pub struct Suspect {
    /// The link, as stored.
    pub link: Link,
    /// Position and hash before it.
    pub before: ChainEnd,
    /// Hash that it would have if it had been linked there.
    pub computed: Hash,
    /// Whether the next link follows from its stored hash.
    pub is_confirmed: bool,
    /// What was done to it, if that is known already.
    pub explained: Option<(Tampering, String)>,
}

/// Row that does not match the seal in its link.
#[derive(Debug)]
pub struct Altered {
    /// Number of the link.
    pub seq: i64,
    /// Id of the entry.
    pub id: Uuid,
    /// Seal in the link.
    pub link_seal: Vec<u8>,
    /// Seal that the row should have.
    pub row_seal: Hash,
}

/// Adds what the suspects and the altered rows show.
pub fn explain(
    suspects: &[Suspect],
    altered: &[Altered],
    keys: &HashMap<String, AuditKeys>,
    findings: &mut Findings,
) {
    // Links whose rows changed places do not verify either; they need no second finding.
    let mut displaced = Vec::new();
    for row in altered {
        let owner = altered.iter().find(|other| other.seq != row.seq && other.link_seal == row.row_seal);
        let (tampering, what) = match owner {
            Some(owner) => {
                displaced.push(row.seq);
                (Tampering::Reordered, format!("the entry belongs at {}", owner.seq))
            }
            None => (Tampering::Edited, "the row does not match its seal".to_owned()),
        };
        findings.add(tampering, Some(row.seq), Some(row.id), what);
    }
    let mut last_unexplained = None;
    for suspect in suspects {
        let Link { seq, id, .. } = suspect.link;
        if displaced.contains(&seq) {
            continue;
        }
        if let Some((tampering, what)) = &suspect.explained {
            findings.add(*tampering, Some(seq), Some(id), what.clone());
            continue;
        }
        match place_of(suspect, suspects, keys) {
            Some(Place::Own) => {}
            Some(Place::Other(owner)) => {
                let what = format!("entry {owner} belongs here");
                findings.add(Tampering::Reordered, Some(seq), Some(id), what);
            }
            None if suspect.is_confirmed => {
                findings.add(Tampering::Edited, Some(seq), Some(id), "the link was changed".to_owned());
            }
            None => {
                // A link after a forged one cannot be verified, and proves nothing by itself.
                let follows = last_unexplained.is_some_and(|last: i64| last.saturating_add(1) == seq);
                if !follows {
                    let what = "the link was made without the key".to_owned();
                    findings.add(Tampering::Forged, Some(seq), Some(id), what);
                }
                last_unexplained = Some(seq);
            }
        }
    }
}

/// Entry that was originally linked where a suspect is now.
enum Place {
    /// The suspect itself; only a neighbour was moved.
    Own,
    /// Another one.
    Other(Uuid),
}

/// Searches the suspects for the one whose entry and hash fit the place of this suspect.
fn place_of(suspect: &Suspect, suspects: &[Suspect], keys: &HashMap<String, AuditKeys>) -> Option<Place> {
    let fits = |other: &Suspect, before: Hash| {
        let before = ChainEnd { hash: before, ..suspect.before };
        let hash = keys.get(&other.link.linked_by)?.hash_of(&other.link, &before);
        (hash == *suspect.link.hash || hash == *other.link.hash).then_some(())
    };
    let is_self = |other: &Suspect| other.link.seq == suspect.link.seq;
    // What was done to those that are explained is known.
    let others = || suspects.iter().filter(|other| !is_self(other) && other.explained.is_none());
    if let Some(other) = others().find(|other| fits(other, suspect.before.hash).is_some()) {
        return Some(Place::Other(other.link.id));
    }
    for moved in suspects {
        let Ok(before) = <[u8; HASH_BYTES]>::try_from(moved.link.hash.as_slice()) else {
            continue;
        };
        if fits(suspect, before).is_some() {
            return Some(Place::Own);
        }
        if let Some(other) = others().find(|other| fits(other, before).is_some()) {
            return Some(Place::Other(other.link.id));
        }
    }
    None
}
