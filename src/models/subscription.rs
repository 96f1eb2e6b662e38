//! Feeds, filters and rates that live clients subscribe to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alert::Alert;
use super::bounded::{MaxRate, MinVirality};
use super::hidden_characters::is_hidden;
use super::live::CorrectedPost;
use super::post::ScoredPost;
use super::rollup::Dimension;
use super::score::SentimentLabel;

/// Maximum length in bytes of each text of a filter: what the longest product, channel or city of a post takes.
const FILTER_BYTES_MAX: usize = 128;

/// Kind of live update that a client can subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Feed {
    /// The live window, at most four times a second.
    Metrics,
    /// Individual scored posts, or a sample of them under load.
    Messages,
    /// Alerts as they open, change and resolve.
    Alerts,
    /// Progress of long-running jobs.
    Jobs,
    /// Health of the pipeline, every two seconds.
    System,
}

impl Feed {
    /// Every feed, in declaration order.
    pub const ALL: [Self; 5] = [Self::Metrics, Self::Messages, Self::Alerts, Self::Jobs, Self::System];

    /// Returns the name used in the live protocol.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Messages => "messages",
            Self::Alerts => "alerts",
            Self::Jobs => "jobs",
            Self::System => "system",
        }
    }

    /// Returns the feed with this name, or `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feed| feed.as_str() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Set of feeds, stored as a bit mask because every frame is checked against every session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Feeds(u8);

impl Feeds {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// Returns whether the set contains the feed.
    pub const fn contains(self, feed: Feed) -> bool {
        self.0 & feed.bit() != 0
    }

    /// Returns the union of the two sets.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the set without the feeds in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Iterates over the feeds in the set, in the order of [`Feed::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Feed> {
        Feed::ALL.into_iter().filter(move |feed| self.contains(*feed))
    }
}

impl FromIterator<Feed> for Feeds {
    fn from_iter<I: IntoIterator<Item = Feed>>(feeds: I) -> Self {
        Self(feeds.into_iter().fold(0, |bits, feed| bits | feed.bit()))
    }
}

/// Filter for the posts and alerts in a subscription. A post must match all given fields.
///
/// Metrics, jobs and system updates are not filtered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Product that posts and alerts must be about.
    #[schema(max_length = 128)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Platform that posts must come from and that alerts must concern.
    #[schema(max_length = 128)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Support or marketing channel that posts must carry.
    #[schema(max_length = 128)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// City that posts must come from.
    #[schema(max_length = 128)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Sentiment label that posts must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<SentimentLabel>,
    /// Minimum predicted virality of posts, 0 to 100; does not apply to alerts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f32>, minimum = 0, maximum = 100)]
    pub min_virality: Option<MinVirality>,
}

impl Filter {
    /// Checks the texts of a filter that a client sent. No post has longer ones or ones with hidden characters, and every
    /// connection holds its filter in memory.
    ///
    /// # Errors
    /// The name of the first invalid field, and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let texts = [
            ("product", &self.product),
            ("platform", &self.platform),
            ("channel", &self.channel),
            ("city", &self.city),
        ];
        let is_wrong = |text: &String| text.len() > FILTER_BYTES_MAX || text.contains(is_hidden);
        match texts.into_iter().find(|(_, text)| text.as_ref().is_some_and(is_wrong)) {
            Some((field, _)) => Err((
                field,
                format!(
                    "must be at most {FILTER_BYTES_MAX} bytes, without control characters or ones that change the direction \
                     of text"
                ),
            )),
            None => Ok(()),
        }
    }

    /// Returns whether the filter admits the post.
    pub fn admits_post(&self, scored: &ScoredPost) -> bool {
        self.admits_label(scored.score.sentiment.label) && self.admits_content(scored)
    }

    /// Returns whether the filter admits a corrected post, based on either its new or its old label.
    pub fn admits_correction(&self, corrected: &CorrectedPost) -> bool {
        let CorrectedPost { scored, was } = corrected;
        let by_label = self.admits_label(scored.score.sentiment.label) || self.admits_label(*was);
        by_label && self.admits_content(scored)
    }

    fn admits_label(&self, label: SentimentLabel) -> bool {
        self.label.is_none_or(|wanted| wanted == label)
    }

    fn admits_content(&self, scored: &ScoredPost) -> bool {
        let post = &scored.post;
        let wants = |wanted: &Option<String>, value: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| value == Some(wanted))
        };
        self.min_virality.is_none_or(|least| scored.score.virality >= least.get())
            && wants(&self.platform, Some(&post.platform))
            && wants(&self.channel, post.channel.as_deref())
            && wants(&self.city, post.city.as_deref())
            && self.product.as_ref().is_none_or(|wanted| post.products.contains(wanted))
    }

    /// Returns whether the filter admits the alert.
    ///
    /// An alert is filtered by its own product, platform, channel or city and, if it lists all of its posts, by their
    /// platforms. A product filter admits only alerts about that product. Channel and city filters also admit alerts
    /// about all posts or about another dimension, because those may concern the channel or city. Alerts have no label.
    pub fn admits_alert(&self, alert: &Alert) -> bool {
        let is_about = |dimension| alert.scope.dimension == dimension;
        let is_elsewhere = |dimension, wanted: &Option<String>| {
            is_about(dimension) && wanted.as_ref().is_some_and(|wanted| alert.scope.key != *wanted)
        };
        let of_product = self
            .product
            .as_ref()
            .is_none_or(|wanted| is_about(Dimension::Product) && alert.scope.key == *wanted);
        let shows_all = usize::try_from(alert.count).is_ok_and(|n_posts| n_posts <= alert.posts.len());
        let of_platform = self.platform.as_ref().is_none_or(|wanted| {
            is_about(Dimension::Platform)
                || alert.posts.is_empty()
                || !shows_all
                || alert.posts.iter().any(|post| post.platform == *wanted)
        });
        of_product
            && of_platform
            && !is_elsewhere(Dimension::Platform, &self.platform)
            && !is_elsewhere(Dimension::Channel, &self.channel)
            && !is_elsewhere(Dimension::City, &self.city)
    }
}

