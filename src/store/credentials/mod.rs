//! Credentials of programs: API keys, clients, and the tokens that they are exchanged for.

pub mod api_keys; // API keys
pub mod key_usage; // calls per API key
pub mod clients; // programs with a role of their own
pub mod refresh_tokens; // families of refresh tokens, each token used once
pub mod signing_keys; // keys that sign access tokens
pub mod standing; // what credentials may do right now

#[cfg(test)]
mod race_tests; // many uses of a refresh token at once
#[cfg(test)]
pub(crate) mod testing; // accounts and credentials for tests

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;

use super::codec::{PgTimestamp, parse_enum};
use super::{Store, StoreError};
use crate::models::principal::{Scope, Scopes};

/// How long credentials that have ended stay listed: long enough to answer who used what, and when it ended.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How long the calls of each day are kept.
const USAGE_KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Hash of a random secret, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// Hash in PHC format.
    pub hash: String,
    /// Start of the secret's SHA-256, which wrong secrets do not share.
    pub fingerprint: Vec<u8>,
}

/// Returns a fingerprint as the number by which tokens name the secret that they were issued for; `None` if it is shorter.
pub fn fingerprint_number(fingerprint: &[u8]) -> Option<u64> {
    fingerprint.first_chunk().copied().map(u64::from_be_bytes)
}

/// Deletes credentials that ended long ago, expired families with their tokens, retired signing keys, and old counts of
/// calls.
pub async fn expire(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    const DELETE: [(&str, SignedDuration); 5] = [
        ("DELETE FROM api_keys WHERE revoked_at < $1 OR expires_at < $1", KEPT_AFTER_END),
        ("DELETE FROM clients WHERE revoked_at < $1", KEPT_AFTER_END),
        ("DELETE FROM token_families WHERE expires_at < $1", SignedDuration::ZERO),
        ("DELETE FROM signing_keys WHERE retired_at < $1", SignedDuration::ZERO),
        ("DELETE FROM api_key_usage WHERE day < ($1::timestamptz AT TIME ZONE 'UTC')::date", USAGE_KEPT),
    ];
    for (sql, kept) in DELETE {
        let before = now.checked_sub(kept).unwrap_or(Timestamp::UNIX_EPOCH);
        store.execute(sql, &[&PgTimestamp(before)]).await?;
    }
    Ok(())
}

fn names_of(scopes: Scopes) -> Vec<&'static str> {
    Vec::from(scopes).into_iter().map(Scope::as_str).collect()
}

fn scopes_at(row: &Row, column: usize) -> Result<Scopes, StoreError> {
    let names: Vec<&str> = row.try_get(column)?;
    names.into_iter().map(|name| parse_enum(name, &Scope::ALL, Scope::as_str)).collect()
}
