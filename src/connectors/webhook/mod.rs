//! Converts JSON that other systems deliver to posts: finds the items of a body, and maps their fields. Pure;
//! `http/sources/deliveries.rs` receives the bodies.

mod fields; // values of an item, as the types of a post's fields
pub mod items; // the items of a body, found without parsing the rest

use serde_json::Value;
use serde_json::value::RawValue;

use self::fields::Fields;
use crate::models::id::SourceId;
use crate::models::new_post::{self, Geo, NewPost, Rejection};
use crate::models::post::{Author, Engagement};
use crate::models::source::mapping::PostMapping;
use crate::models::source::{Network, SourceSettings};

/// Maximum size of an item in bytes. The longest text takes 120 KB if every character is escaped. A parsed item takes
/// up to sixteen times as much memory.
pub const ITEM_BYTES_MAX: usize = 256 * 1024;

/// Maximum length of a delivery's id in bytes, so that the ids of its posts take at most 256 bytes.
pub const DELIVERY_ID_BYTES_MAX: usize = 200;

/// Context in which an item is converted.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// Source to which it is delivered.
    pub source: SourceId,
    /// Id of the delivery, which stays the same when it is repeated; at most [`DELIVERY_ID_BYTES_MAX`] bytes.
    pub id: &'a str,
    /// Settings of the source.
    pub settings: &'a SourceSettings,
}

/// Converts an item to a post, without validating its values; see [`new_post::accept`]. `index` is its position in the
/// delivery.
///
/// # Errors
/// If it is too long, is not a JSON object, or a field has the wrong type. The error names the field of the post.
pub fn post_of(item: &RawValue, index: usize, delivery: &Delivery<'_>) -> Result<NewPost, Rejection> {
    let json = item.get().as_bytes();
    if json.len() > ITEM_BYTES_MAX {
        return Err(fields::reject("too_long", "", format!("an item can be at most {ITEM_BYTES_MAX} bytes")));
    }
    match &delivery.settings.mapping {
        Some(mapping) => mapped(&new_post::parse_value(json)?, mapping, index, delivery),
        None => new_post::parse(json),
    }
}

fn mapped(
    item: &Value,
    mapping: &PostMapping,
    index: usize,
    delivery: &Delivery<'_>,
) -> Result<NewPost, Rejection> {
    let fields = Fields(item);
    let platform = fields.text("platform", mapping.platform.as_ref())?;
    let platform = platform.or_else(|| delivery.settings.platform.clone());
    // Webhooks without a platform share one. Their systems may number posts and deliveries in the same way.
    let of_source = |id: String| if platform.is_some() { id } else { format!("{}/{id}", delivery.source) };
    let id = match &mapping.id {
        Some(pointer) => of_source(fields.required("id", pointer, fields.id("id", Some(pointer))?)?),
        None => format!("{}/{}/{index}", delivery.source, delivery.id),
    };
    let parent_id = fields.id("parent_id", mapping.parent_id.as_ref())?.map(of_source);
    Ok(NewPost {
        id,
        platform: platform.unwrap_or_else(|| Network::Webhook.as_str().to_owned()),
        text: fields.required("text", &mapping.text, fields.text("text", Some(&mapping.text))?)?,
        author: author(&fields, mapping)?,
        lang: fields.text("lang", mapping.lang.as_ref())?,
        created_at: fields.time("created_at", mapping.created_at.as_ref())?,
        original_created_at: None,
        geo: geo(&fields, mapping)?,
        product: fields.text("product", mapping.product.as_ref())?,
        channel: fields.text("channel", mapping.channel.as_ref())?,
        url: fields.text("url", mapping.url.as_ref())?,
        parent_id,
        engagement: engagement(&fields, mapping)?,
    })
}

fn author(fields: &Fields<'_>, mapping: &PostMapping) -> Result<Option<Author>, Rejection> {
    let Some(mapping) = &mapping.author else {
        return Ok(None);
    };
    let author = Author {
        id: fields.id("author.id", mapping.id.as_ref())?,
        handle: fields.text("author.handle", mapping.handle.as_ref())?,
        followers: fields.count("author.followers", mapping.followers.as_ref())?,
        location: fields.text("author.location", mapping.location.as_ref())?,
    };
    Ok((author != Author::default()).then_some(author))
}

fn geo(fields: &Fields<'_>, mapping: &PostMapping) -> Result<Option<Geo>, Rejection> {
    let Some(mapping) = &mapping.geo else {
        return Ok(None);
    };
    let geo = Geo {
        city: fields.text("geo.city", mapping.city.as_ref())?,
        country: fields.text("geo.country", mapping.country.as_ref())?,
        lat: fields.degrees("geo.lat", mapping.lat.as_ref())?,
        lon: fields.degrees("geo.lon", mapping.lon.as_ref())?,
    };
    Ok((geo != Geo::default()).then_some(geo))
}

fn engagement(fields: &Fields<'_>, mapping: &PostMapping) -> Result<Option<Engagement>, Rejection> {
    let Some(mapping) = &mapping.engagement else {
        return Ok(None);
    };
    let engagement = Engagement {
        likes: fields.count("engagement.likes", mapping.likes.as_ref())?,
        shares: fields.count("engagement.shares", mapping.shares.as_ref())?,
        comments: fields.count("engagement.comments", mapping.comments.as_ref())?,
        views: fields.count("engagement.views", mapping.views.as_ref())?,
    };
    Ok((engagement != Engagement::default()).then_some(engagement))
}

#[cfg(test)]
mod tests;