/// Feeds and posts that a client wants to receive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// Feeds whose frames the client receives.
    pub feeds: Feeds,
    /// Filter that posts and alerts must pass.
    pub filter: Filter,
    /// Maximum number of posts per second; unlimited if `None`.
    pub max_rate: Option<MaxRate>,
    /// Whether metrics are sent as changes from the previous frame.
    pub delta: bool,
}

impl Default for Subscription {
    /// Returns the subscription of a client that does not send `subscribe`.
    fn default() -> Self {
        Self {
            feeds: [Feed::Metrics, Feed::Messages, Feed::Alerts].into_iter().collect(),
            filter: Filter::default(),
            max_rate: None,
            delta: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::id::{AlertId, PostId};

    #[test]
    fn every_feed_is_found_by_its_own_name_only() {
        for feed in Feed::ALL {
            assert_eq!(Feed::from_name(feed.as_str()), Some(feed));
        }
        assert_eq!(Feed::from_name("Metrics"), None);
    }

    #[test]
    fn a_client_without_a_subscription_gets_metrics_messages_and_alerts() {
        let feeds: Vec<_> = Subscription::default().feeds.iter().collect();
        assert_eq!(feeds, [Feed::Metrics, Feed::Messages, Feed::Alerts]);
    }

    #[test]
    fn removing_a_feed_keeps_the_others() {
        let feeds = Subscription::default().feeds.without([Feed::Alerts, Feed::Jobs].into_iter().collect());
        assert!(feeds.contains(Feed::Metrics) && feeds.contains(Feed::Messages));
        assert!(!feeds.contains(Feed::Alerts) && !feeds.is_empty());
    }

    fn alert(dimension: Dimension, key: &str, platforms: &[&str]) -> Alert {
        let post = |platform: &&str| {
            serde_json::json!({
                "uuid": PostId::from_u128(0), "text": "", "platform": platform, "source": "http", "churn_risk": 0.0,
            })
        };
        let text = serde_json::json!({
            "id": AlertId::from_u128(0), "rule": "threshold", "scope": {"dimension": dimension, "key": key},
            "state": "open", "severity": "warning", "title": "", "value": 1.0, "threshold": 0.5, "count": platforms.len(),
            "opened_at": "2026-11-21T10:00:00Z", "updated_at": "2026-11-21T10:00:00Z", "resolved_at": null,
            "acknowledged_at": null, "posts": platforms.iter().map(post).collect::<Vec<_>>(), "rule_id": null,
            "rule_name": null, "metric": null, "phase": "firing", "silenced": false, "inhibited_by": null,
            "flapping": false, "evidence": null,
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn an_alert_is_filtered_by_its_scope_and_its_listed_posts_only() {
        use Dimension::{Channel, City, Overall, Platform, Product};
        let check = |filter: &str, alert: Alert, admitted: bool| {
            let wanted: Filter = serde_json::from_str(filter).unwrap();
            assert_eq!(wanted.admits_alert(&alert), admitted, "{filter} {:?}", alert.scope);
        };
        let (product, platform) = (r#"{"product":"alpha"}"#, r#"{"platform":"x"}"#);
        let (channel, city) = (r#"{"channel":"support"}"#, r#"{"city":"Ulm"}"#);
        check(product, alert(Product, "alpha", &[]), true);
        check(product, alert(Product, "beta", &[]), false);
        check(product, alert(Overall, "", &[]), false);
        check(platform, alert(Platform, "x", &["y"]), true);
        check(platform, alert(Platform, "y", &[]), false);
        check(platform, alert(Platform, "y", &["x"]), false);
        check(platform, alert(Overall, "", &["y", "x"]), true);
        check(platform, alert(Overall, "", &["y"]), false);
        check(platform, alert(Overall, "", &[]), true);
        // The alert lists only some of its posts, so others may come from there.
        check(platform, Alert { count: 9, ..alert(Overall, "", &["y"]) }, true);
        check(channel, alert(Channel, "support", &[]), true);
        check(channel, alert(Channel, "sales", &[]), false);
        check(channel, alert(City, "Ulm", &[]), true);
        check(city, alert(City, "Ulm", &[]), true);
        check(city, alert(City, "Bonn", &[]), false);
        check(city, alert(Overall, "", &[]), true);
        check(r#"{"label":"negative"}"#, alert(City, "Bonn", &[]), true);
    }
}
