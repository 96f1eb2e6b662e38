//! What a post says of itself without saying it: language, place, products, reach.

use uuid::Uuid;

use crate::models::post::{AcceptedPost, Post};

/// A product and the words that name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductRule {
    /// What it is called in rollups.
    pub name: String,
    /// Words that mean it.
    pub keywords: Vec<String>,
}

/// What an enricher looks for.
#[derive(Debug, Clone, Default)]
pub struct EnricherParams {
    /// Products found by keyword.
    pub products: Vec<ProductRule>,
}

/// Turns an accepted post into one with everything derived.
pub struct Enricher;

impl Enricher {
    /// An enricher for these rules.
    pub fn new(_: EnricherParams) -> Self {
        Self
    }

    /// Derives what the sender left out.
    pub fn enrich(&self, accepted: AcceptedPost) -> Post {
        let AcceptedPost { source, received_at, post } = accepted;
        let geo = post.geo.unwrap_or_default();
        let followers = post.author.as_ref().and_then(|author| author.followers);
        let views = post.engagement.and_then(|engagement| engagement.views);
        Post {
            uuid: Uuid::now_v7(),
            id: post.id,
            platform: post.platform,
            text: post.text,
            author: post.author,
            lang: post.lang,
            created_at: post.created_at.unwrap_or(received_at),
            received_at,
            original_created_at: post.original_created_at,
            source,
            city: geo.city,
            country: geo.country,
            lat: geo.lat,
            lon: geo.lon,
            products: post.product.into_iter().collect(),
            channel: post.channel,
            url: post.url,
            parent_id: post.parent_id,
            reach: views.or(followers).unwrap_or(0),
            engagement: post.engagement,
        }
    }
}
