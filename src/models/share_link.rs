//! Share links: read-only views of the dashboard for people without the API token.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::ShareLinkId;
use super::saved_view::ViewPage;

/// Shortest lifetime of a link in seconds: one hour.
pub const LIFETIME_SECONDS_MIN: i64 = 3_600;

/// Longest lifetime of a link in seconds: 90 days.
pub const LIFETIME_SECONDS_MAX: i64 = 90 * 86_400;

/// Share link as stored, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShareLink {
    /// Id of the link, as used in `/share-links/{id}`.
    pub id: ShareLinkId,
    /// Display name, shown on the shared page.
    pub name: String,
    /// Page of the dashboard whose figures are shared.
    pub page: ViewPage,
    /// Period and filters of the shared view, as a query string. A holder of the link sees exactly these.
    pub query: String,
    /// Time at which the link was created.
    pub created_at: Timestamp,
    /// Name of the person who created the link, as given; null if no name was given.
    pub created_by: Option<String>,
    /// Time from which the link is refused.
    pub expires_at: Timestamp,
}

/// Share link to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShareLink {
    /// Display name, 1 to 100 characters on one line.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
    )]
    pub name: String,
    /// Page of the dashboard to share.
    pub page: ViewPage,
    /// Query part of the page's URL, after `?`, at most 4,000 characters. Parts that do not select posts, such as the
    /// selected post, are dropped.
    #[schema(max_length = 4000, pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$")]
    pub query: String,
    /// Lifetime of the link in seconds: one hour to 90 days.
    #[schema(minimum = 3600, maximum = 7_776_000)]
    pub expires_in_seconds: i64,
}

/// Response to a created link, the only one that contains its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedShareLink {
    /// Link as listed.
    pub link: ShareLink,
    /// Token that opens the view: `/shared#<token>`. It is not stored and cannot be shown again.
    pub token: String,
}

/// View that a share link opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharedView {
    /// Display name of the link.
    pub name: String,
    /// Page of the dashboard whose figures are shared.
    pub page: ViewPage,
    /// Period and filters of the view, as a query string.
    pub query: String,
    /// Time from which the link is refused.
    pub expires_at: Timestamp,
}
