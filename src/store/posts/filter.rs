//! Post filter, shared by lists, exports, series and breakdowns.

use tokio_postgres::types::ToSql;

use crate::models::score::SentimentLabel;

/// Post filter. Absent fields match every post; `""` matches posts without a product, channel, city, language or author.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PostFilter {
    /// Text to search for, in web search syntax: `"a phrase"`, `or`, `-without`.
    pub q: Option<String>,
    /// Source of the post.
    pub source: Option<String>,
    /// Platform of the post.
    pub platform: Option<String>,
    /// Product that the post mentions.
    pub product: Option<String>,
    /// Channel of the post.
    pub channel: Option<String>,
    /// City of the post.
    pub city: Option<String>,
    /// Sentiment label assigned by the model. A person's correction is shown next to it but does not change any counts.
    pub label: Option<SentimentLabel>,
    /// Strongest emotion of the post, one of [`crate::models::score::EMOTIONS`].
    pub emotion: Option<String>,
    /// Language of the post.
    pub lang: Option<String>,
    /// Author's handle, or the author's id if there is no handle.
    pub author: Option<String>,
    /// Minimum predicted virality, 0 to 100.
    pub min_virality: Option<f32>,
    /// Minimum churn risk, 0 to 1.
    pub min_churn: Option<f32>,
}

impl PostFilter {
    /// Returns the text to search for, unless it is blank.
    pub(in crate::store) fn words(&self) -> Option<&str> {
        self.q.as_deref().filter(|q| !q.trim().is_empty())
    }

    /// Returns whether the filter needs more than rollups contain, which is the source and one of product, platform, channel
    /// and city.
    pub(in crate::store) fn looks_into_posts(&self) -> bool {
        let Self { label, emotion, lang, author, min_virality, min_churn, .. } = self;
        self.words().is_some()
            || label.is_some()
            || emotion.is_some()
            || lang.is_some()
            || author.is_some()
            || min_virality.is_some()
            || min_churn.is_some()
    }
}

/// Author in a row of `post`; null if unknown. An index uses exactly this expression.
pub(in crate::store) const AUTHOR: &str = "coalesce(post.author_handle, post.author_id)";

/// Parameters of a statement that is built from parts.
///
/// User input never becomes part of a statement's text: [`Values::bind`] returns the placeholder to write instead.
#[derive(Default)]
pub(in crate::store) struct Values(Vec<Box<dyn ToSql + Sync + Send>>);

impl Values {
    /// Adds a parameter and returns its placeholder.
    pub(in crate::store) fn bind(&mut self, value: impl ToSql + Sync + Send + 'static) -> String {
        self.0.push(Box::new(value));
        format!("${}", self.0.len())
    }

    /// Returns the parameters in the form that the driver takes.
    pub(in crate::store) fn as_params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.0.iter().map(|value| value.as_ref() as &(dyn ToSql + Sync)).collect()
    }
}

/// Filter conditions, kept separately for the tables `post` and `score`. Absent fields add no condition, so the server plans
/// only for those present.
#[derive(Debug, Default)]
pub(in crate::store) struct Conditions {
    /// Conditions on posts.
    pub of_post: Vec<String>,
    /// Conditions on scores.
    pub of_score: Vec<String>,
    /// Whether the score conditions include more than the time.
    pub asks_scores: bool,
}

impl Conditions {
    pub(in crate::store) fn of(filter: &PostFilter, values: &mut Values) -> Self {
        let PostFilter { source, platform, product, channel, city, label, emotion, lang, author, .. } =
            filter;
        let mut all = Self::default();
        if let Some(q) = filter.words() {
            let q = values.bind(q.to_owned());
            all.of_post.push(format!(
                "to_tsvector('simple', post.text) @@ websearch_to_tsquery('simple', {q}::text)"
            ));
        }
        for (column, value) in [("post.source", source), ("post.platform", platform)] {
            if let Some(value) = value {
                all.of_post.push(format!("{column} = {}::text", values.bind(value.clone())));
            }
        }
        for (column, value) in
            [("post.channel", channel), ("post.city", city), ("post.lang", lang), (AUTHOR, author)]
        {
            match value.as_deref() {
                None => {}
                Some("") => all.of_post.push(format!("coalesce({column}, '') = ''")),
                Some(value) => {
                    all.of_post.push(format!("{column} = {}::text", values.bind(value.to_owned())));
                }
            }
        }
        match product.as_deref() {
            None => {}
            Some("") => all.of_post.push("post.products = '{}'".to_owned()),
            Some(product) => {
                let product = values.bind(product.to_owned());
                all.of_post.push(format!("{product}::text = ANY (post.products)"));
            }
        }
        if let Some(label) = label {
            let label = values.bind(label.as_str());
            all.of_score.push(format!("score.label = {label}::text::sentiment_label"));
        }
        if let Some(emotion) = emotion {
            let emotion = values.bind(emotion.clone());
            all.of_score.push(format!("score.emotion = {emotion}::text::emotion_label"));
        }
        for (column, least) in [("virality", filter.min_virality), ("churn_risk", filter.min_churn)] {
            if let Some(least) = least {
                all.of_score.push(format!("score.{column} >= {}::real", values.bind(least)));
            }
        }
        all
    }

    /// Returns all conditions in a form that can follow `WHERE`.
    pub(in crate::store) fn all(&self) -> String {
        joined(self.of_post.iter().chain(&self.of_score))
    }
}

/// Joins conditions that must all hold into a form that can follow `WHERE`.
pub(in crate::store) fn joined<'a>(conditions: impl IntoIterator<Item = &'a String>) -> String {
    let conditions: Vec<&str> = conditions.into_iter().map(String::as_str).collect();
    if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_input_never_becomes_text_of_a_statement() {
        let evil = || Some("x' OR '1'='1'; DROP TABLE models; --".to_owned());
        let filter = PostFilter {
            q: evil(),
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
        assert!(!sql.contains("DROP") && sql.contains("$9"), "{sql}");
        assert_eq!(values.as_params().len(), 9);
    }

    #[test]
    fn absent_fields_add_no_condition() {
        let mut values = Values::default();
        assert_eq!(Conditions::of(&PostFilter::default(), &mut values).all(), "true");
        let blank =
            PostFilter { q: Some("  ".to_owned()), city: Some(String::new()), ..PostFilter::default() };
        assert_eq!(Conditions::of(&blank, &mut values).all(), "coalesce(post.city, '') = ''");
        assert!(values.as_params().is_empty() && !blank.looks_into_posts());
    }
}
