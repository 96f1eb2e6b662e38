//! The person that an API key, session or token belongs to.

use jiff::Timestamp;

use super::AuthError;
use crate::models::id::UserId;
use crate::models::principal::Identity;
use crate::store::Store;
use crate::store::credentials::api_keys;

/// Person that a principal belongs to, and how long its credential lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    /// The person who signed in, or the owner of the API key; `None` if the principal belongs to the installation.
    pub owner: Option<UserId>,
    /// When the API key expires, if it does.
    pub expires_at: Option<Timestamp>,
}

/// Returns the person that the principal with this identity belongs to.
///
/// # Errors
/// [`AuthError::KeyGone`] if the API key has ended, so that nothing is created with it any more.
pub async fn owner_of(store: &Store, identity: Identity, now: Timestamp) -> Result<Ownership, AuthError> {
    match identity {
        Identity::User(id) => Ok(Ownership { owner: Some(id), expires_at: None }),
        Identity::ApiKey(id) => {
            let key = api_keys::get(store, id).await?.filter(|key| !key.has_ended(now));
            let key = key.ok_or(AuthError::KeyGone)?;
            Ok(Ownership { owner: key.owner, expires_at: key.expires_at })
        }
        Identity::Operator | Identity::LocalOperator | Identity::Client(_) | Identity::ShareHolder(_) => {
            Ok(Ownership { owner: None, expires_at: None })
        }
    }
}
