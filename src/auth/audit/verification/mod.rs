//! Verifies a chain link by link, and says what was done to it.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use uuid::Uuid;

use super::checkpoint;
use super::explanation::{self, Altered, Suspect};
use super::finding::{Findings, Tampering};
use super::keys::AuditKeys;
use crate::models::audit::{
    ChainEnd, ChainedRow, CheckpointKind, HASH_BYTES, Hash, Link, SignedCheckpoint, Unchained,
};

/// Maximum number of suspicious links that are compared with each other to explain them. Each is compared with all others,
/// so the time grows with the cube.
const SUSPECTS_MAX: usize = 48;

/// Maximum number of removed or inserted links that a renumbered chain is searched for.
const SHIFT_MAX: i64 = 1_000;

/// Maximum number of searches for a renumbering, so that a chain of forged links is verified in reasonable time.
const SHIFT_SEARCHES_MAX: usize = 32;

/// Result of a verification.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Number of links that were verified.
    pub n_links: u64,
    /// Number of rows that wait to be chained.
    pub n_waiting: usize,
    /// End of the chain.
    pub end: ChainEnd,
    /// Number of checkpoints with a valid signature that the chain was compared with.
    pub n_checkpoints: usize,
    /// What is wrong, in the order of the chain.
    pub findings: Findings,
}

/// Checkpoint to compare the chain with.
#[derive(Debug, Clone)]
struct Statement {
    hash: Hash,
    at: Timestamp,
    source: String,
}

/// Parameters of [`Verifier::new`].
#[derive(Debug, Clone, Default)]
pub struct VerifierParams {
    /// Keys that sealed and linked entries. Entries of other keys cannot be verified.
    pub keys: Vec<AuditKeys>,
    /// Checkpoints, each with where it was found. Only those signed with one of the keys, or with one of the public keys,
    /// count.
    pub checkpoints: Vec<(SignedCheckpoint, String)>,
    /// Public keys of other servers whose checkpoints count.
    pub public_keys: Vec<Vec<u8>>,
}

/// Verification in progress. Feed it the links in the order of their numbers.
#[derive(Debug)]
pub struct Verifier {
    keys: HashMap<String, AuditKeys>,
    statements: BTreeMap<i64, Vec<Statement>>,
    /// Entries from before this time may lack a row, because they have expired.
    expired_before: Option<i64>,
    start: ChainEnd,
    end: ChainEnd,
    /// Numbers that were removed before this point of the chain, less those that were inserted.
    shift: i64,
    n_links: u64,
    n_checkpoints: usize,
    n_shift_searches: usize,
    suspects: Vec<Suspect>,
    altered: Vec<Altered>,
    /// Entries whose rows are missing, with the numbers of their links.
    missing: HashMap<Uuid, i64>,
    other_keys: BTreeMap<String, (i64, u64)>,
    findings: Findings,
}

impl Verifier {
    /// Starts a verification.
    pub fn new(params: VerifierParams) -> Self {
        let mut verifier = Self {
            keys: HashMap::new(),
            statements: BTreeMap::new(),
            expired_before: None,
            start: ChainEnd::GENESIS,
            end: ChainEnd::GENESIS,
            shift: 0,
            n_links: 0,
            n_checkpoints: 0,
            n_shift_searches: 0,
            suspects: Vec::new(),
            altered: Vec::new(),
            missing: HashMap::new(),
            other_keys: BTreeMap::new(),
            findings: Findings::default(),
        };
        let mut trusted = params.public_keys;
        trusted.extend(params.keys.iter().map(AuditKeys::public_key));
        for (signed, source) in params.checkpoints {
            verifier.consider(&signed, source, &trusted);
        }
        verifier.keys = params.keys.into_iter().map(|keys| (keys.fingerprint().to_owned(), keys)).collect();
        verifier.end = verifier.start;
        verifier
    }

    /// Returns the end of what has been verified, which is where the next link follows.
    pub fn position(&self) -> i64 {
        self.end.seq
    }

