//! Refused requests, counted per caller and minute, so that they cannot flood the audit log.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::entry::Entry;
use crate::models::audit::{Action, AuditActor};

/// Minimum time between two entries about the same caller.
const ENTRY_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// Maximum number of callers that are counted one by one. The requests of all others are counted together, so refusals
/// lead to at most this many entries a minute, and one more.
const CALLERS_MAX: usize = 500;

/// Maximum number of accounts that an entry names: who looks into an attack needs some to start with.
const ACCOUNTS_NAMED_MAX: usize = 5;

/// Maximum number of accounts that are counted for an entry. The digests for all callers take at most a megabyte.
const ACCOUNTS_COUNTED_MAX: usize = 100;

/// Refused request.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Who made the request.
    pub actor: AuditActor,
    /// Address from which it came.
    pub from: Option<IpAddr>,
    /// Account that the request failed to sign in to; `None` if it was refused for another reason.
    pub account: Option<String>,
    /// Status of the response: 401 or 403, or 422 for a password that was wrong in a session.
    pub status: u16,
    /// Method of the request.
    pub method: String,
    /// Route of the request, or `other`. Not its path, which a stranger can fill with anything.
    pub route: String,
}

impl Refusal {
    fn action(&self) -> Action {
        if self.account.is_some() { Action::SignInFailed } else { Action::RequestsRefused }
    }
}

/// Which requests are counted together: those of an actor at an address that were refused in the same way. `None` is
/// everyone who is not counted alone.
type Caller = Option<(&'static str, Option<String>, Option<IpAddr>, Action)>;

#[derive(Debug)]
struct Count {
    /// Time of the last entry.
    entry_at: Timestamp,
    /// Refusals since then.
    n_refused: u64,
    /// The last of them.
    last: Refusal,
    /// Accounts that they failed to sign in to.
    accounts: Accounts,
}

/// Distinct accounts: the first by name, and many by digest.
#[derive(Debug, Default)]
struct Accounts {
    names: Vec<String>,
    digests: HashSet<u64>,
    /// Whether there were more than can be counted.
    has_more: bool,
}

impl Accounts {
    fn add(&mut self, name: &str, hasher: &RandomState) {
        let digest = hasher.hash_one(name);
        if self.digests.contains(&digest) {
            return;
        }
        if self.digests.len() >= ACCOUNTS_COUNTED_MAX {
            self.has_more = true;
            return;
        }
        self.digests.insert(digest);
        if self.names.len() < ACCOUNTS_NAMED_MAX {
            self.names.push(name.to_owned());
        }
    }
}

/// Counted refusals.
#[derive(Debug, Default)]
pub struct Refusals {
    counts: Mutex<HashMap<Caller, Count>>,
    /// Random, so that nobody can choose accounts that count as one.
    hasher: RandomState,
}

impl Refusals {
    /// Counts a refusal. Returns an entry if the caller has none from the last minute.
    pub fn add(&self, refusal: Refusal, now: Timestamp) -> Option<Entry> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut caller = caller_of(&refusal);
        if !counts.contains_key(&caller) && counts.len() >= CALLERS_MAX {
            caller = None;
        }
        if let Some(count) = counts.get_mut(&caller) {
            count.n_refused = count.n_refused.saturating_add(1);
            if let Some(account) = &refusal.account {
                count.accounts.add(account, &self.hasher);
            }
            count.last = refusal;
            return None;
        }
        let count = Count { entry_at: now, n_refused: 1, last: refusal, accounts: Accounts::default() };
        let entry = entry_of(&caller, &count);
        counts.insert(caller, Count { n_refused: 0, ..count });
        Some(entry)
    }

    /// Returns the entries of callers whose last one is a minute old, and forgets callers who made no request since.
    pub fn due(&self, now: Timestamp) -> Vec<Entry> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = Vec::new();
        counts.retain(|caller, count| {
            if now.duration_since(count.entry_at) < ENTRY_EVERY {
                return true;
            }
            if count.n_refused == 0 {
                return false;
            }
            entries.push(entry_of(caller, count));
            (count.entry_at, count.n_refused) = (now, 0);
            count.accounts = Accounts::default();
            true
        });
        entries
    }

    /// Returns entries for everything that was counted, and forgets it.
    pub fn take_all(&self) -> Vec<Entry> {
        let counts = std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        let counted = counts.iter().filter(|(_, count)| count.n_refused > 0);
        counted.map(|(caller, count)| entry_of(caller, count)).collect()
    }
}

/// Returns whose requests a refusal is counted with. IPv6 addresses count by network, of which one host may use any address.
fn caller_of(refusal: &Refusal) -> Caller {
    let network = refusal.from.map(|address| match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    });
    Some((refusal.actor.kind, refusal.actor.id.clone(), network, refusal.action()))
}

