//! What is wrong with a chain, and where.

use std::fmt;

use serde::Serialize;
use uuid::Uuid;

/// Maximum number of findings that are kept. A chain of forged links would have as many as it has links.
const FINDINGS_MAX: usize = 100;

/// Kind of tampering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tampering {
    /// Something in a row or a link was changed.
    Edited,
    /// A row or a link is gone, although later ones exist.
    Deleted,
    /// Entries changed places.
    Reordered,
    /// The newest part of the chain is gone.
    Truncated,
    /// A row, a link or a checkpoint was written by someone without the key, or the chain was written anew.
    Forged,
    /// Something was written with a key that the verification does not have.
    Unverifiable,
}

impl fmt::Display for Tampering {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Edited => "edited",
            Self::Deleted => "deleted",
            Self::Reordered => "reordered",
            Self::Truncated => "truncated",
            Self::Forged => "forged",
            Self::Unverifiable => "unverifiable",
        })
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Kind of tampering.
    pub tampering: Tampering,
    /// Number of the link that it concerns; `None` if the entry is not part of the chain.
    pub seq: Option<i64>,
    /// Id of the entry that it concerns; `None` if it is not known.
    pub id: Option<Uuid>,
    /// Description, as a sentence without a subject or a full stop.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.tampering)?;
        if let Some(seq) = self.seq {
            write!(out, " at {seq}")?;
        }
        if let Some(id) = self.id {
            write!(out, " (entry {id})")?;
        }
        write!(out, ": {}", self.what)
    }
}

/// Returns a key that sorts findings by their place in the chain.
fn position(finding: &Finding) -> (i64, Tampering) {
    (finding.seq.unwrap_or(i64::MAX), finding.tampering)
}

/// Findings of a verification, the first of which are kept.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    items: Vec<Finding>,
    n_total: usize,
}

impl Findings {
    /// Adds a finding, unless there already is one of the same kind on the same link.
    pub(super) fn add(&mut self, tampering: Tampering, seq: Option<i64>, id: Option<Uuid>, what: String) {
        let is_same = |other: &Finding| (other.tampering, other.seq, other.id) == (tampering, seq, id);
        if self.items.iter().any(is_same) {
            return;
        }
        self.n_total += 1;
        let finding = Finding { tampering, seq, id, what };
        if self.items.len() < FINDINGS_MAX {
            self.items.push(finding);
            return;
        }
        // Those at the beginning of the chain say most.
        let last = self.items.iter_mut().max_by_key(|kept| position(kept));
        if let Some(last) = last.filter(|last| position(&finding) < position(last)) {
            *last = finding;
        }
    }

    /// Sorts the findings by position. Those without a position come last.
    pub(super) fn sort(&mut self) {
        self.items.sort_by_key(position);
    }

    /// Returns the findings that were kept.
    pub fn as_slice(&self) -> &[Finding] {
        &self.items
    }

    /// Returns the number of findings, including those that were not kept.
    pub fn n_total(&self) -> usize {
        self.n_total
    }
}
