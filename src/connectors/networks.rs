//! Creates and checks the connector of each network.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::access::Access;
use super::bluesky::Bluesky;
use super::feed::Feed;
use super::mastodon::{self, Mastodon};
use super::meter::Unmetered;
use super::reddit::{self, Reddit};
use super::x::{self, X};
use super::youtube::{self, YouTube};
use super::{Connector, ConnectorError, following};
use crate::egress::Egress;
use crate::models::new_post::{self, NewPost};
use crate::models::source::credentials::{CREDENTIAL_CHARS_MAX, Credentials};
use crate::models::source::{Checkpoint, Network, SourceSettings};

/// Allowed interval between requests, in seconds.
const INTERVAL_S: RangeInclusive<u32> = 60..=86_400;

/// Setting that was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSetting {
    /// Path of the setting in a request, such as `settings.url`.
    pub field: &'static str,
    /// Why it was rejected.
    pub message: String,
}

/// Checks settings before they are stored, without connecting to the network.
///
/// # Errors
/// If they are invalid.
pub fn check(egress: &Egress, network: Network, settings: &SourceSettings) -> Result<(), InvalidSetting> {
    let SourceSettings {
        base_url,
        url,
        interval_s,
        tags,
        only_local,
        queries,
        subreddits,
        follow_topics,
        usd_per_month,
        mapping,
        items,
        platform,
    } = settings;
    let invalid = |field, message: String| Err(InvalidSetting { field, message });
    let uses: [(&str, bool, &[Network]); 12] = [
        (
            "settings.base_url",
            base_url.is_some(),
            &[Network::Bluesky, Network::Mastodon, Network::Reddit, Network::X, Network::YouTube],
        ),
        ("settings.url", url.is_some(), &[Network::Feed]),
        ("settings.interval_s", interval_s.is_some(), &[Network::Feed, Network::Mastodon, Network::YouTube]),
        ("settings.tags", tags.is_some(), &[Network::Mastodon]),
        ("settings.only_local", only_local.is_some(), &[Network::Mastodon]),
        ("settings.mapping", mapping.is_some(), &[Network::Webhook]),
        ("settings.items", items.is_some(), &[Network::Webhook]),
        ("settings.platform", platform.is_some(), &[Network::Webhook]),
        ("settings.queries", queries.is_some(), &[Network::X, Network::YouTube]),
        ("settings.subreddits", subreddits.is_some(), &[Network::Reddit]),
        ("settings.follow_topics", follow_topics.is_some(), &following::NETWORKS),
        ("settings.usd_per_month", usd_per_month.is_some(), &[Network::X]),
    ];
    if let Some((field, ..)) = uses.iter().find(|(_, is_set, by)| *is_set && !by.contains(&network)) {
        return invalid(field, format!("a source of the network `{}` has no such setting", network.as_str()));
    }
    if interval_s.is_some_and(|interval_s| !INTERVAL_S.contains(&interval_s)) {
        return invalid("settings.interval_s", "the interval must be 60 to 86,400 seconds".to_owned());
    }
    if let Some(why) = tags.as_deref().and_then(objection_to_tags) {
        return invalid("settings.tags", why);
    }
    let (field, usable) = match network {
        Network::Reddit => ("settings.subreddits", reddit::subreddits(settings).map(drop)),
        Network::X => ("settings.queries", x::queries(settings).map(drop)),
        Network::YouTube => ("settings.queries", youtube::queries(settings).map(drop)),
        Network::Bluesky | Network::Feed | Network::Mastodon | Network::Webhook => ("settings", Ok(())),
    };
    if let Err(message) = usable {
        return invalid(field, message);
    }
    let address = match network {
        Network::Bluesky | Network::Mastodon | Network::Reddit | Network::X | Network::YouTube => {
            "settings.base_url"
        }
        Network::Feed => "settings.url",
        // It has no address to reach.
        Network::Webhook => return check_platform(settings),
    };
    let access =
        Access { egress: egress.clone(), credentials: Credentials::default(), meter: Arc::new(Unmetered) };
    match connector(access, network, settings, Checkpoint::at(jiff::Timestamp::now())) {
        Ok(_) => Ok(()),
        Err(error) => invalid(address, error.to_string()),
    }
}

fn check_platform(settings: &SourceSettings) -> Result<(), InvalidSetting> {
    let Some(platform) = &settings.platform else {
        return Ok(());
    };
    let invalid = |message| Err(InvalidSetting { field: "settings.platform", message });
    if settings.mapping.is_none() {
        return invalid("without a mapping, each post names its platform".to_owned());
    }
    let post =
        NewPost { id: "1".into(), platform: platform.clone(), text: "text".into(), ..NewPost::default() };
    new_post::check(&post).or_else(|rejection| invalid(rejection.message))
}

