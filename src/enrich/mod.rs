//! Enrichment of posts beyond their scores: language, location, products, reach.
//!
//! Pure: no I/O and no state, so the scoring threads share one [`Enricher`]. It runs for every post, so every check
//! tries the cheap way first.

mod gazetteer; // cities, countries and regions by name
mod language; // language detection by frequent words, then by whatlang
mod location; // parser of free-text locations
mod products; // products by keyword

use uuid::Uuid;

use crate::models::new_post::{AcceptedPost, Geo};
use crate::models::post::Post;

use gazetteer::{CITIES_WITHIN_KM, Gazetteer};
pub use language::detect as language_of;
use location::Location;
pub use products::ProductRule;
use products::Products;

/// Settings of an enricher.
#[derive(Debug, Clone, Default)]
pub struct EnricherParams {
    /// Products to find by keyword. If empty, only products that senders name are recorded.
    pub products: Vec<ProductRule>,
}

/// Derives the fields that a post's sender omitted. Values that were sent are kept.
#[derive(Debug, Clone)]
pub struct Enricher {
    products: Products,
}

impl Enricher {
    /// Prepares the search for products.
    pub fn new(params: EnricherParams) -> Self {
        Self { products: Products::new(params.products) }
    }

    /// Returns the post with all derived fields and a new uuid.
    ///
    /// A redelivered post gets another uuid; the store keeps the first.
    pub fn enrich(&self, accepted: AcceptedPost) -> Post {
        let AcceptedPost { source, received_at, post } = accepted;
        let products = self.products.find(&post.text, post.product.as_deref());
        let lang = match &post.lang {
            Some(tag) => language::primary(tag),
            None => language::detect(&post.text).map(str::to_owned),
        };
        let location = post.author.as_ref().and_then(|author| author.location.as_deref());
        let found_location =
            post.geo.map_or_else(|| location::read(location.unwrap_or_default()), location_of);
        // Views count actual viewers, followers potential ones. Without views, followers are the best available
        // estimate.
        let views = post.engagement.and_then(|engagement| engagement.views);
        let followers = post.author.as_ref().and_then(|author| author.followers);
        Post {
            uuid: Uuid::now_v7(),
            id: post.id,
            platform: post.platform,
            text: post.text,
            lang,
            created_at: post.created_at.unwrap_or(received_at),
            received_at,
            original_created_at: post.original_created_at,
            source,
            city: found_location.city,
            country: found_location.country,
            lat: found_location.lat,
            lon: found_location.lon,
            products,
            channel: filled(post.channel),
            url: post.url,
            parent_id: filled(post.parent_id),
            reach: views.or(followers).unwrap_or(0),
            engagement: post.engagement,
            author: post.author,
        }
    }
}

/// Returns the sent location, with coordinates, country or city filled in from the gazetteer.
fn location_of(geo: Geo) -> Location {
    let gazetteer = Gazetteer::get();
    let mut found_location = Location {
        city: filled(geo.city),
        country: filled(geo.country).and_then(|country| gazetteer.country_code(&country)),
        lat: geo.lat,
        lon: geo.lon,
    };
    let found = match (&found_location.city, found_location.lat, found_location.lon) {
        (Some(city), _, _) => gazetteer.city_named(city, found_location.country.as_deref()),
        (None, Some(lat), Some(lon)) => gazetteer.city_near(lat, lon, CITIES_WITHIN_KM),
        _ => None,
    };
    let Some(found) = found else {
        return found_location;
    };
    // The name that was sent is kept, even if the gazetteer has another name for the city.
    found_location.city.get_or_insert_with(|| found.name.to_owned());
    found_location.country.get_or_insert_with(|| found.country.to_owned());
    if found_location.lat.is_none() || found_location.lon.is_none() {
        (found_location.lat, found_location.lon) = (Some(found.lat), Some(found.lon));
    }
    found_location
}

/// Trims white space and returns `None` for an empty text.
fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(|text| match text.trim().len() == text.len() {
        true => text,
        false => text.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests;
