//! Person for whom a principal acts.

use super::AuthError;
use crate::models::id::UserId;
use crate::models::principal::Identity;
use crate::store::Store;
use crate::store::credentials::api_keys;

/// Returns the person for whom the principal with this identity acts: the person itself, or the owner of an API key. `None`
/// if it acts for the installation.
///
/// # Errors
/// [`AuthError::KeyGone`] if the API key no longer exists, so nothing is created without an owner that should have one.
pub async fn owner_of(store: &Store, identity: Identity) -> Result<Option<UserId>, AuthError> {
    match identity {
        Identity::User(id) => Ok(Some(id)),
        Identity::ApiKey(id) => {
            let key = api_keys::get(store, id).await?;
            Ok(key.ok_or(AuthError::KeyGone)?.owner)
        }
        Identity::Operator | Identity::LocalOperator | Identity::Client(_) | Identity::ShareHolder(_) => {
            Ok(None)
        }
    }
}
