//! A page of the dashboard as somebody wants to see it again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Most characters of a view's name.
pub const NAME_CHARS_MAX: usize = 100;

/// Most characters of a view's query. Browsers and servers take longer addresses, people do not share them.
pub const QUERY_CHARS_MAX: usize = 4_000;

/// Which page a view is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ViewPage {
    /// History.
    Explore,
    /// What happens now.
    Live,
}

impl ViewPage {
    /// The name as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Explore => "explore",
            Self::Live => "live",
        }
    }
}

/// A saved view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedView {
    /// Its name for programs.
    pub id: Uuid,
    /// Its name for people; several may have the same.
    pub name: String,
    /// Which page it is of.
    pub page: ViewPage,
    /// The page's part of the address after `?`.
    pub query: String,
    /// When it was saved first.
    pub created_at: Timestamp,
    /// When it was last saved.
    pub updated_at: Timestamp,
}

/// A view to save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewView {
    /// Its name for people, 1 to 100 characters on one line.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub name: String,
    /// Which page it is of.
    pub page: ViewPage,
    /// The page's part of the address after `?`, at most 4,000 characters.
    #[schema(max_length = 4000, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    pub query: String,
}