/// Checks credentials before they are stored, without connecting to the network.
///
/// # Errors
/// If the network issues no such credentials, or they are malformed.
pub fn check_credentials(network: Network, credentials: &Credentials) -> Result<(), InvalidSetting> {
    for (name, value) in credentials.fields() {
        let Some(value) = value else {
            continue;
        };
        let (field, uses): (_, &[Network]) = match name {
            "token" => ("credentials.token", &[Network::Mastodon, Network::X, Network::YouTube]),
            "client_id" => ("credentials.client_id", &[Network::Reddit]),
            _ => ("credentials.client_secret", &[Network::Reddit]),
        };
        let invalid = |message: String| Err(InvalidSetting { field, message });
        if !uses.contains(&network) {
            return invalid(format!("a source of the network `{}` has no such credential", network.as_str()));
        }
        let is_visible = value.bytes().all(|byte| byte.is_ascii_graphic());
        if value.is_empty() || value.len() > CREDENTIAL_CHARS_MAX || !is_visible {
            return invalid(format!(
                "`{field}` must be 1 to {CREDENTIAL_CHARS_MAX} visible ASCII characters without spaces"
            ));
        }
    }
    Ok(())
}

/// Creates a connector that continues after a position. `settings` are those of [`following::resolve`].
///
/// # Errors
/// If the settings are invalid, or the network has no connector because posts are delivered.
pub fn open(
    access: Access,
    network: Network,
    settings: &SourceSettings,
    position: Checkpoint,
) -> Result<Box<dyn Connector>, ConnectorError> {
    require_resolved(settings)?;
    connector(access, network, settings, position)
}

/// Refuses settings to which topics are still to add something. Without hashtags, Mastodon's connector would hear all posts.
fn require_resolved(settings: &SourceSettings) -> Result<(), ConnectorError> {
    match settings.follow_topics {
        Some(true) => {
            Err(ConnectorError::NothingToHear("the topics that it follows are not known".to_owned()))
        }
        _ => Ok(()),
    }
}

fn connector(
    access: Access,
    network: Network,
    settings: &SourceSettings,
    position: Checkpoint,
) -> Result<Box<dyn Connector>, ConnectorError> {
    match network {
        Network::Bluesky => Ok(Box::new(Bluesky::new(access.egress, settings, position)?)),
        Network::Feed => Ok(Box::new(Feed::new(access.egress, settings, position)?)),
        Network::Mastodon => {
            Ok(Box::new(Mastodon::new(access.egress, settings, &access.credentials, position)?))
        }
        Network::Reddit => Ok(Box::new(Reddit::new(access, settings, position)?)),
        Network::Webhook => Err(delivered()),
        Network::X => Ok(Box::new(X::new(access, settings, position)?)),
        Network::YouTube => Ok(Box::new(YouTube::new(access, settings, position)?)),
    }
}

/// Connects to the network with these settings, which [`following::resolve`] has returned, and returns the result in words.
///
/// # Errors
/// If posts cannot be read, or are delivered rather than read.
pub async fn test(
    access: Access,
    network: Network,
    settings: &SourceSettings,
) -> Result<String, ConnectorError> {
    require_resolved(settings)?;
    let now = Checkpoint::at(jiff::Timestamp::now());
    match network {
        Network::Bluesky => Bluesky::new(access.egress, settings, now)?.test().await,
        Network::Feed => Feed::new(access.egress, settings, now)?.test().await,
        Network::Mastodon => Mastodon::new(access.egress, settings, &access.credentials, now)?.test().await,
        Network::Reddit => Reddit::new(access, settings, now)?.test().await,
        Network::Webhook => Err(delivered()),
        Network::X => X::new(access, settings, now)?.test().await,
        Network::YouTube => YouTube::new(access, settings, now)?.test().await,
    }
}

fn delivered() -> ConnectorError {
    ConnectorError::Refused("its posts are delivered".to_owned())
}

