//! Remembers the entries that were yielded, so that each is yielded once, even after a restart.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::posts::Candidate;
use crate::models::new_post::NewPost;

/// Maximum number of entries to remember, and to read from a document. Feeds have tens of entries, rarely hundreds; at
/// this maximum, the memory takes 64 kB in the database.
pub(super) const ENTRIES_MAX: usize = 2_000;

/// Size of a remembered entry in bytes.
const TRACE_BYTES: usize = 24;

/// Fingerprints of an entry that was yielded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Trace {
    key: u64,
    /// Fingerprint of the alias; 0 if there is none.
    alias: u64,
    content: u64,
}

/// Entries that were yielded, starting with those of the last document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen(Vec<Trace>);

/// Difference between a document and the entries that were yielded.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct News {
    /// New and edited entries, the oldest first.
    pub posts: Vec<NewPost>,
    /// Number of entries that cannot be parsed and were not in earlier documents, or that exceed the maximum.
    pub n_unreadable: u64,
    /// Whether there were entries before and none of them remain, so that others may have come and gone in between.
    pub is_detached: bool,
    /// Time of the oldest entry in the document.
    pub oldest: Option<Timestamp>,
    /// Time of the newest entry in the document.
    pub newest: Option<Timestamp>,
}

impl Seen {
    /// Compares a document with the remembered entries, and remembers it.
    pub(super) fn take(&mut self, mut candidates: Vec<Candidate>) -> News {
        let mut news = News::default();
        if candidates.len() > ENTRIES_MAX {
            // Newest first; entries without a time keep the order of the document, which by convention starts with the
            // newest.
            candidates.sort_by_key(|it| std::cmp::Reverse(it.post.as_ref().and_then(|post| post.created_at)));
            let n_left_out = candidates.split_off(ENTRIES_MAX).len();
            // In later documents, the old entries were already known.
            if self.0.is_empty() {
                news.n_unreadable += u64::try_from(n_left_out).unwrap_or(u64::MAX);
            }
        }
        let contents: HashMap<u64, u64> = self.0.iter().map(|trace| (trace.key, trace.content)).collect();
        let present: HashSet<u64> = candidates.iter().map(|candidate| candidate.key).collect();
        // An entry with another id that is still listed is a different entry.
        let gone = self.0.iter().filter(|trace| trace.alias != 0 && !present.contains(&trace.key));
        let renamed: HashSet<u64> = gone.map(|trace| trace.alias).collect();
        let mut n_known = 0_usize;
        let mut traces = Vec::new();
        for Candidate { key, alias, content, post } in candidates {
            let before = contents.get(&key);
            let is_renamed = before.is_none() && alias.is_some_and(|alias| renamed.contains(&alias));
            n_known += usize::from(before.is_some() || is_renamed);
            traces.push(Trace { key, alias: alias.unwrap_or(0), content });
            if let Some(at) = post.as_ref().and_then(|post| post.created_at) {
                news.oldest = Some(news.oldest.map_or(at, |oldest| oldest.min(at)));
                news.newest = news.newest.max(Some(at));
            }
            match post {
                // Its first id is no longer remembered, and under the new one it would become a second post.
                _ if is_renamed || before == Some(&content) => {}
                Some(post) => news.posts.push(post),
                None => news.n_unreadable += 1,
            }
        }
        news.posts.reverse();
        news.posts.sort_by_key(|post| post.created_at.unwrap_or(Timestamp::MAX));
        news.is_detached = n_known == 0 && !self.0.is_empty() && !traces.is_empty();
        traces.extend(self.0.iter().filter(|trace| !present.contains(&trace.key)));
        traces.truncate(ENTRIES_MAX);
        self.0 = traces;
        news
    }

    /// Encodes the remembered entries as text.
    pub(super) fn encoded(&self) -> String {
        let numbers = self.0.iter().flat_map(|trace| [trace.key, trace.alias, trace.content]);
        STANDARD.encode(numbers.flat_map(u64::to_be_bytes).collect::<Vec<u8>>())
    }

    /// Decodes the text of [`Self::encoded`]. Returns `None` if it is invalid.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let (traces, rest) = bytes.as_chunks::<TRACE_BYTES>();
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let traces = traces.iter().map(|trace| {
            let mut numbers = trace.chunks(8).map(number);
            Some(Trace { key: numbers.next()?, alias: numbers.next()?, content: numbers.next()? })
        });
        rest.is_empty().then(|| traces.collect::<Option<Vec<_>>>()).flatten().map(Self)
    }
}

#[cfg(test)]
mod tests;
