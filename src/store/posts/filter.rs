//! Filter on posts, shared by lists, exports, series and breakdowns.

use super::key_filter::{self, KeyFilter};
use super::search;
use super::values::Values;
use crate::models::score::SentimentLabel;

/// Filter on posts. Absent fields match every post; `""` matches posts without a product, channel, city, language or
/// author.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PostFilter {
    /// Text to search for, in web search syntax: `"a phrase"`, `or`, `-without`.
    pub q: Option<String>,
    /// Sources through which posts entered.
    pub source: KeyFilter,
    /// Platforms that posts are from.
    pub platform: KeyFilter,
    /// Products that posts mention. A post with several products has each of them.
    pub product: KeyFilter,
    /// Channels of posts.
    pub channel: KeyFilter,
    /// Cities that posts come from.
    pub city: KeyFilter,
    /// Sentiment labels that the model gave. Labels assigned by people are ignored; they are shown next to the model's
    /// but do not change any counts.
    pub label: KeyFilter<SentimentLabel>,
    /// Strongest emotions, among [`crate::models::score::EMOTIONS`].
    pub emotion: KeyFilter,
    /// Languages of posts.
    pub lang: KeyFilter,
    /// Authors of posts: the author's handle, or the id if there is no handle.
    pub author: KeyFilter,
    /// Keeps only posts with at least this predicted virality, 0 to 100.
    pub min_virality: Option<f32>,
    /// Keeps only posts with at least this churn risk, 0 to 1.
    pub min_churn: Option<f32>,
}

impl PostFilter {
    /// Returns the text to search for; `None` if there is none or it is blank.
    pub(in crate::store) fn words(&self) -> Option<&str> {
        self.q.as_deref().filter(|q| !q.trim().is_empty())
    }

    /// Returns whether the filter needs details that rollups do not contain. They contain only the source and one of
    /// product, platform, channel and city.
    pub(in crate::store) fn looks_into_posts(&self) -> bool {
        let Self { label, emotion, lang, author, min_virality, min_churn, .. } = self;
        self.words().is_some()
            || !label.is_empty()
            || !emotion.is_empty()
            || !lang.is_empty()
            || !author.is_empty()
            || min_virality.is_some()
            || min_churn.is_some()
    }
}

/// Expression for the author of a row of `post`; null if unknown. An index uses exactly this expression.
pub(in crate::store) const AUTHOR: &str = "coalesce(post.author_handle, post.author_id)";

/// Filter as SQL conditions, kept separately for the tables `post` and `score`. Absent fields add no condition, so the
/// server plans only for those present.
#[derive(Debug, Default)]
pub(in crate::store) struct Conditions {
    /// Conditions on `post`.
    pub of_post: Vec<String>,
    /// Conditions on `score`.
    pub of_score: Vec<String>,
    /// Whether the conditions on `score` include more than the event time.
    pub asks_scores: bool,
}

impl Conditions {
    pub(in crate::store) fn of(filter: &PostFilter, values: &mut Values) -> Self {
        let PostFilter { source, platform, product, channel, city, label, emotion, lang, author, .. } =
            filter;
        let mut all = Self::default();
        if let Some(q) = filter.words() {
            all.of_post.push(search::condition(q, values));
        }
        for (column, keys) in [
            ("post.source", source),
            ("post.platform", platform),
            ("post.channel", channel),
            ("post.city", city),
            ("post.lang", lang),
            (AUTHOR, author),
        ] {
            all.of_post.extend(key_filter::on_column(column, keys, values));
        }
        all.of_post.extend(key_filter::on_array("post.products", product, values));
        let texts =
            |labels: &[SentimentLabel]| labels.iter().map(|label| label.as_str().to_owned()).collect();
        let label = KeyFilter { any_of: texts(&label.any_of), none_of: texts(&label.none_of) };
        all.of_score.extend(key_filter::on_enum("score.label", "sentiment_label", &label, values));
        all.of_score.extend(key_filter::on_enum("score.emotion", "emotion_label", emotion, values));
        for (column, least) in [("virality", filter.min_virality), ("churn_risk", filter.min_churn)] {
            if let Some(least) = least {
                all.of_score.push(format!("score.{column} >= {}::real", values.bind(least)));
            }
        }
        all
    }

    /// Returns all conditions joined with `AND`, in a form that can follow `WHERE`.
    pub(in crate::store) fn all(&self) -> String {
        joined(self.of_post.iter().chain(&self.of_score))
    }
}

/// Joins conditions with `AND`, in a form that can follow `WHERE`.
pub(in crate::store) fn joined<'a>(conditions: impl IntoIterator<Item = &'a String>) -> String {
    let conditions: Vec<&str> = conditions.into_iter().map(String::as_str).collect();
    if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_input_never_becomes_text_of_a_statement() {
        const EVIL: &str = "x' OR '1'='1'; DROP TABLE models; --";
        let evil = || KeyFilter::new(&[EVIL.to_owned()], &[EVIL.to_owned()]);
        let filter = PostFilter {
            q: Some(EVIL.to_owned()),
            source: evil(),
            platform: evil(),
            product: evil(),
            channel: evil(),
            city: evil(),
            emotion: evil(),
            lang: evil(),
            author: evil(),
            ..PostFilter::default()
        };
        let mut values = Values::default();
        let sql = Conditions::of(&filter, &mut values).all();
        assert!(!sql.contains("DROP") && sql.contains("$17"), "{sql}");
        assert_eq!(values.as_params().len(), 17);
    }

    #[test]
    fn absent_fields_add_no_condition() {
        let mut values = Values::default();
        assert_eq!(Conditions::of(&PostFilter::default(), &mut values).all(), "true");
        let blank =
            PostFilter { q: Some("  ".to_owned()), city: KeyFilter::only(""), ..PostFilter::default() };
        assert_eq!(Conditions::of(&blank, &mut values).all(), "coalesce(post.city, '') = ''");
        assert!(values.as_params().is_empty() && !blank.looks_into_posts());
    }
}
