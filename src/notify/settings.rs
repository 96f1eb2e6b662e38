//! Settings of notification channels, including their secrets.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use lettre::Address;
use p256::PublicKey;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::web_push::Subscriber;
use crate::egress::Egress;
use crate::models::masked_url::{is_masked, masked_url};
use crate::models::notification::{
    ChannelKind, ChannelSettings, NewChannelSettings, PublicSetting, PushKeys,
};

/// How long messages are signed with the old secret as well as the new one after a rotation, so that receivers can
/// switch.
pub const ROTATION_OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// Length of a generated signing secret in bytes. Standard Webhooks allows 24 to 64.
const SECRET_BYTES: usize = 32;

const SECRET_PREFIX: &str = "whsec_";

const URL_BYTES_MAX: usize = 2_048;

const RECIPIENTS_MAX: usize = 50;

/// Secret settings of a channel. They are stored encrypted and hidden from `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secrets {
    /// URL of a webhook, and the secrets that sign the messages to it.
    Webhook {
        /// URL of the webhook. Secret, because anyone who knows the URLs of some services can post there. `None` only in
        /// what earlier versions stored, until [`Secrets::with_url`].
        #[serde(default)]
        url: Option<String>,
        /// Signing secret that receivers should use now.
        secret: String,
        /// Previous signing secret, and the time until which messages are signed with it as well.
        previous: Option<(String, Timestamp)>,
    },
    /// URL of an incoming webhook. It is secret because anyone who knows it can post there.
    Slack {
        /// URL of the webhook to post to.
        url: String,
    },
    /// An email channel, which has no secret settings.
    Email,
    /// Key of a PagerDuty integration.
    PagerDuty {
        /// Integration key of the PagerDuty service.
        routing_key: String,
    },
    /// Push subscription of a browser.
    WebPush {
        /// URL that the push service assigned to the browser.
        endpoint: String,
        /// Keys that encrypt messages to the browser.
        keys: PushKeys,
    },
}

impl Secrets {
    /// Adds the URL of a webhook that an earlier version stored in clear, with the public settings.
    #[must_use]
    pub fn with_url(self, public: &ChannelSettings) -> Self {
        match self {
            Self::Webhook { url: None, secret, previous } => {
                Self::Webhook { url: public.plain_url().map(str::to_owned), secret, previous }
            }
            other => other,
        }
    }

    fn url(&self) -> Option<&str> {
        match self {
            Self::Webhook { url, .. } => url.as_deref(),
            Self::Slack { url } => Some(url),
            _ => None,
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secrets(…)")
    }
}

/// Setting that is missing or invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingError {
    /// Name of the setting, for example `url`.
    pub field: &'static str,
    /// Predicate that says what is wrong with the setting.
    pub message: String,
}

/// Settings of a channel that passed validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedSettings {
    /// Settings that are not secret.
    pub public: ChannelSettings,
    /// Settings to store encrypted.
    pub secrets: Secrets,
    /// Signing secret that this request generated or set, to be returned once; `None` if it did neither.
    pub revealed_secret: Option<String>,
}