    /// Takes a checkpoint into account if its signature is valid. The newest tombstone is where the chain starts.
    fn consider(&mut self, signed: &SignedCheckpoint, source: String, trusted: &[Vec<u8>]) {
        let seq = signed.checkpoint.end.seq;
        if !checkpoint::is_signed(signed) {
            let what = format!("a checkpoint in {source} has an invalid signature");
            return self.findings.add(Tampering::Forged, Some(seq), None, what);
        }
        if !trusted.contains(&signed.public_key) {
            let key = hex::encode(&signed.public_key);
            let what = format!("a checkpoint in {source} is signed with the unknown key {key}");
            return self.findings.add(Tampering::Unverifiable, Some(seq), None, what);
        }
        self.n_checkpoints += 1;
        let checkpoint = signed.checkpoint;
        if checkpoint.kind == CheckpointKind::Tombstone && seq >= self.start.seq {
            self.start = checkpoint.end;
            self.expired_before = checkpoint.expired_before.map(Timestamp::as_microsecond);
        }
        let statement = Statement { hash: checkpoint.end.hash, at: checkpoint.at, source };
        self.statements.entry(seq).or_default().push(statement);
    }

    /// Verifies the next link.
    pub fn push(&mut self, chained: &ChainedRow) {
        let link = &chained.link;
        let expected = self.end.seq.saturating_add(1);
        if link.seq < expected {
            let what = "its number was already taken".to_owned();
            self.findings.add(Tampering::Forged, Some(link.seq), Some(link.id), what);
            return;
        }
        self.n_links += 1;
        self.verify_row(chained);
        if link.seq > expected {
            let what = match link.seq.saturating_sub(expected) {
                1 => "the link is gone".to_owned(),
                n => format!("{n} links are gone, up to number {}", link.seq.saturating_sub(1)),
            };
            self.findings.add(Tampering::Deleted, Some(expected), None, what);
        } else {
            self.verify_link(link);
        }
        self.end = ChainEnd { seq: link.seq, hash: hash_of(link).unwrap_or_default() };
        self.compare_with_checkpoints(link);
    }

    /// Compares a row with the seal in its link.
    fn verify_row(&mut self, ChainedRow { link, sealed }: &ChainedRow) {
        let Some(sealed) = sealed else {
            if self.expired_before.is_none_or(|before| link.created_at >= before) {
                self.missing.insert(link.id, link.seq);
            }
            return;
        };
        let Some(keys) = self.keys.get(&sealed.sealed_by) else {
            return note_key(&mut self.other_keys, &sealed.sealed_by, link.seq);
        };
        let seal = keys.seal_of(&sealed.row);
        if link.seal == seal && sealed.seal == seal {
            return;
        }
        self.altered.push(Altered {
            seq: link.seq,
            id: link.id,
            link_seal: link.seal.clone(),
            row_seal: seal,
        });
        // What cannot be kept for an explanation is reported as it is.
        if self.altered.len() > SUSPECTS_MAX {
            let altered = self.altered.pop();
            self.findings.add(
                Tampering::Edited,
                altered.map(|altered| altered.seq),
                Some(link.id),
                "the row does not match its seal".to_owned(),
            );
        }
    }

    /// Verifies that a link follows the one before it.
    fn verify_link(&mut self, link: &Link) {
        let Some(keys) = self.keys.get(&link.linked_by) else {
            return note_key(&mut self.other_keys, &link.linked_by, link.seq);
        };
        let before = ChainEnd { seq: link.seq.saturating_sub(1).saturating_add(self.shift), ..self.end };
        let computed = keys.hash_of(link, &before);
        let last = self.suspects.last_mut().filter(|last| last.link.seq == self.end.seq);
        if link.hash == computed {
            if let Some(last) = last {
                last.is_confirmed = true;
            }
            return;
        }
        if let Some(last) = last {
            if link.hash == keys.hash_of(link, &ChainEnd { hash: last.computed, ..before }) {
                last.explained = Some((Tampering::Edited, "its hash was changed".to_owned()));
                return;
            }
            if self.n_shift_searches < SHIFT_SEARCHES_MAX {
                self.n_shift_searches += 1;
                if let Some(shift) = shift_of(keys, link, &before) {
                    self.shift = self.shift.saturating_add(shift);
                    last.explained = Some(match shift {
                        1 => (
                            Tampering::Deleted,
                            "the entry before it is gone, and the following ones were renumbered".to_owned(),
                        ),
                        2.. => (
                            Tampering::Deleted,
                            format!(
                                "{shift} entries before it are gone, and the following ones were renumbered"
                            ),
                        ),
                        _ => (
                            Tampering::Forged,
                            format!(
                                "{} links were inserted, and the following ones were renumbered",
                                shift.unsigned_abs()
                            ),
                        ),
                    });
                    return;
                }
            }
        }
        let suspect = Suspect { link: link.clone(), before, computed, is_confirmed: false, explained: None };
        if self.suspects.len() < SUSPECTS_MAX {
            self.suspects.push(suspect);
            return;
        }
        let what = "the link does not follow from the one before it".to_owned();
        self.findings.add(Tampering::Forged, Some(link.seq), Some(link.id), what);
    }