/// Returns why hashtags cannot be used; `None` if they can.
fn objection_to_tags(tags: &[String]) -> Option<String> {
    if !(1..=mastodon::TAGS_MAX).contains(&tags.len()) {
        return Some(format!("there must be 1 to {} hashtags", mastodon::TAGS_MAX));
    }
    // What Mastodon takes for a hashtag: letters and digits of all scripts, with a few signs between them.
    let is_of_tag = |c: char| c.is_alphanumeric() || matches!(c, '_' | '·' | '・' | '\u{200c}');
    let is_tag = |tag: &String| {
        (1..=mastodon::TAG_CHARS_MAX).contains(&tag.chars().count())
            && tag.chars().all(is_of_tag)
            && !tag.chars().all(|c| c.is_ascii_digit())
    };
    let wrong = tags.iter().find(|tag| !is_tag(tag))?;
    Some(format!("`{wrong}` is no hashtag: write 1 to 100 letters, digits and underscores, without `#`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::allowlist::Allowlist;

    #[test]
    fn settings_of_youtube_are_checked_without_a_key() {
        let egress = Egress::new(Allowlist::default()).unwrap();
        let field = |settings: SourceSettings| {
            check(&egress, Network::YouTube, &settings).err().map(|invalid| invalid.field)
        };
        let queries = Some(vec!["nimbrel".to_owned()]);
        let usable = SourceSettings { queries, interval_s: Some(3_600), ..SourceSettings::default() };
        assert_eq!(field(usable.clone()), None);
        assert_eq!(field(SourceSettings::default()), Some("settings.queries"));
        assert_eq!(
            field(SourceSettings { queries: Some(vec![]), ..usable.clone() }),
            Some("settings.queries")
        );
        let interval = SourceSettings { interval_s: Some(59), ..usable.clone() };
        assert_eq!(field(interval), Some("settings.interval_s"));
        let plain = SourceSettings { base_url: Some("http://127.0.0.1/".to_owned()), ..usable.clone() };
        assert_eq!(field(plain), Some("settings.base_url"));
        let feed = SourceSettings { url: Some("https://site.example/feed".to_owned()), ..usable.clone() };
        assert_eq!(field(feed), Some("settings.url"));
        let refused = check(&egress, Network::Bluesky, &usable).unwrap_err();
        assert_eq!(refused.field, "settings.interval_s");
    }

    #[test]
    fn settings_and_credentials_of_reddit_are_checked() {
        let egress = Egress::new(Allowlist::default()).unwrap();
        let field = |network, settings: &SourceSettings| {
            check(&egress, network, settings).err().map(|invalid| invalid.field)
        };
        let subreddits = |name: &str| SourceSettings {
            subreddits: Some(vec![name.to_owned()]),
            ..SourceSettings::default()
        };
        assert_eq!(field(Network::Reddit, &subreddits("nimbrel")), None);
        assert_eq!(field(Network::Reddit, &subreddits("r/nimbrel")), Some("settings.subreddits"));
        assert_eq!(field(Network::Reddit, &SourceSettings::default()), Some("settings.subreddits"));
        assert_eq!(field(Network::Bluesky, &subreddits("nimbrel")), Some("settings.subreddits"));
        let plain =
            SourceSettings { base_url: Some("http://127.0.0.1/".to_owned()), ..subreddits("nimbrel") };
        assert_eq!(field(Network::Reddit, &plain), Some("settings.base_url"));
        let app = Credentials {
            client_id: Some("id".to_owned()),
            client_secret: Some("secret".to_owned()),
            token: None,
        };
        assert_eq!(check_credentials(Network::Reddit, &app), Ok(()));
        let refused = check_credentials(Network::YouTube, &app).unwrap_err();
        assert_eq!(refused.field, "credentials.client_id");
        let token = Credentials { token: Some("token".to_owned()), ..Credentials::default() };
        assert_eq!(check_credentials(Network::Reddit, &token).unwrap_err().field, "credentials.token");
    }

    #[test]
    fn a_source_that_follows_topics_needs_no_queries_but_is_not_opened_without_them() {
        let egress = Egress::new(Allowlist::default()).unwrap();
        let base_url = Some("https://social.example".to_owned());
        let follows = SourceSettings { follow_topics: Some(true), ..SourceSettings::default() };
        for network in [Network::X, Network::YouTube] {
            assert_eq!(check(&egress, network, &follows), Ok(()));
            let stays = SourceSettings { follow_topics: Some(false), ..SourceSettings::default() };
            assert_eq!(check(&egress, network, &stays).unwrap_err().field, "settings.queries");
        }
        let instance = SourceSettings { base_url, ..follows.clone() };
        assert_eq!(check(&egress, Network::Mastodon, &instance), Ok(()));
        let field = check(&egress, Network::Bluesky, &follows).unwrap_err().field;
        assert_eq!(field, "settings.follow_topics");
        let access = Access { egress, credentials: Credentials::default(), meter: Arc::new(Unmetered) };
        let now = Checkpoint::at(jiff::Timestamp::now());
        let refused = open(access, Network::Mastodon, &instance, now).err().unwrap();
        assert!(refused.to_string().contains("topics"), "{refused}");
    }
}
