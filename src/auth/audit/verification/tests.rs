use super::*;
use crate::auth::audit::checkpoint::sign;
use crate::auth::audit::finding::Finding;
use crate::auth::audit::keys::testing::{keys, row_of};
use crate::keyring::Keyring;
use crate::models::audit::{Checkpoint, SealedRow};
use uuid::Uuid;

/// Returns a chain of this many entries.
fn chain(n: u64) -> Vec<ChainedRow> {
    let keys = keys();
    let mut end = ChainEnd::GENESIS;
    let link = |n| {
        let sealed = keys.seal(row_of(n));
        let (link, new_end) = keys.link(&sealed, &end);
        end = new_end;
        ChainedRow { link, sealed: Some(sealed) }
    };
    (1..=n).map(link).collect()
}

fn other_keys() -> AuditKeys {
    AuditKeys::new(&Keyring::from_secret("the key of somebody who may write SQL only"))
}

fn statement(kind: CheckpointKind, chained: &ChainedRow) -> SignedCheckpoint {
    let end = ChainEnd { seq: chained.link.seq, hash: hash_of(&chained.link).unwrap() };
    let expired_before = (kind == CheckpointKind::Tombstone)
        .then(|| Timestamp::from_microsecond(chained.link.created_at + 1).unwrap());
    sign(&keys(), Checkpoint { kind, end, at: Timestamp::UNIX_EPOCH, expired_before })
}

fn verify_with(checkpoints: &[SignedCheckpoint], chain: &[ChainedRow], unchained: &Unchained) -> Verdict {
    let checkpoints = checkpoints.iter().map(|signed| (signed.clone(), "the file".to_owned())).collect();
    let mut verifier = Verifier::new(VerifierParams { keys: vec![keys()], checkpoints, public_keys: vec![] });
    chain.iter().for_each(|chained| verifier.push(chained));
    verifier.finish(unchained)
}

/// Returns the kinds and numbers of what is found.
fn found(verdict: &Verdict) -> Vec<(Tampering, Option<i64>)> {
    verdict.findings.as_slice().iter().map(|finding| (finding.tampering, finding.seq)).collect()
}

/// Checks what is found after a chain of twenty entries was changed.
fn check(change: impl FnOnce(&mut Vec<ChainedRow>), expected: &[(Tampering, i64)]) {
    let mut chain = chain(20);
    change(&mut chain);
    let verdict = verify_with(&[], &chain, &Unchained::default());
    let expected: Vec<_> = expected.iter().map(|(tampering, seq)| (*tampering, Some(*seq))).collect();
    assert_eq!(found(&verdict), expected, "{:?}", verdict.findings);
}

/// Numbers the links again, as somebody would to hide a gap.
fn renumber(chain: &mut [ChainedRow]) {
    for (seq, chained) in (1..).zip(chain) {
        chained.link.seq = seq;
    }
}

#[test]
fn an_untouched_chain_verifies() {
    check(|_| {}, &[]);
    let chain = chain(20);
    let verdict = verify_with(&[statement(CheckpointKind::Head, &chain[19])], &chain, &Unchained::default());
    assert_eq!((verdict.n_links, verdict.end.seq, verdict.n_checkpoints), (20, 20, 1));
    assert!(verify_with(&[], &[], &Unchained::default()).findings.as_slice().is_empty());
}

#[test]
fn an_edit_of_any_column_is_found_and_named() {
    let edit = |change: fn(&mut SealedRow)| {
        check(|chain| change(chain[6].sealed.as_mut().unwrap()), &[(Tampering::Edited, 7)]);
    };
    edit(|sealed| sealed.row.action = "sign_in".to_owned());
    edit(|sealed| sealed.row.actor_id = None);
    edit(|sealed| sealed.row.payload.push(' '));
    edit(|sealed| sealed.row.ip_address = None);
    edit(|sealed| sealed.seal[0] ^= 1);
    let edit_link =
        |change: fn(&mut Link)| check(|chain| change(&mut chain[6].link), &[(Tampering::Edited, 7)]);
    edit_link(|link| link.hash[0] ^= 1);
    edit_link(|link| link.hash.clear());
    edit_link(|link| link.created_at += 1);
    edit_link(|link| link.seal[0] ^= 1);
}

#[test]
fn an_edit_with_a_seal_of_another_key_is_found() {
    let reseal = |chain: &mut Vec<ChainedRow>| {
        let mut row = row_of(7);
        row.payload = "{}".to_owned();
        let mut sealed = other_keys().seal(row);
        sealed.sealed_by = keys().fingerprint().to_owned();
        chain[6].link.seal.clone_from(&sealed.seal);
        chain[6].sealed = Some(sealed);
    };
    check(reseal, &[(Tampering::Edited, 7)]);
}

