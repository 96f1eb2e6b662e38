//! Remembers the newest statuses, so that each version of a status is yielded once, and a deletion, which names only
//! the id on the instance, can be mapped to its post.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::status::{Status, Unreadable};

/// Number of statuses to remember: some hours of the largest instance, which take about 10 MB.
const STATUSES_MAX: usize = 50_000;

/// Number of statuses that a position contains. It is stored every second, and each status takes about 100 bytes.
const SAVED_MAX: usize = 200;

/// Remembered properties of a status.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    /// Id that is the same on every instance; `None` if there is no post.
    uri: Option<String>,
    version: Version,
}

/// Version of a status, in chronological order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    /// Yielded by an earlier run, in an unknown version.
    Earlier,
    Written,
    Edited(Timestamp),
    Deleted,
}

/// Statuses that were yielded or deleted.
#[derive(Debug, Clone, Default)]
pub(super) struct Recent {
    known: HashMap<String, Known>,
    /// Ids, in the order in which they were first noted.
    order: VecDeque<String>,
}

/// Status as a position contains it: its id on the instance and its URI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Saved(String, String);

impl Recent {
    /// Restores the statuses that an earlier run yielded.
    pub(super) fn restored(saved: Vec<Saved>) -> Self {
        let mut recent = Self::default();
        for Saved(id, uri) in saved {
            recent.note_version(&id, Some(uri), Version::Earlier);
        }
        recent
    }

    /// Returns the statuses that a position should contain.
    pub(super) fn saved(&self) -> Vec<Saved> {
        let newest = self.order.iter().rev().take(SAVED_MAX);
        let with_uri = |id: &String| Some(Saved(id.clone(), self.known.get(id)?.uri.clone()?));
        let mut saved: Vec<_> = newest.filter_map(with_uri).collect();
        saved.reverse();
        saved
    }

    /// Notes a status. Returns whether this version was new.
    pub(super) fn note(&mut self, status: &Status) -> bool {
        let version = status.edited_at.map_or(Version::Written, Version::Edited);
        let uri = status.post.as_ref().map(|_| status.uri.clone());
        self.note_version(&status.id, uri, version)
    }

    /// Notes a status that cannot be parsed. Returns whether it was new.
    pub(super) fn note_unreadable(&mut self, unreadable: &Unreadable) -> bool {
        self.note_version(&unreadable.key, None, Version::Written)
    }

    /// Notes that a status was deleted. Returns its URI, if there was a post.
    pub(super) fn note_deleted(&mut self, id: &str) -> Option<String> {
        let uri = self.known.get(id).and_then(|known| known.uri.clone());
        self.note_version(id, None, Version::Deleted);
        uri
    }

    /// Returns the URI of a status.
    pub(super) fn uri(&self, id: &str) -> Option<&str> {
        self.known.get(id)?.uri.as_deref()
    }

    fn note_version(&mut self, id: &str, uri: Option<String>, version: Version) -> bool {
        if let Some(known) = self.known.get_mut(id) {
            // A status that an earlier run yielded may have been edited since.
            let is_news = match (known.version, version) {
                (Version::Earlier, Version::Written) => false,
                (before, now) => now > before,
            };
            if is_news {
                // An edit may leave no text, but a later deletion still concerns the post.
                let uri = uri.or_else(|| known.uri.take().filter(|_| version != Version::Deleted));
                *known = Known { uri, version };
            }
            return is_news;
        }
        if self.order.len() >= STATUSES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(id.to_owned());
        self.known.insert(id.to_owned(), Known { uri, version });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn status(id: &str, edited_at: Option<Timestamp>) -> Status {
        Status {
            id: id.to_owned(),
            uri: format!("https://a.example/{id}"),
            at: AT,
            edited_at,
            in_reply_to: None,
            post: Some(Box::default()),
        }
    }

    #[test]
    fn each_version_is_news_once_and_none_follows_a_deletion() {
        let mut recent = Recent::default();
        assert!(recent.note(&status("1", None)) && !recent.note(&status("1", None)));
        assert!(recent.note(&status("1", Some(AT))) && !recent.note(&status("1", Some(AT))));
        assert!(!recent.note(&status("1", None)), "an older version");
        assert_eq!(recent.note_deleted("1").as_deref(), Some("https://a.example/1"));
        assert_eq!(recent.note_deleted("1"), None, "once");
        assert!(!recent.note(&status("1", Some(AT))));
        assert_eq!(recent.note_deleted("2"), None);
        assert!(!recent.note(&status("2", None)), "its deletion came first");
    }

    #[test]
    fn a_position_remembers_the_newest() {
        let mut recent = Recent::default();
        for n in 0..300 {
            recent.note(&status(&n.to_string(), None));
        }
        let mut again = Recent::restored(recent.saved());
        assert_eq!(again.known.len(), SAVED_MAX);
        assert!(!again.note(&status("299", None)) && again.note(&status("299", Some(AT))));
        assert_eq!(again.note_deleted("100").as_deref(), Some("https://a.example/100"));
        assert_eq!(again.uri("99"), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut recent = Recent::default();
        for n in 0..=STATUSES_MAX {
            recent.note(&status(&n.to_string(), None));
        }
        assert_eq!((recent.known.len(), recent.order.len()), (STATUSES_MAX, STATUSES_MAX));
        assert!(recent.uri("0").is_none() && recent.uri("1").is_some());
    }
}