/// Validates the settings of a channel. `old` holds its stored secrets, which the request keeps by omitting them.
///
/// # Errors
/// [`SettingError`] for the first invalid setting.
pub fn prepare(
    egress: &Egress,
    kind: ChannelKind,
    new: NewChannelSettings,
    old: Option<&Secrets>,
) -> Result<PreparedSettings, SettingError> {
    reject_foreign_settings(kind, &new)?;
    let mut public = ChannelSettings::default();
    let mut revealed_secret = None;
    let secrets = match kind {
        ChannelKind::Webhook => {
            let url = secret_url(egress, new.url, old)?;
            (public.url, public.shown_url) = (Some(PublicSetting::SECRET), Some(masked_url(url.as_str())));
            public.secret = Some(PublicSetting::SECRET);
            let url = Some(url.into());
            match (new.secret, old) {
                (None, Some(Secrets::Webhook { secret, previous, .. })) => {
                    Secrets::Webhook { url, secret: secret.clone(), previous: previous.clone() }
                }
                (given, _) => {
                    let secret = given.map_or_else(|| Ok(new_secret()), checked_secret)?;
                    revealed_secret = Some(secret.clone());
                    Secrets::Webhook { url, secret, previous: None }
                }
            }
        }
        ChannelKind::Slack => {
            let url = secret_url(egress, new.url, old)?;
            public.url = Some(PublicSetting::SECRET);
            public.host = url.host_str().map(str::to_owned);
            Secrets::Slack { url: url.into() }
        }
        ChannelKind::Email => {
            public.to = Some(recipients(new.to.ok_or_else(|| missing("to"))?)?);
            Secrets::Email
        }
        ChannelKind::PagerDuty => {
            let routing_key = match (new.routing_key, old) {
                (None, Some(Secrets::PagerDuty { routing_key })) => routing_key.clone(),
                (None, _) => return Err(missing("routing_key")),
                (Some(key), _) => key,
            };
            if routing_key.len() != 32 || !routing_key.chars().all(|c| c.is_ascii_alphanumeric()) {
                return Err(problem(
                    "routing_key",
                    "must be the 32 letters and digits of an integration key",
                ));
            }
            public.routing_key = Some(PublicSetting::SECRET);
            Secrets::PagerDuty { routing_key }
        }
        ChannelKind::WebPush => {
            let (endpoint, keys) = match (new.endpoint, new.keys, old) {
                (None, None, Some(Secrets::WebPush { endpoint, keys })) => (endpoint.clone(), keys.clone()),
                (None, ..) => return Err(missing("endpoint")),
                (_, None, _) => return Err(missing("keys")),
                (Some(endpoint), Some(keys), _) => (endpoint, keys),
            };
            let endpoint = address(egress, "endpoint", endpoint)?;
            if subscriber(endpoint.as_str(), &keys).is_none() {
                return Err(problem("keys", "must be the keys of a `PushSubscription`"));
            }
            public.endpoint = Some(PublicSetting::SECRET);
            public.host = endpoint.host_str().map(str::to_owned);
            public.keys = Some(PublicSetting::SECRET);
            Secrets::WebPush { endpoint: endpoint.into(), keys }
        }
    };
    Ok(PreparedSettings { public, secrets, revealed_secret })
}

/// Replaces the signing secret of a webhook and returns the secrets to store, together with the new one. The old secret
/// continues to sign messages for [`ROTATION_OVERLAP`]; the one before it no longer does. Returns `None` for channels
/// without a signing secret.
pub fn rotate(secrets: &Secrets, now: Timestamp) -> Option<(Secrets, String)> {
    let Secrets::Webhook { url, secret: old, .. } = secrets else {
        return None;
    };
    let until = now.saturating_add(ROTATION_OVERLAP).unwrap_or(now);
    let secret = new_secret();
    let previous = Some((old.clone(), until));
    Some((Secrets::Webhook { url: url.clone(), secret: secret.clone(), previous }, secret))
}

/// Returns the secrets currently used to sign the messages to a webhook, newest first.
pub(super) fn signing_secrets(
    secret: &str,
    previous: Option<&(String, Timestamp)>,
    now: Timestamp,
) -> Vec<String> {
    let previous = previous.filter(|(_, until)| now < *until).map(|(secret, _)| secret.clone());
    std::iter::once(secret.to_owned()).chain(previous).collect()
}

/// Decodes the subscription of a browser, or returns `None` if a key is invalid.
pub(super) fn subscriber(endpoint: &str, keys: &PushKeys) -> Option<Subscriber> {
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
    let (p256dh, auth) = (decode(&keys.p256dh)?, decode(&keys.auth)?);
    let is_point = p256dh.len() == 65 && PublicKey::from_sec1_bytes(&p256dh).is_ok();
    (is_point && auth.len() == 16).then_some(Subscriber {
        endpoint: Url::parse(endpoint).ok()?,
        p256dh,
        auth,
    })
}