#[test]
fn a_deletion_is_found_whether_or_not_the_rest_is_renumbered() {
    check(|chain| chain[6].sealed = None, &[(Tampering::Deleted, 7)]);
    check(|chain| drop(chain.remove(6)), &[(Tampering::Deleted, 7)]);
    check(|chain| drop(chain.drain(6..9)), &[(Tampering::Deleted, 7)]);
    check(|chain| drop(chain.drain(..3)), &[(Tampering::Deleted, 1)]);
    let hide = |chain: &mut Vec<ChainedRow>| {
        chain.drain(6..9);
        renumber(chain);
    };
    check(hide, &[(Tampering::Deleted, 7)]);
    let hide_twice = |chain: &mut Vec<ChainedRow>| {
        chain.remove(12);
        chain.remove(3);
        renumber(chain);
    };
    check(hide_twice, &[(Tampering::Deleted, 4), (Tampering::Deleted, 12)]);
}

#[test]
fn entries_that_changed_places_are_found() {
    let swap_links = |chain: &mut Vec<ChainedRow>| {
        chain.swap(6, 9);
        renumber(chain);
    };
    check(swap_links, &[(Tampering::Reordered, 7), (Tampering::Reordered, 10)]);
    let swap_neighbours = |chain: &mut Vec<ChainedRow>| {
        chain.swap(6, 7);
        renumber(chain);
    };
    check(swap_neighbours, &[(Tampering::Reordered, 7), (Tampering::Reordered, 8)]);
    let swap_entries = |chain: &mut Vec<ChainedRow>| {
        let (mut one, mut other) = (chain[6].clone(), chain[9].clone());
        std::mem::swap(&mut one.link.hash, &mut other.link.hash);
        std::mem::swap(&mut one.link.seq, &mut other.link.seq);
        (chain[6], chain[9]) = (other, one);
    };
    check(swap_entries, &[(Tampering::Reordered, 7), (Tampering::Reordered, 10)]);
    let swap_rows = |chain: &mut Vec<ChainedRow>| {
        let (one, other) = (chain[6].sealed.take(), chain[9].sealed.take());
        (chain[6].sealed, chain[9].sealed) = (other, one);
    };
    check(swap_rows, &[(Tampering::Reordered, 7), (Tampering::Reordered, 10)]);
}

#[test]
fn a_link_that_was_made_without_the_key_is_found() {
    let forge = |chain: &mut Vec<ChainedRow>| {
        let keys = other_keys();
        let mut sealed = keys.seal(row_of(99));
        sealed.sealed_by = crate::auth::audit::keys::testing::keys().fingerprint().to_owned();
        let before = ChainEnd { seq: 20, hash: hash_of(&chain[19].link).unwrap() };
        let (mut link, _) = keys.link(&sealed, &before);
        link.linked_by.clone_from(&sealed.sealed_by);
        chain.push(ChainedRow { link, sealed: Some(sealed) });
    };
    check(forge, &[(Tampering::Edited, 21), (Tampering::Forged, 21)]);
    let insert = |chain: &mut Vec<ChainedRow>| {
        let mut forged = chain[6].clone();
        forged.link.hash = vec![7; 32];
        chain.insert(7, forged);
        renumber(chain);
    };
    let mut inserted = chain(20);
    insert(&mut inserted);
    let verdict = verify_with(&[], &inserted, &Unchained::default());
    assert!(found(&verdict).iter().all(|(tampering, _)| *tampering == Tampering::Forged), "{verdict:?}");
    assert_eq!(found(&verdict)[0], (Tampering::Forged, Some(8)));
    check(|chain| chain[6].link.linked_by = "unknown".to_owned(), &[(Tampering::Unverifiable, 7)]);
}

#[test]
fn a_truncation_is_found_with_a_checkpoint_and_only_with_one() {
    let mut chain = chain(20);
    let checkpoint = statement(CheckpointKind::Head, &chain[18]);
    chain.truncate(15);
    assert!(verify_with(&[], &chain, &Unchained::default()).findings.as_slice().is_empty());
    let verdict = verify_with(&[checkpoint], &chain, &Unchained::default());
    assert_eq!(found(&verdict), [(Tampering::Truncated, Some(16))]);
}

