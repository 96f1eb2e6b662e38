//! What a sender may send.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::post::{Author, Engagement};

/// Where a post was written, as sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Geo {
    /// The city's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// ISO 3166-1 alpha-2 country, or its English name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Latitude in degrees, −90 to 90.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Longitude in degrees, −180 to 180.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lon: Option<f64>,
}

/// A post as it is sent. Unknown fields are rejected by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPost {
    /// The post's id at its platform, 1 to 256 bytes.
    pub id: String,
    /// The platform, `[a-z0-9_.-]{1,32}`.
    pub platform: String,
    /// What was said, 1 to 10,000 characters without NUL.
    pub text: String,
    /// Who said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// ISO 639-1 language; detected when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// Event time, RFC 3339; the time of acceptance when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it was really written, where `created_at` was moved by a replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_created_at: Option<Timestamp>,
    /// Where it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geo: Option<Geo>,
    /// The product it is about; others are found by keyword.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The support or marketing channel it came through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Where it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The id of the post it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Counts at the time of sending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engagement: Option<Engagement>,
}
