//! What a live client wants to hear.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alert::Alert;
use super::bounded::{MaxRate, MinVirality};
use super::live::CorrectedPost;
use super::post::ScoredPost;
use super::rollup::Dimension;
use super::score::SentimentLabel;

/// One kind of news a client can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Feed {
    /// The live window, at most four times a second.
    Metrics,
    /// Single posts with their scores, a sample of them under load.
    Messages,
    /// Alerts as they open, grow and resolve.
    Alerts,
    /// Long work and how far it is.
    Jobs,
    /// How the pipeline is.
    System,
}

impl Feed {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Metrics, Self::Messages, Self::Alerts, Self::Jobs, Self::System];

    /// The name as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Messages => "messages",
            Self::Alerts => "alerts",
            Self::Jobs => "jobs",
            Self::System => "system",
        }
    }

    /// The feed of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feed| feed.as_str() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of feeds, one bit each: every frame asks every session, so asking must cost nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Feeds(u8);

impl Feeds {
    /// No feed.
    pub const NONE: Self = Self(0);

    /// Whether the feed is among them.
    pub const fn contains(self, feed: Feed) -> bool {
        self.0 & feed.bit() != 0
    }

    /// With the feeds of `other` too.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Without the feeds of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One by one, in the order of [`Feed::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Feed> {
        Feed::ALL.into_iter().filter(move |feed| self.contains(*feed))
    }
}

impl FromIterator<Feed> for Feeds {
    fn from_iter<I: IntoIterator<Item = Feed>>(feeds: I) -> Self {
        Self(feeds.into_iter().fold(0, |bits, feed| bits | feed.bit()))
    }
}

/// Which posts and alerts of its feeds a client wants; every field given must agree.
///
/// It never touches metrics, jobs or system: those are about everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Only what speaks of this product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Only what was said on this platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Only what came through this channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Only what was said in this city.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Only what feels so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<SentimentLabel>,
    /// Only posts whose predicted virality is at least this, 0 to 100. It holds back no alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f32>, minimum = 0, maximum = 100)]
    pub min_virality: Option<MinVirality>,
}

impl Filter {
    /// Whether the client wants the post.
    pub fn admits_post(&self, scored: &ScoredPost) -> bool {
        self.admits_label(scored.score.sentiment.label) && self.admits_content(scored)
    }

    /// Whether the client wants to hear that the post has a better score: also if it was shown for the label it had.
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

    /// Whether the client wants the alert.
    ///
    /// An alert is held back only by what it says: the product, platform, channel or city it is about, and the platforms
    /// of its posts where it shows all of them. Who asks for a product hears of that product only; but an alert about everything, or about
    /// something of another kind, concerns a channel or a city as far as anybody can tell. It has no label.
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

/// What one client wants to hear.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// Which kinds of news.
    pub feeds: Feeds,
    /// Which posts and alerts of them.
    pub filter: Filter,
    /// How many posts a second, at most; absent, all of them.
    pub max_rate: Option<MaxRate>,
    /// Whether it takes metrics as what has changed since the frame before.
    pub delta: bool,
}

impl Default for Subscription {
    /// What a client gets that never says a word.
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

    #[test]
    fn every_feed_is_found_by_its_own_name_only() {
        for feed in Feed::ALL {
            assert_eq!(Feed::from_name(feed.as_str()), Some(feed));
        }
        assert_eq!(Feed::from_name("Metrics"), None);
    }

    #[test]
    fn a_silent_client_hears_metrics_messages_and_alerts() {
        let feeds: Vec<_> = Subscription::default().feeds.iter().collect();
        assert_eq!(feeds, [Feed::Metrics, Feed::Messages, Feed::Alerts]);
    }

    #[test]
    fn taking_a_feed_away_leaves_the_others() {
        let feeds = Subscription::default().feeds.without([Feed::Alerts, Feed::Jobs].into_iter().collect());
        assert!(feeds.contains(Feed::Metrics) && feeds.contains(Feed::Messages));
        assert!(!feeds.contains(Feed::Alerts) && !feeds.is_empty());
    }

    fn alert(dimension: Dimension, key: &str, platforms: &[&str]) -> Alert {
        let post = |platform: &&str| {
            serde_json::json!({
                "uuid": uuid::Uuid::nil(), "text": "", "platform": platform, "source": "http", "churn_risk": 0.0,
            })
        };
        let text = serde_json::json!({
            "id": uuid::Uuid::nil(), "rule": "threshold", "scope": {"dimension": dimension, "key": key},
            "state": "open", "severity": "warning", "title": "", "value": 1.0, "threshold": 0.5, "count": platforms.len(),
            "opened_at": "2026-11-21T10:00:00Z", "updated_at": "2026-11-21T10:00:00Z", "resolved_at": null,
            "acknowledged_at": null, "posts": platforms.iter().map(post).collect::<Vec<_>>(), "rule_id": null,
            "rule_name": null, "metric": null, "phase": "firing", "silenced": false, "inhibited_by": null,
            "flapping": false, "evidence": null,
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn an_alert_is_held_back_by_what_it_is_about_and_by_nothing_it_does_not_say() {
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
        // It shows some of many, and they may well be from there.
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
