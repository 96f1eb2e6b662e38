//! Enrichment: adds what a post's sender left out, namely its language, location, products and reach.
//!
//! Pure: no I/O, and no state but the topics, which can be replaced at any time. The scoring threads share one
//! [`Enricher`]. It runs on every post, so each step tries the cheapest way first.

mod gazetteer; // cities, countries and regions by name
mod language; // language detection by frequent words, then by whatlang
mod location; // parser of free-text locations
mod products; // products by keyword
mod topic_history; // products of stored posts

use std::sync::{Arc, PoisonError, RwLock};

use crate::models::id::PostId;
use crate::models::new_post::{AcceptedPost, Geo};
use crate::models::post::Post;
use crate::topics::{NamedTopics, PreparedText, Subject};

use gazetteer::Gazetteer;
pub use gazetteer::{CITIES_WITHIN_KM, distance_km};
pub use language::detect as language_of;
pub use location::{Location, read as place_of};
pub use products::ProductRule;
use products::Products;
pub use topic_history::TopicHistory;

/// Configuration of an [`Enricher`].
#[derive(Debug, Clone, Default)]
pub struct EnricherParams {
    /// Products to look for in texts. If there are none, only products that senders name are recorded.
    pub products: Vec<ProductRule>,
}

/// Derives the fields that a post's sender left out. Values that the sender provided are kept.
#[derive(Debug)]
pub struct Enricher {
    products: Products,
    topics: RwLock<Arc<NamedTopics>>,
}

impl Enricher {
    /// Creates an enricher without topics, which compiles the keywords of all products into one search.
    pub fn new(params: EnricherParams) -> Self {
        let topics = RwLock::new(Arc::new(NamedTopics::compile(Vec::new())));
        Self { products: Products::new(params.products), topics }
    }

    /// Replaces the topics that posts are matched against.
    pub fn set_topics(&self, topics: NamedTopics) {
        *self.topics.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(topics);
    }

    /// Returns the post with all derived fields and a new UUID.
    ///
    /// A redelivered post gets another UUID; the store keeps the first one.
    pub fn enrich(&self, accepted: AcceptedPost) -> Post {
        let AcceptedPost { source, connector, received_at, post } = accepted;
        let lang = match &post.lang {
            Some(tag) => language::primary(tag),
            None => language::detect(&post.text).map(str::to_owned),
        };
        let location = post.author.as_ref().and_then(|author| author.location.as_deref());
        let found_location =
            post.geo.map_or_else(|| location::read(location.unwrap_or_default()), location_of);
        let mut products = self.products.find(&post.text, post.product.as_deref());
        let mut found_by_topics = Vec::new();
        let topics = Arc::clone(&self.topics.read().unwrap_or_else(PoisonError::into_inner));
        if !topics.is_empty() {
            let subject = Subject {
                text: &PreparedText::new(&post.text),
                lang: lang.as_deref(),
                platform: &post.platform,
                author_handle: post.author.as_ref().and_then(|author| author.handle.as_deref()),
                author_id: post.author.as_ref().and_then(|author| author.id.as_deref()),
                country: found_location.country.as_deref(),
            };
            found_by_topics = add_topics(&mut products, &topics, &subject);
        }
        // Views count actual viewers, followers potential ones. Without views, followers are the best available
        // estimate.
        let views = post.engagement.and_then(|engagement| engagement.views);
        let followers = post.author.as_ref().and_then(|author| author.followers);
        Post {
            uuid: PostId::now_v7(),
            id: post.id,
            platform: post.platform,
            text: post.text,
            lang,
            created_at: post.created_at.unwrap_or(received_at),
            received_at,
            original_created_at: post.original_created_at,
            source,
            connector,
            city: found_location.city,
            country: found_location.country,
            lat: found_location.lat,
            lon: found_location.lon,
            products,
            topics: found_by_topics,
            channel: filled(post.channel),
            url: post.url,
            parent_id: filled(post.parent_id),
            reach: views.or(followers).unwrap_or(0),
            engagement: post.engagement,
            author: post.author,
        }
    }
}

/// Adds the topics that a post matches to its products, which stay sorted and without duplicates. A product that the
/// sender named like a topic, ignoring case, takes the topic's name. Returns the topics that were not among the
/// products.
fn add_topics(products: &mut Vec<String>, topics: &NamedTopics, subject: &Subject<'_>) -> Vec<String> {
    for product in products.iter_mut() {
        if let Some(name) = topics.named(product) {
            name.clone_into(product);
        }
    }
    let mut found: Vec<String> = topics.of(subject).into_iter().map(str::to_owned).collect();
    found.retain(|name| !products.contains(name));
    found.sort_unstable();
    products.extend_from_slice(&found);
    products.sort_unstable();
    products.dedup();
    found
}

/// Returns the location that the sender provided, with coordinates, country or city filled in from the gazetteer.
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
        (None, Some(lat), Some(lon)) => gazetteer.city_near(lat, lon),
        _ => None,
    };
    let Some(found) = found else {
        return found_location;
    };
    // The name that was sent is kept, even if the gazetteer has another name for the city.
    found_location.city.get_or_insert_with(|| found.key.to_owned());
    found_location.country.get_or_insert_with(|| found.country.to_owned());
    if found_location.lat.is_none() || found_location.lon.is_none() {
        (found_location.lat, found_location.lon) =
            (Some(location::degrees(found.lat)), Some(location::degrees(found.lon)));
    }
    found_location
}

/// Trims white space, and returns `None` if nothing is left.
fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(|text| match text.trim().len() == text.len() {
        true => text,
        false => text.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests;
