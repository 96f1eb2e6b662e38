//! Who may call: what callers present, and what the identities behind it may do right now and how often;
//! and what they did. Knows nothing of HTTP.

pub mod audit; // the audit log
pub mod accounts; // signing in with a password, setting up
pub mod administration; // what admins do with accounts
pub mod links; // invitations and password resets
pub mod authenticator; // from a credential to its principal
pub mod standing; // what identities may do right now
mod standing_answers; // what is remembered of that
pub mod actor_names; // names under which changes are recorded
pub mod open_access; // whether a credential is needed at all
pub mod mail_queue; // letters about accounts
pub mod one_time_token; // tokens of links that work once
pub mod access_token; // access tokens: JWTs
pub mod api_key; // API keys
pub mod credentials; // credentials of programs, exchanged for tokens
mod ed25519; // signatures of access tokens
pub mod key_usage; // calls per API key, in batches
mod keyed_digest; // digests of remembered credentials
pub mod limits; // rate limits
pub mod patience; // how long answers count, and requests wait for new ones
pub mod password; // hashing of passwords, and which passwords are accepted
pub mod owner; // the person that a key, session or token belongs to
pub mod program_secret; // hashed secrets of programs
pub mod refresh; // refresh tokens
pub mod secret; // random secrets and their digests
pub mod signing_keys; // keys that sign access tokens

use crate::store::StoreError;
use crate::stream::StreamError;

/// Reason why a credential could not be checked or created. Only [`Self::KeyGone`] means that the credential is no longer
/// valid; every other reason is a failure of the server, and the credential may be valid.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// PostgreSQL cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Redis cannot be asked.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Too many passwords are waiting to be hashed.
    #[error("too many sign-ins at once")]
    Busy,
    /// There is no key that outlives the process and encrypts the keys of access tokens.
    #[error("no key encrypts the keys of access tokens")]
    NoSecretKey,
    /// An access token cannot be signed.
    #[error("cannot sign an access token: {0}")]
    Signing(String),
    /// The API key of the caller has ended.
    #[error("the API key has ended")]
    KeyGone,
    /// A secret cannot be hashed, or a stored hash is malformed.
    #[error("cannot hash a secret: {0}")]
    Hash(String),
}
