//! What can be known of a post besides its score: language, place, products, reach.
//!
//! Pure: it asks nobody and remembers nothing, so the scoring threads share one [`Enricher`]. It runs for
//! every post, which is why the cheap questions come first everywhere.

mod gazetteer; // cities, countries and regions, and what they are called
mod language; // which language, by frequent words, then by whatlang
mod location; // what people write as their location
mod products; // which products, by keyword

use uuid::Uuid;

use crate::models::new_post::{AcceptedPost, Geo};
use crate::models::post::Post;

use gazetteer::{CITIES_WITHIN_KM, Gazetteer};
pub use language::detect as language_of;
use location::Place;
pub use products::ProductRule;
use products::Products;

/// What to look for.
#[derive(Debug, Clone, Default)]
pub struct EnricherParams {
    /// The products to find by keyword. Empty: only products that senders name.
    pub products: Vec<ProductRule>,
}

/// Derives from a post what its sender left out. What was sent always stands.
#[derive(Debug, Clone)]
pub struct Enricher {
    products: Products,
}

impl Enricher {
    /// Prepares the search for products.
    pub fn new(params: EnricherParams) -> Self {
        Self { products: Products::new(params.products) }
    }

    /// The post with everything derived, under a new uuid.
    ///
    /// Redelivered, it gets another uuid; the store keeps the one it knows.
    pub fn enrich(&self, accepted: AcceptedPost) -> Post {
        let AcceptedPost { source, received_at, post } = accepted;
        let products = self.products.find(&post.text, post.product.as_deref());
        let lang = match &post.lang {
            Some(tag) => language::primary(tag),
            None => language::detect(&post.text).map(str::to_owned),
        };
        let location = post.author.as_ref().and_then(|author| author.location.as_deref());
        let place = post.geo.map_or_else(|| location::read(location.unwrap_or_default()), place_of);
        // Views count who really saw it. Followers are who could have, which is the best guess without them.
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
            city: place.city,
            country: place.country,
            lat: place.lat,
            lon: place.lon,
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

/// The place that was sent, with coordinates, country or city filled in where the gazetteer knows them.
fn place_of(geo: Geo) -> Place {
    let gazetteer = Gazetteer::get();
    let mut place = Place {
        city: filled(geo.city),
        country: filled(geo.country).and_then(|country| gazetteer.country_code(&country)),
        lat: geo.lat,
        lon: geo.lon,
    };
    let found = match (&place.city, place.lat, place.lon) {
        (Some(city), _, _) => gazetteer.city_named(city, place.country.as_deref()),
        (None, Some(lat), Some(lon)) => gazetteer.city_near(lat, lon, CITIES_WITHIN_KM),
        _ => None,
    };
    let Some(found) = found else {
        return place;
    };
    // The name as sent stands, even where the gazetteer calls the city otherwise.
    place.city.get_or_insert_with(|| found.name.to_owned());
    place.country.get_or_insert_with(|| found.country.to_owned());
    if place.lat.is_none() || place.lon.is_none() {
        (place.lat, place.lon) = (Some(found.lat), Some(found.lon));
    }
    place
}

/// Without surrounding white space; nothing when nothing is left.
fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(|text| match text.trim().len() == text.len() {
        true => text,
        false => text.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests;
