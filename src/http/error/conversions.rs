//! Conversions from the errors of other modules.

use super::ApiError;
use crate::auth::AuthError;
use crate::models::new_post::Rejection;
use crate::store::StoreError;
use crate::stream::StreamError;
use crate::ws::Refusal;

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::WindowTooLong { seconds_max, .. } => {
                Self::WindowTooLong { hours: seconds_max / 3_600 }
            }
            StoreError::TooManyPosts { n_posts_max, .. } => Self::TooManyPosts { n_posts_max },
            StoreError::StepTooFine { steps_max } => Self::invalid(
                "step",
                format!("is too fine for this range, which can have at most {steps_max} steps"),
            ),
            StoreError::BadWindow => Self::invalid("from", "must be before `to`"),
            StoreError::UnknownChannel { .. } => Self::Rejected(Rejection {
                code: error.code(),
                field: "channels".to_owned(),
                message: error.to_string(),
            }),
            StoreError::BadCursor => Self::invalid("cursor", "must be the `next_cursor` of a previous page"),
            error if error.is_retryable() => Self::Unavailable { what: "PostgreSQL", why: error.to_string() },
            error => Self::internal(error),
        }
    }
}

impl From<StreamError> for ApiError {
    fn from(error: StreamError) -> Self {
        if error.is_unavailable() {
            return Self::Unavailable { what: "Redis", why: error.to_string() };
        }
        Self::internal(error)
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Store(error) => error.into(),
            AuthError::Stream(error) => error.into(),
            AuthError::Busy => Self::Busy { what: "too many people are signing in" },
            AuthError::NoSecretKey => Self::Conflict {
                code: "no_secret_key",
                message: "access tokens need a key that encrypts their keys; set GROUNDSWELL_SECRET_KEY"
                    .to_owned(),
            },
            AuthError::KeyGone => Self::CredentialEnded,
            AuthError::Hash(_) | AuthError::Signing(_) => Self::internal(error),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full { limit } => Self::TooManySockets { limit },
            Refusal::Stopping => Self::Unavailable { what: "the server", why: refusal.to_string() },
            Refusal::Busy => Self::Unavailable { what: "live delivery", why: refusal.to_string() },
            Refusal::Handshake(_) => Self::UpgradeRequired(refusal.to_string()),
        }
    }
}
