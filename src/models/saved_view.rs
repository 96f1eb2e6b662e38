//! Saved views: pages of the dashboard with their filters.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::ViewId;

/// Maximum length of a view's name in characters.
pub const NAME_CHARS_MAX: usize = 100;

/// Maximum length of a view's query in characters. Browsers accept longer URLs, but nobody shares them.
pub const QUERY_CHARS_MAX: usize = 4_000;

/// Page of the dashboard that a view opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ViewPage {
    /// The history page, `/explore`.
    Explore,
    /// The live page, `/`.
    Live,
}

impl ViewPage {
    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Explore => "explore",
            Self::Live => "live",
        }
    }
}

/// View as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedView {
    /// Id of the view, as used in `/views/{id}`.
    pub id: ViewId,
    /// Display name; need not be unique.
    pub name: String,
    /// Page of the dashboard that the view opens.
    pub page: ViewPage,
    /// Query part of the page's URL, after `?`.
    pub query: String,
    /// Time at which the view was created.
    pub created_at: Timestamp,
    /// Time at which the view was last replaced.
    pub updated_at: Timestamp,
    /// Name of the person or program that created the view; null if no name was given.
    pub created_by: Option<String>,
    /// Name of the person or program that last changed the view; null if no name was given.
    pub updated_by: Option<String>,
}

/// View to save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewView {
    /// Display name, 1 to 100 characters on one line.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
    )]
    pub name: String,
    /// Page of the dashboard that the view opens.
    pub page: ViewPage,
    /// Query part of the page's URL, after `?`, at most 4,000 characters.
    #[schema(max_length = 4000, pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$")]
    pub query: String,
}
