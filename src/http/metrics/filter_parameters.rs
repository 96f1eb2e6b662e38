//! Query parameters that filter posts, shared by lists, exports, series and breakdowns.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::error::ApiError;
use crate::models::score::EMOTIONS;
use crate::store::posts::filter::PostFilter;

/// Maximum length of a search in characters. PostgreSQL matches every word of a search against every post.
pub const SEARCH_CHARS_MAX: usize = 500;

/// Strongest emotion of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum EmotionName {
    Anger,
    Disgust,
    Fear,
    Joy,
    Neutral,
    Sadness,
    Surprise,
}

/// Returns the names of emotions in the store, which has them in the same order.
pub fn names_of(emotions: &[EmotionName]) -> Vec<String> {
    emotions
        .iter()
        .filter_map(|emotion| EMOTIONS.get(*emotion as usize))
        .map(|name| (*name).to_owned())
        .collect()
}

/// Defines a struct of query parameters: those that filter posts, and the given ones. This is a macro because a
/// flattened struct cannot deny unknown fields, and unknown parameters must be rejected.
macro_rules! filter_parameters {
    ($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            /// Start of the range, by event time, in RFC 3339.
            from: Option<jiff::Timestamp>,
            /// End of the range, exclusive, in RFC 3339; defaults to now.
            to: Option<jiff::Timestamp>,
            /// Range that ends now, or calendar range in the time zone `tz`, instead of `from` and `to`. `week` and
            /// `month` are the current ones so far.
            window: Option<$crate::http::metrics::range::RangeName>,
            /// First day of the week; defaults to Monday.
            week_start: Option<$crate::http::metrics::range::WeekStart>,
            /// Search terms in web search syntax (`"a phrase"`, `or`, `-without`), with emoji and hashtags, at most 500
            /// characters.
            #[param(max_length = 500)]
            q: Option<String>,
            /// Source through which posts entered Groundswell, such as `http` or `replay`.
            #[serde(default)]
            #[param(max_items = 20)]
            source: Vec<String>,
            /// Source that posts must not come through.
            #[serde(default)]
            #[param(max_items = 20)]
            source_not: Vec<String>,
            /// Platform on which posts were published.
            #[serde(default)]
            #[param(max_items = 20)]
            platform: Vec<String>,
            /// Platform that posts must not be from.
            #[serde(default)]
            #[param(max_items = 20)]
            platform_not: Vec<String>,
            /// Product that posts must be about; the empty string selects posts about no product.
            #[serde(default)]
            #[param(max_items = 20)]
            product: Vec<String>,
            /// Product that posts must not be about, whatever else they are about.
            #[serde(default)]
            #[param(max_items = 20)]
            product_not: Vec<String>,
            /// Support or marketing channel of the posts; the empty string selects posts without one.
            #[serde(default)]
            #[param(max_items = 20)]
            channel: Vec<String>,
            /// Channel that posts must not have.
            #[serde(default)]
            #[param(max_items = 20)]
            channel_not: Vec<String>,
            /// City that posts come from; the empty string selects posts without one.
            #[serde(default)]
            #[param(max_items = 20)]
            city: Vec<String>,
            /// City that posts must not come from.
            #[serde(default)]
            #[param(max_items = 20)]
            city_not: Vec<String>,
            /// Sentiment label that the model gave the posts; corrections by people do not count.
            #[serde(default)]
            #[param(max_items = 20)]
            label: Vec<$crate::models::score::SentimentLabel>,
            /// Sentiment label that posts must not have.
            #[serde(default)]
            #[param(max_items = 20)]
            label_not: Vec<$crate::models::score::SentimentLabel>,
            /// Strongest emotion of the posts.
            #[serde(default)]
            #[param(max_items = 20)]
            emotion: Vec<$crate::http::metrics::filter_parameters::EmotionName>,
            /// Strongest emotion that posts must not have.
            #[serde(default)]
            #[param(max_items = 20)]
            emotion_not: Vec<$crate::http::metrics::filter_parameters::EmotionName>,
            /// Language of the posts as an ISO 639-1 code; the empty string selects posts in an unknown language.
            #[serde(default)]
            #[param(max_items = 20)]
            lang: Vec<String>,
            /// Language that posts must not be in.
            #[serde(default)]
            #[param(max_items = 20)]
            lang_not: Vec<String>,
            /// Author of the posts: the handle, or the id if no handle is known; the empty string selects posts with
            /// neither.
            #[serde(default)]
            #[param(max_items = 20)]
            author: Vec<String>,
            /// Author that posts must not be by.
            #[serde(default)]
            #[param(max_items = 20)]
            author_not: Vec<String>,
            /// Minimum predicted virality of the posts, 0 to 100.
            #[param(minimum = 0, maximum = 100)]
            min_virality: Option<f32>,
            /// Minimum churn risk of the posts, 0 to 1.
            #[param(minimum = 0, maximum = 1)]
            min_churn: Option<f32>,
            $($(#[$field_about])* $field: $type,)*
        }

        impl $name {
            fn filter(&self) -> Result<$crate::store::posts::filter::PostFilter, $crate::http::error::ApiError> {
                use $crate::http::metrics::filter_parameters::names_of;
                use $crate::store::posts::key_filter::KeyFilter;
                $crate::http::metrics::filter_parameters::checked($crate::store::posts::filter::PostFilter {
                    q: self.q.clone(),
                    source: KeyFilter::new(&self.source, &self.source_not),
                    platform: KeyFilter::new(&self.platform, &self.platform_not),
                    product: KeyFilter::new(&self.product, &self.product_not),
                    channel: KeyFilter::new(&self.channel, &self.channel_not),
                    city: KeyFilter::new(&self.city, &self.city_not),
                    label: KeyFilter::new(&self.label, &self.label_not),
                    emotion: KeyFilter::new(&names_of(&self.emotion), &names_of(&self.emotion_not)),
                    lang: KeyFilter::new(&self.lang, &self.lang_not),
                    author: KeyFilter::new(&self.author, &self.author_not),
                    min_virality: self.min_virality,
                    min_churn: self.min_churn,
                })
            }

            fn range(&self) -> $crate::http::metrics::range::RangeQuery {
                $crate::http::metrics::range::RangeQuery {
                    window: self.window,
                    from: self.from,
                    to: self.to,
                    week_start: self.week_start.unwrap_or_default(),
                }
            }
        }
    };
}
pub(in crate::http) use filter_parameters;

/// Validates the values of a filter.
///
/// # Errors
/// 400 naming the invalid parameter.
pub fn checked(filter: PostFilter) -> Result<PostFilter, ApiError> {
    if filter.q.as_ref().is_some_and(|q| q.chars().count() > SEARCH_CHARS_MAX) {
        return Err(ApiError::invalid("q", format!("must be at most {SEARCH_CHARS_MAX} characters")));
    }
    for (name, value, most) in
        [("min_virality", filter.min_virality, 100.0), ("min_churn", filter.min_churn, 1.0)]
    {
        if value.is_some_and(|value| !(0.0..=most).contains(&value)) {
            return Err(ApiError::invalid(name, format!("must be between 0 and {most}")));
        }
    }
    Ok(filter)
}