fn reject_foreign_settings(kind: ChannelKind, new: &NewChannelSettings) -> Result<(), SettingError> {
    use ChannelKind::{Email, PagerDuty, Slack, WebPush, Webhook};
    let given: [(&'static str, bool, &[ChannelKind]); 6] = [
        ("url", new.url.is_some(), &[Webhook, Slack]),
        ("secret", new.secret.is_some(), &[Webhook]),
        ("to", new.to.is_some(), &[Email]),
        ("routing_key", new.routing_key.is_some(), &[PagerDuty]),
        ("endpoint", new.endpoint.is_some(), &[WebPush]),
        ("keys", new.keys.is_some(), &[WebPush]),
    ];
    match given.iter().find(|(_, is_given, kinds)| *is_given && !kinds.contains(&kind)) {
        Some((field, ..)) => Err(problem(field, format!("is not a setting of `{}` channels", kind.as_str()))),
        None => Ok(()),
    }
}

/// Returns the given URL, or the stored one if none is given or it is given as responses show it.
fn secret_url(egress: &Egress, given: Option<String>, old: Option<&Secrets>) -> Result<Url, SettingError> {
    let stored = old.and_then(Secrets::url);
    let url = match (given, stored) {
        (None, None) => return Err(missing("url")),
        (None, Some(stored)) => stored.to_owned(),
        (Some(given), Some(stored)) if given == masked_url(stored) => stored.to_owned(),
        (Some(given), _) if is_masked(&given) => {
            return Err(problem(
                "url",
                "is shortened; enter the whole URL, or omit it to keep the stored one",
            ));
        }
        (Some(given), _) => given,
    };
    address(egress, "url", url)
}

fn address(egress: &Egress, field: &'static str, text: String) -> Result<Url, SettingError> {
    if text.len() > URL_BYTES_MAX {
        return Err(problem(field, format!("must be at most {URL_BYTES_MAX} bytes")));
    }
    egress.check(&text).map_err(|error| problem(field, error.to_string()))
}

fn recipients(to: Vec<String>) -> Result<Vec<String>, SettingError> {
    if to.is_empty() || to.len() > RECIPIENTS_MAX {
        return Err(problem("to", format!("must be 1 to {RECIPIENTS_MAX} email addresses")));
    }
    match to.iter().find(|text| text.parse::<Address>().is_err()) {
        Some(wrong) => Err(problem("to", format!("contains `{wrong}`, which is not a valid email address"))),
        None => Ok(to),
    }
}

/// Returns a random signing secret.
pub fn new_secret() -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(rand::random::<[u8; SECRET_BYTES]>()))
}

fn checked_secret(secret: String) -> Result<String, SettingError> {
    let bytes = secret.strip_prefix(SECRET_PREFIX).and_then(|text| STANDARD.decode(text).ok());
    match bytes {
        Some(bytes) if (24..=64).contains(&bytes.len()) => Ok(secret),
        _ => Err(problem("secret", "must be `whsec_` and 24 to 64 bytes in base64")),
    }
}

fn missing(field: &'static str) -> SettingError {
    problem(field, "is required")
}