fn entry_of(caller: &Caller, count: &Count) -> Entry {
    let Count { last, n_refused, accounts, .. } = count;
    let mut payload = Map::new();
    payload.insert("count".to_owned(), json!(n_refused));
    payload.insert("status".to_owned(), json!(last.status));
    payload.insert("method".to_owned(), json!(last.method));
    payload.insert("route".to_owned(), json!(last.route));
    if caller.is_none() {
        payload.insert("callers".to_owned(), Value::from("many"));
        let actor = AuditActor::of(None);
        return Entry { actor, action: Action::RequestsRefused, object: None, from: None, payload };
    }
    if let Some(account) = &last.account {
        payload.insert("account".to_owned(), json!(account));
    }
    if accounts.digests.len() > 1 {
        payload.insert("accounts".to_owned(), json!(accounts.names));
        payload.insert("n_accounts".to_owned(), json!(accounts.digests.len()));
    }
    if accounts.has_more {
        payload.insert("more_accounts".to_owned(), json!(true));
    }
    Entry { actor: last.actor.clone(), action: last.action(), object: None, from: last.from, payload }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(from: &str) -> Refusal {
        Refusal {
            actor: AuditActor::of(None),
            from: Some(from.parse().unwrap()),
            account: None,
            status: 401,
            method: "GET".to_owned(),
            route: "/api/v1/posts".to_owned(),
        }
    }

    fn counted(entry: &Entry) -> u64 {
        entry.payload["count"].as_u64().unwrap()
    }

    #[test]
    fn a_caller_has_one_entry_a_minute_and_every_refusal_is_counted_once() {
        let (refusals, start) = (Refusals::default(), Timestamp::UNIX_EPOCH);
        let after = |seconds| start + SignedDuration::from_secs(seconds);
        assert_eq!(counted(&refusals.add(refusal("10.0.0.1"), start).unwrap()), 1);
        for n in 0..41 {
            assert!(refusals.add(refusal("10.0.0.1"), after(n)).is_none());
        }
        assert!(refusals.due(after(59)).is_empty());
        let due = refusals.due(after(60));
        assert_eq!(due.iter().map(counted).collect::<Vec<_>>(), [41]);
        assert!(refusals.due(after(61)).is_empty());
        assert!(refusals.add(refusal("10.0.0.1"), after(70)).is_none());
        assert_eq!(refusals.due(after(120)).iter().map(counted).collect::<Vec<_>>(), [1]);
        // Forgotten after a quiet minute.
        assert!(refusals.due(after(180)).is_empty());
        assert!(refusals.add(refusal("10.0.0.1"), after(181)).is_some());
    }

    #[test]
    fn failed_sign_ins_are_counted_apart_and_name_the_account() {
        let refusals = Refusals::default();
        let failed = Refusal { account: Some("ana@example.org".to_owned()), ..refusal("10.0.0.1") };
        let first = refusals.add(refusal("10.0.0.1"), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((first.action, first.payload.get("account")), (Action::RequestsRefused, None));
        let entry = refusals.add(failed.clone(), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(entry.action, Action::SignInFailed);
        assert_eq!(entry.payload["account"].as_str(), Some("ana@example.org"));
        assert!(refusals.add(failed, Timestamp::UNIX_EPOCH).is_none());
    }

    #[test]
    fn accounts_that_one_address_tried_are_counted_and_the_first_are_named() {
        let (refusals, start) = (Refusals::default(), Timestamp::UNIX_EPOCH);
        let fail = |name: String| refusals.add(Refusal { account: Some(name), ..refusal("10.0.0.1") }, start);
        let after = |minutes: i32| refusals.due(start + ENTRY_EVERY * minutes);
        let first = fail("0@example.org".to_owned()).unwrap();
        assert_eq!(first.payload.get("accounts"), None);
        for n in (1..8).chain(1..8) {
            assert!(fail(format!("{n}@example.org")).is_none());
        }
        let entry = after(1).pop().unwrap();
        assert_eq!((counted(&entry), &entry.payload["n_accounts"]), (14, &json!(7)));
        let named: Vec<String> = (1..=ACCOUNTS_NAMED_MAX).map(|n| format!("{n}@example.org")).collect();
        assert_eq!(entry.payload["accounts"], json!(named));
        assert_eq!(entry.payload["account"], "7@example.org");
        // Each entry begins anew, and memory is bounded.
        for n in 0..10_000 {
            fail(format!("{n}@example.net"));
        }
        let entry = after(2).pop().unwrap();
        assert_eq!(entry.payload["accounts"].as_array().unwrap().len(), ACCOUNTS_NAMED_MAX);
        assert_eq!(entry.payload["n_accounts"], json!(ACCOUNTS_COUNTED_MAX));
        assert_eq!(entry.payload["more_accounts"], json!(true));
    }

    #[test]
    fn addresses_are_counted_apart_but_not_within_a_network_of_ipv6() {
        let refusals = Refusals::default();
        let is_new = |from: &str| refusals.add(refusal(from), Timestamp::UNIX_EPOCH).is_some();
        assert!(is_new("10.0.0.1") && is_new("10.0.0.2") && is_new("2001:db8::1"));
        assert!(!is_new("2001:db8::2") && !is_new("::ffff:10.0.0.1"));
        assert!(is_new("2001:db8:0:1::2"));
    }

    #[test]
    fn no_number_of_callers_leads_to_more_entries_than_the_limit() {
        let refusals = Refusals::default();
        let entries = (0..10_000_u32).filter_map(|n| {
            refusals.add(refusal(&IpAddr::from(n.to_be_bytes()).to_string()), Timestamp::UNIX_EPOCH)
        });
        let entries: Vec<_> = entries.collect();
        assert_eq!(entries.len(), CALLERS_MAX + 1);
        let due = refusals.due(Timestamp::UNIX_EPOCH + ENTRY_EVERY);
        let n_counted: u64 = entries.iter().chain(&due).map(counted).sum();
        assert_eq!((due.len(), n_counted), (1, 10_000));
        assert_eq!((due[0].from, due[0].payload["callers"].as_str()), (None, Some("many")));
    }
}
