//! Annotations: notes that people attach to a point or a span of time, such as a launch or a campaign.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::AnnotationId;

/// Maximum length of an annotation's text in characters. It is shown in a tooltip.
pub const TEXT_CHARS_MAX: usize = 200;

/// Maximum length of a product's name in bytes, as in posts.
pub const PRODUCT_BYTES_MAX: usize = 128;

/// Annotation as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Annotation {
    /// Id of the annotation, as used in `/annotations/{id}`.
    pub id: AnnotationId,
    /// Description of what happened.
    pub text: String,
    /// Point in time, or start of the span.
    pub starts_at: Timestamp,
    /// End of the span; null for a point in time.
    pub ends_at: Option<Timestamp>,
    /// Product that the annotation is about; null if it concerns all posts.
    pub product: Option<String>,
    /// Name of the person or program that created the annotation; null if unknown.
    pub created_by: Option<String>,
    /// Name of the person or program that last changed the annotation; null if unknown.
    pub updated_by: Option<String>,
    /// Time at which the annotation was created.
    pub created_at: Timestamp,
    /// Time at which the annotation was last changed.
    pub updated_at: Timestamp,
}

/// Annotation to create, or its new content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAnnotation {
    /// Description of what happened, 1 to 200 characters on one line.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
    )]
    pub text: String,
    /// Point in time, or start of the span, within the years 1970 to 9999.
    pub starts_at: Timestamp,
    /// End of the span, after its start; absent or null for a point in time.
    pub ends_at: Option<Timestamp>,
    /// Product that the annotation is about, at most 128 bytes; absent or null if it concerns all posts.
    #[schema(
        min_length = 1,
        max_length = 128,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
    )]
    pub product: Option<String>,
}