fn problem(field: &'static str, message: impl Into<String>) -> SettingError {
    SettingError { field, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::allowlist::Allowlist;

    fn prepared(
        kind: &str,
        settings: serde_json::Value,
        old: Option<&Secrets>,
    ) -> Result<PreparedSettings, SettingError> {
        let egress = Egress::new(Allowlist::default()).unwrap();
        let kind = serde_json::from_value(kind.into()).unwrap();
        prepare(&egress, kind, serde_json::from_value(settings).unwrap(), old)
    }

    fn refused(kind: &str, settings: serde_json::Value, field: &str) {
        assert_eq!(prepared(kind, settings, None).unwrap_err().field, field);
    }

    #[test]
    fn an_invalid_setting_is_named() {
        use serde_json::json;
        for url in
            ["http://example.org", "ftp://example.org", "nonsense", "https://u:p@example.org", "https://"]
        {
            refused("webhook", json!({"url": url}), "url");
        }
        for host in ["127.0.0.1", "[::1]", "0x7f.1", "2130706433", "[::ffff:10.0.0.1]", "169.254.169.254"] {
            refused("webhook", json!({"url": format!("https://{host}/")}), "url");
            refused("slack", json!({"url": format!("https://{host}/")}), "url");
        }
        refused("webhook", json!({"url": "https://example.org", "secret": "whsec_c2hvcnQ="}), "secret");
        refused("webhook", json!({"url": "https://example.org", "to": ["a@b.c"]}), "to");
        refused("webhook", json!({}), "url");
        refused("slack", json!({}), "url");
        refused("email", json!({"to": []}), "to");
        refused("email", json!({"to": ["a@b.c", "x\r\nBcc: y@z"]}), "to");
        refused("pagerduty", json!({"routing_key": "short"}), "routing_key");
        refused("web_push", json!({"endpoint": "https://push.example.net/x"}), "keys");
        let keys = json!({"p256dh": "AAAA", "auth": "AAAA"});
        refused("web_push", json!({"endpoint": "https://push.example.net/x", "keys": keys}), "keys");
    }

    #[test]
    fn secrets_are_never_shown_and_absent_ones_are_kept() {
        use serde_json::json;
        let hook = prepared("webhook", json!({"url": "https://example.org/a"}), None).unwrap();
        let secret = hook.revealed_secret.clone().unwrap();
        assert!(checked_secret(secret.clone()).is_ok());
        assert!(!format!("{:?} {:?}", hook.public, hook.secrets).contains(&secret));
        let moved =
            prepared("webhook", json!({"url": "https://example.org/b"}), Some(&hook.secrets)).unwrap();
        assert_eq!(moved.revealed_secret, None);
        let shown = Some("https://example.org/…");
        assert_eq!(
            (moved.public.url, moved.public.shown_url.as_deref()),
            (Some(PublicSetting::SECRET), shown)
        );
        let stored = |prepared: PreparedSettings| match prepared.secrets {
            Secrets::Webhook { url, secret, .. } => (url, secret),
            _ => panic!(),
        };
        let url = |path: &str| Some(format!("https://example.org/{path}"));
        assert_eq!(stored(hook.clone()), (url("a"), secret.clone()));
        for same in [json!({}), json!({"url": "https://example.org/…"})] {
            let kept = prepared("webhook", same, Some(&hook.secrets)).unwrap();
            assert_eq!(stored(kept), (url("a"), secret.clone()));
        }
        let changed = prepared("webhook", json!({"url": "https://example.org/b"}), Some(&hook.secrets));
        assert_eq!(stored(changed.unwrap()), (url("b"), secret));
        for shortened in ["https://example.org/b…", "https://other.example.org/…"] {
            let refused = prepared("webhook", json!({"url": shortened}), Some(&hook.secrets));
            assert_eq!(refused.unwrap_err().field, "url");
            assert_eq!(prepared("webhook", json!({"url": shortened}), None).unwrap_err().field, "url");
        }
        let chat = prepared("slack", json!({"url": "https://hooks.slack.com/T/x"}), None).unwrap();
        let public = serde_json::to_value(&chat.public).unwrap();
        assert_eq!(public, json!({"url": {"set": true}, "host": "hooks.slack.com"}));
        assert_eq!(prepared("slack", json!({}), Some(&chat.secrets)).unwrap(), chat);
    }

    #[test]
    fn the_old_secret_signs_for_a_day_after_a_rotation() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let url = Some("https://example.org/a".to_owned());
        let first = Secrets::Webhook { url: url.clone(), secret: new_secret(), previous: None };
        let (second, new) = rotate(&first, now).unwrap();
        let Secrets::Webhook { url: kept, secret, previous } = &second else { panic!() };
        assert_eq!((kept, secret), (&url, &new));
        let at =
            |hours| signing_secrets(secret, previous.as_ref(), now + SignedDuration::from_hours(hours)).len();
        assert_eq!([at(0), at(23), at(24)], [2, 2, 1]);
        assert!(rotate(&Secrets::Email, now).is_none());
    }
}
