//! Credentials of programs: API keys and clients. None of these types contains a secret unless it says so.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::{ApiKeyId, ClientId, UserId};
use super::plan::Plan;
use super::principal::{Role, Scope, Scopes};

/// Maximum length of the name of a credential in characters.
pub const NAME_CHARS_MAX: usize = 100;

/// Overlap of a rotation in seconds, if the request names none: a day to bring the new secret to every program.
pub const OVERLAP_SECONDS_DEFAULT: i64 = 86_400;

/// Longest overlap of a rotation in seconds: 30 days.
pub const OVERLAP_SECONDS_MAX: i64 = 30 * 86_400;

/// API key as stored, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    /// Id of the key, which is also part of its text.
    pub id: ApiKeyId,
    /// Account that the key belongs to; null if it belongs to the installation.
    pub owner: Option<UserId>,
    /// Display name; need not be unique.
    pub name: String,
    /// Kinds of access that the key grants, within the role of its owner.
    #[schema(value_type = Vec<Scope>)]
    pub scopes: Scopes,
    /// Time at which the key was created.
    pub created_at: Timestamp,
    /// Name of the person who created the key; null if it is not known.
    pub created_by: Option<String>,
    /// Time from which the key is refused; null if it does not expire.
    pub expires_at: Option<Timestamp>,
    /// Time of the last call with the key, up to 10 seconds late; null if there was none.
    pub last_used_at: Option<Timestamp>,
    /// Time at which the key was revoked; null if it was not.
    pub revoked_at: Option<Timestamp>,
    /// Key that this one replaces; null if it replaces none.
    pub rotated_from: Option<ApiKeyId>,
}

impl ApiKey {
    /// Returns whether the key has been revoked or has expired.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.revoked_at.is_some() || self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}

/// API key to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// Display name, 1 to 100 characters on one line.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub name: String,
    /// Kinds of access that the key grants: at most those of the caller, which are also the default.
    #[serde(default)]
    #[schema(min_items = 1)]
    pub scopes: Option<Vec<Scope>>,
    /// Time from which the key is refused, in the future; by default the key does not expire.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// Created API key: the only response that contains the key itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedApiKey {
    /// Key as listed.
    #[serde(flatten)]
    pub api_key: ApiKey,
    /// Text to present: `gsk_<id>_<secret>`. It is not stored and cannot be shown again.
    pub key: String,
}

/// Rotation of an API key or of the secret of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// How long the previous secret is still accepted, in seconds, at most 30 days. The default is one day.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 2_592_000)]
    pub overlap_seconds: Option<i64>,
}

/// Calls with an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKeyUsage {
    /// Time of the last call; null if there was none.
    pub last_used_at: Option<Timestamp>,
    /// Days with calls, newest first.
    pub days: Vec<DayOfUsage>,
}

/// Calls with an API key on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DayOfUsage {
    /// Day in UTC.
    pub day: Date,
    /// Number of calls.
    pub n_calls: i64,
}

/// Program with a role of its own, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Client {
    /// Id of the client, which it presents as `client_id`.
    pub id: ClientId,
    /// Display name; need not be unique.
    pub name: String,
    /// Role of the client.
    pub role: Role,
    /// Kinds of access that the client has, within its role.
    #[schema(value_type = Vec<Scope>)]
    pub scopes: Scopes,
    /// Plan whose limits apply.
    pub plan: Plan,
    /// Time at which the client was created.
    pub created_at: Timestamp,
    /// Name of the person who created the client; null if it is not known.
    pub created_by: Option<String>,
    /// Time at which the client last got a token; null if it never did.
    pub last_used_at: Option<Timestamp>,
    /// Time until which the previous secret is accepted as well; null if it is not.
    pub previous_secret_expires_at: Option<Timestamp>,
}

/// Client to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Display name, 1 to 100 characters on one line.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub name: String,
    /// Role of the client.
    pub role: Role,
    /// Kinds of access that the client has: at most those of its role, which are also the default.
    #[serde(default)]
    #[schema(min_items = 1)]
    pub scopes: Option<Vec<Scope>>,
    /// Plan whose limits apply; `free` by default.
    #[serde(default)]
    pub plan: Plan,
}

/// Created client, or one with a new secret: the only responses that contain a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevealedClient {
    /// Client as listed.
    #[serde(flatten)]
    pub client: Client,
    /// Secret to present as `client_secret`. It is not stored and cannot be shown again.
    pub client_secret: String,
}