    fn compare_with_checkpoints(&mut self, link: &Link) {
        let seq = link.seq.saturating_add(self.shift);
        let is_suspect = self.suspects.last().is_some_and(|suspect| suspect.link.seq == link.seq);
        for statement in self.statements.get(&seq).into_iter().flatten() {
            if link.hash != statement.hash && !is_suspect {
                let Statement { at, source, .. } = statement;
                let what = format!(
                    "the hash differs from the checkpoint of {at} in {source}: this and earlier links were written anew"
                );
                self.findings.add(Tampering::Forged, Some(link.seq), Some(link.id), what);
            }
        }
    }

    /// Ends the verification.
    pub fn finish(mut self, unchained: &Unchained) -> Verdict {
        self.judge_unchained(unchained);
        let missing: Vec<(Uuid, i64)> = self.missing.drain().collect();
        for (id, seq) in missing {
            self.findings.add(Tampering::Deleted, Some(seq), Some(id), "the row is gone".to_owned());
        }
        explanation::explain(&self.suspects, &self.altered, &self.keys, &mut self.findings);
        let reached = self.end.seq.saturating_add(self.shift);
        if let Some((seq, statements)) = self.statements.last_key_value().filter(|(seq, _)| **seq > reached) {
            let stated =
                statements.first().map(|statement| format!(" of {} in {}", statement.at, statement.source));
            let what = format!(
                "the chain ends before this number, although it reached {seq} by the checkpoint{}",
                stated.unwrap_or_default()
            );
            self.findings.add(Tampering::Truncated, Some(self.end.seq.saturating_add(1)), None, what);
        }
        for (key, (seq, n)) in std::mem::take(&mut self.other_keys) {
            let what = format!("{n} entries from here on were sealed or linked with the unknown key {key}");
            self.findings.add(Tampering::Unverifiable, Some(seq), None, what);
        }
        self.findings.sort();
        Verdict {
            n_links: self.n_links,
            n_waiting: unchained.waiting.len(),
            end: self.end,
            n_checkpoints: self.n_checkpoints,
            findings: self.findings,
        }
    }

    fn judge_unchained(&mut self, unchained: &Unchained) {
        for sealed in &unchained.unlinked {
            let id = sealed.row.id;
            if let Some(seq) = self.missing.remove(&id) {
                let what = "the time of the row was changed".to_owned();
                self.findings.add(Tampering::Edited, Some(seq), Some(id), what);
                continue;
            }
            let (tampering, what) = match self.keys.get(&sealed.sealed_by) {
                Some(keys) if keys.verify_seal(sealed) => (Tampering::Deleted, "the link of the row is gone"),
                Some(_) => (Tampering::Forged, "the row is not part of the chain, and its seal is invalid"),
                None => (Tampering::Unverifiable, "the row is not part of the chain"),
            };
            self.findings.add(tampering, None, Some(id), what.to_owned());
        }
        for sealed in &unchained.waiting {
            let keys = self.keys.get(&sealed.sealed_by);
            if keys.is_some_and(|keys| !keys.verify_seal(sealed)) {
                let what = "the row waits to be chained and does not match its seal".to_owned();
                self.findings.add(Tampering::Edited, None, Some(sealed.row.id), what);
            }
        }
        for id in &unchained.vanished {
            let what = "the row waited to be chained and is gone".to_owned();
            self.findings.add(Tampering::Deleted, None, Some(*id), what);
        }
    }
}

/// Counts an entry of a key that is not known.
fn note_key(keys: &mut BTreeMap<String, (i64, u64)>, key: &str, seq: i64) {
    keys.entry(key.to_owned()).or_insert((seq, 0)).1 += 1;
}

/// Returns the stored hash of a link; `None` if it does not have the length of a hash.
fn hash_of(link: &Link) -> Option<Hash> {
    <[u8; HASH_BYTES]>::try_from(link.hash.as_slice()).ok()
}

/// Returns by how much the number of a link was lowered, judging by its hash.
fn shift_of(keys: &AuditKeys, link: &Link, before: &ChainEnd) -> Option<i64> {
    let candidates = (1..=SHIFT_MAX).flat_map(|n| [n, -n]);
    let mut shifted = candidates.map(|shift| (shift, before.seq.saturating_add(shift)));
    shifted
        .find(|(_, seq)| link.hash == keys.hash_of(link, &ChainEnd { seq: *seq, ..*before }))
        .map(|(shift, _)| shift)
}
