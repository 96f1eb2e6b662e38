//! Ids of the things that Groundswell stores, one type per kind, so that two kinds of ids cannot be confused.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Defines an id type. An id is sent, stored and printed as the UUID that it wraps.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Creates an id. Later ids sort after earlier ones.
            pub fn now_v7() -> Self {
                Self(Uuid::now_v7())
            }

            /// Returns the id with this value.
            pub const fn from_u128(value: u128) -> Self {
                Self(Uuid::from_u128(value))
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }
    };
}

id!(
    /// Groundswell's own id for a post.
    PostId
);

id!(
    /// Id of an entry of the audit log.
    AuditId
);

id!(
    /// Id of an alert, as used in `/alerts/{id}`.
    AlertId
);

id!(
    /// Id of an alert rule, as used in `/alert-rules/{id}`; the ids of built-in rules never change.
    RuleId
);

id!(
    /// Id of a silence, as used in `/silences/{id}`.
    SilenceId
);

id!(
    /// Id of a notification channel, as used in `/notification-channels/{id}`.
    ChannelId
);

id!(
    /// Id of a notification in the delivery history.
    NotificationId
);

id!(
    /// Id of a message, which gathers one or more notifications.
    MessageId
);

id!(
    /// Id of a service alert, the same whenever its condition recurs.
    ServiceAlertId
);

id!(
    /// Id of a source, as used in `/sources/{id}`.
    SourceId
);

id!(
    /// Id of a topic, as used in `/topics/{id}`.
    TopicId
);

id!(
    /// Id of a job that applies a topic to stored posts, as used in `/topics/{id}/history/{job}`.
    TopicJobId
);

id!(
    /// Id of a saved view, as used in `/views/{id}`.
    ViewId
);

id!(
    /// Id of a share link, as used in `/share-links/{id}`.
    ShareLinkId
);

id!(
    /// Id of an annotation, as used in `/annotations/{id}`.
    AnnotationId
);

id!(
    /// Id of a scheduled report, as used in `/reports/{id}`.
    ReportId
);

id!(
    /// Id of one run of a report, as used in `/report-runs/{id}.html`.
    ReportRunId
);

id!(
    /// Id of an account, as used in `/users/{id}`.
    UserId
);

id!(
    /// Id of a session of the dashboard, as used in `/sessions/{id}`. It identifies a session and opens none.
    SessionId
);

id!(
    /// Id of an API key, as used in `/api-keys/{id}`.
    ApiKeyId
);

id!(
    /// Id of a client, as used in `/clients/{id}`.
    ClientId
);

id!(
    /// Id of an invitation, as used in `/invitations/{id}`.
    InvitationId
);

id!(
    /// Id of a family of refresh tokens: a sign-in of a program, with all tokens that it was ever issued.
    TokenFamilyId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_and_read_as_its_uuid() {
        let text = "01930000-0000-7000-8000-000000000001";
        let id: PostId = text.parse().unwrap();
        assert_eq!((id.to_string(), serde_json::to_value(id).unwrap()), (text.to_owned(), text.into()));
        assert_eq!(id, PostId::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001));
        assert_eq!(PostId::from(Uuid::from(id)), id);
        assert!("not-a-uuid".parse::<PostId>().is_err());
    }
}
