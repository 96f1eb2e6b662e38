//! Credentials of programs: API keys, clients, and the tokens that they are exchanged for.

pub mod api_keys; // API keys
pub mod clients; // clients
pub mod jwks; // public keys of access tokens
pub mod token; // exchanging credentials for tokens
mod token_request; // what is exchanged, as JSON or as a form

use jiff::SignedDuration;

use super::error::ApiError;
use crate::models::credential::{OVERLAP_SECONDS_DEFAULT, OVERLAP_SECONDS_MAX, Rotation};
use crate::models::principal::{Scope, Scopes};

/// Maximum body size in bytes: a name with room for JSON escapes.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// Returns the scopes of a new credential: those that are asked for, or else all that may be granted.
///
/// # Errors
/// 422 naming `scopes` if there are none, or one may not be granted.
fn granted_scopes(asked: Option<Vec<Scope>>, grantable: Scopes) -> Result<Scopes, ApiError> {
    let Some(asked) = asked else { return Ok(grantable) };
    if let Some(missing) = asked.iter().find(|scope| !grantable.contains(**scope)) {
        let message = format!("the scope `{}` cannot be granted", missing.as_str());
        return Err(ApiError::invalid_field("scopes", message));
    }
    if asked.is_empty() {
        return Err(ApiError::invalid_field("scopes", "choose at least one scope".to_owned()));
    }
    Ok(asked.into())
}

/// Returns how long the previous secret is still accepted.
///
/// # Errors
/// 422 naming `overlap_seconds` if it is out of range.
fn overlap_of(rotation: Rotation) -> Result<SignedDuration, ApiError> {
    let seconds = rotation.overlap_seconds.unwrap_or(OVERLAP_SECONDS_DEFAULT);
    if (0..=OVERLAP_SECONDS_MAX).contains(&seconds) {
        return Ok(SignedDuration::from_secs(seconds));
    }
    let message = format!("the overlap must be 0 to {OVERLAP_SECONDS_MAX} seconds");
    Err(ApiError::invalid_field("overlap_seconds", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T>(outcome: Result<T, ApiError>, field: &str) {
        let refusal = outcome.err().unwrap();
        assert!(matches!(&refusal, ApiError::Rejected(wrong) if wrong.field == field), "{refusal}");
    }

    #[test]
    fn a_credential_grants_what_is_asked_for_and_may_be_granted() {
        let grantable = Scopes::from_iter([Scope::Read, Scope::Ingest]);
        assert_eq!(granted_scopes(None, grantable).unwrap(), grantable);
        let one = granted_scopes(Some(vec![Scope::Ingest, Scope::Ingest]), grantable).unwrap();
        assert_eq!(Vec::from(one), [Scope::Ingest]);
        refused(granted_scopes(Some(vec![]), grantable), "scopes");
        refused(granted_scopes(Some(vec![Scope::Read, Scope::Admin]), grantable), "scopes");
    }

    #[test]
    fn an_overlap_is_a_day_unless_another_is_chosen() {
        let overlap = |overlap_seconds| overlap_of(Rotation { overlap_seconds });
        assert_eq!(overlap(None).unwrap(), SignedDuration::from_hours(24));
        assert_eq!(overlap(Some(0)).unwrap(), SignedDuration::ZERO);
        assert_eq!(overlap(Some(30 * 86_400)).unwrap(), SignedDuration::from_hours(30 * 24));
        refused(overlap(Some(-1)), "overlap_seconds");
        refused(overlap(Some(30 * 86_400 + 1)), "overlap_seconds");
    }
}
