//! Invitations to create an account.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::account::Email;
use super::id::InvitationId;
use super::plan::Plan;
use super::principal::Role;

/// Invitation that has been neither accepted nor revoked, without its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// Id of the invitation, as used in `/invitations/{id}`.
    pub id: InvitationId,
    /// Address of the account to create.
    pub email: Email,
    /// Role of the account to create.
    pub role: Role,
    /// Plan of the account to create.
    pub plan: Plan,
    /// Time at which the invitation was created.
    pub created_at: Timestamp,
    /// Name of the person or program that created the invitation; null if no name was given.
    pub created_by: Option<String>,
    /// Time at which the invitation expires.
    pub expires_at: Timestamp,
}

/// Invitation to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// Address of the account to create.
    pub email: Email,
    /// Role of the account to create.
    pub role: Role,
    /// Plan of the account to create; defaults to `free`.
    #[serde(default)]
    pub plan: Plan,
}
