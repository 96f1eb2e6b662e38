//! Sessions of the dashboard.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::{SessionId, UserId};

/// Session of the dashboard, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Id of the session. It opens nothing.
    pub id: SessionId,
    /// Person who signed in.
    pub user: UserId,
    /// Time of the sign-in.
    pub created_at: Timestamp,
    /// Time of the last request, to the minute.
    pub last_seen_at: Timestamp,
    /// Address from which the person signed in; null if it is unknown.
    #[schema(value_type = Option<String>, example = "192.0.2.7")]
    pub address: Option<IpAddr>,
    /// Browser that signed in, as it describes itself; null if it does not.
    pub agent: Option<String>,
}