#[test]
fn a_chain_written_anew_with_the_key_differs_from_a_checkpoint() {
    let original = chain(20);
    let checkpoint = statement(CheckpointKind::Head, &original[18]);
    let (keys, mut end) = (keys(), ChainEnd::GENESIS);
    let anew = original.iter().map(|chained| {
        let mut sealed = chained.sealed.clone().unwrap();
        if chained.link.seq == 4 {
            sealed.row.payload = "{}".to_owned();
            sealed = keys.seal(sealed.row);
        }
        let (link, new_end) = keys.link(&sealed, &end);
        end = new_end;
        ChainedRow { link, sealed: Some(sealed) }
    });
    let anew: Vec<_> = anew.collect();
    assert!(verify_with(&[], &anew, &Unchained::default()).findings.as_slice().is_empty());
    let verdict = verify_with(&[checkpoint], &anew, &Unchained::default());
    assert_eq!(found(&verdict), [(Tampering::Forged, Some(19))]);
}

#[test]
fn a_chain_starts_after_its_newest_tombstone_and_expired_rows_may_be_gone() {
    let mut chain = chain(20);
    let (older, newer) =
        (statement(CheckpointKind::Tombstone, &chain[4]), statement(CheckpointKind::Tombstone, &chain[9]));
    // Chained late: its row expired with those before it.
    let late = chain[10].link.created_at;
    let expired_before = Some(Timestamp::from_microsecond(late + 1).unwrap());
    let newer = sign(&keys(), Checkpoint { expired_before, ..newer.checkpoint });
    chain[10].sealed = None;
    chain.drain(..10);
    let verdict = verify_with(&[newer.clone(), older.clone()], &chain, &Unchained::default());
    assert!(verdict.findings.as_slice().is_empty(), "{:?}", verdict.findings);
    assert_eq!(verdict.n_links, 10);
    // Without the newer one, what expired looks deleted.
    let verdict = verify_with(&[older], &chain, &Unchained::default());
    assert_eq!(found(&verdict), [(Tampering::Deleted, Some(6)), (Tampering::Deleted, Some(11))]);
    // A forged one counts for nothing.
    let mut forged = newer;
    forged.checkpoint.end.seq = 12;
    let verdict = verify_with(&[forged], &chain, &Unchained::default());
    assert_eq!(found(&verdict)[0], (Tampering::Deleted, Some(1)));
    assert!(found(&verdict).contains(&(Tampering::Forged, Some(12))));
}

#[test]
fn rows_outside_of_the_chain_are_judged_by_their_seals() {
    let mut chain = chain(3);
    let moved = chain[1].sealed.take().unwrap();
    let mut edited = keys().seal(row_of(51));
    edited.row.payload = "{}".to_owned();
    let mut forged = other_keys().seal(row_of(52));
    forged.sealed_by = keys().fingerprint().to_owned();
    let unchained = Unchained {
        waiting: vec![keys().seal(row_of(50)), edited],
        vanished: vec![row_of(53).id],
        unlinked: vec![moved, forged, keys().seal(row_of(54))],
    };
    let verdict = verify_with(&[], &chain, &unchained);
    let named: Vec<_> =
        verdict.findings.as_slice().iter().map(|finding| (finding.tampering, finding.id.unwrap())).collect();
    assert_eq!(verdict.n_waiting, 2);
    assert_eq!(named[0], (Tampering::Edited, row_of(2).id));
    for expected in [
        (Tampering::Edited, row_of(51).id),
        (Tampering::Forged, row_of(52).id),
        (Tampering::Deleted, row_of(53).id),
        (Tampering::Deleted, row_of(54).id),
    ] {
        assert!(named.contains(&expected), "{expected:?} in {named:?}");
    }
    assert_eq!(named.len(), 5);
}

#[test]
fn findings_are_bounded_and_counted() {
    let mut chain = chain(300);
    chain.iter_mut().for_each(|chained| chained.sealed.as_mut().unwrap().row.payload.push(' '));
    let verdict = verify_with(&[], &chain, &Unchained::default());
    assert_eq!((verdict.findings.as_slice().len(), verdict.findings.n_total()), (100, 300));
    assert_eq!(found(&verdict)[0], (Tampering::Edited, Some(1)));
}

#[test]
fn a_verdict_names_the_row() {
    let finding = Finding {
        tampering: Tampering::Edited,
        seq: Some(7),
        id: Some(Uuid::nil()),
        what: "the row does not match its seal".to_owned(),
    };
    let text = finding.to_string();
    assert_eq!(
        text,
        "edited at 7 (entry 00000000-0000-0000-0000-000000000000): the row does not match its seal"
    );
}
