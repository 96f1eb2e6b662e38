//! Notification channels, notifications and delivery attempts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::schema::{AdditionalProperties, OneOfBuilder, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::alert::Severity;
use super::id::{AlertId, ChannelId, NotificationId};
use super::masked_url::masked_url;

/// Change to an alert that calls for a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeEvent {
    /// The alert opened or became more severe.
    Fired,
    /// A person acknowledged the alert. Only sent to channels that track incidents.
    Acknowledged,
    /// The alert resolved.
    Resolved,
}

impl NoticeEvent {
    /// Every event, in declaration order.
    pub const ALL: [Self; 3] = [Self::Fired, Self::Acknowledged, Self::Resolved];

    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// Service or protocol that a channel uses to deliver messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// HTTP requests signed according to Standard Webhooks.
    Webhook,
    /// Incoming webhook of Slack or a compatible service.
    Slack,
    /// Email through the configured SMTP server.
    Email,
    /// Incidents in PagerDuty (Events API v2).
    #[serde(rename = "pagerduty")]
    PagerDuty,
    /// Push messages to a subscribed browser.
    WebPush,
}

impl ChannelKind {
    /// Every kind, in declaration order.
    pub const ALL: [Self; 5] = [Self::Webhook, Self::Slack, Self::Email, Self::PagerDuty, Self::WebPush];

    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Email => "email",
            Self::PagerDuty => "pagerduty",
            Self::WebPush => "web_push",
        }
    }
}

/// When a channel sends its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Delivery {
    /// One message per alert, sent at once.
    Immediate,
    /// One message for all alerts in an interval, which begins with the first of them.
    Digest {
        /// Length of the interval in seconds, 60 to 86,400.
        every_seconds: i32,
    },
}

/// Written by hand because a derived schema would not say that a digest denies unknown fields.
impl PartialSchema for Delivery {
    fn schema() -> RefOr<Schema> {
        let delivery = |mode: &str, description: &str| {
            let mode = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([mode]));
            let delivery = ObjectBuilder::new().property("mode", mode).required("mode");
            delivery.description(Some(description))
        };
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(60)).maximum(Some(86_400));
        let digest = delivery("digest", "One message for all alerts of an interval.")
            .property("every_seconds", seconds.description(Some("Length of the interval, 60 to 86,400.")))
            .required("every_seconds")
            .additional_properties(Some(AdditionalProperties::FreeForm(false)));
        OneOfBuilder::new()
            .item(delivery("immediate", "One message per alert, at once."))
            .item(digest)
            .description(Some("When messages are sent."))
            .into()
    }
}

impl ToSchema for Delivery {}

/// Channel setting as the API returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Shown)]
pub enum PublicSetting {
    /// Value of a setting that is not secret.
    Plain(String),
    /// Indication that a secret is set; its value is never returned.
    Secret {
        /// Always true; a secret that is not set is absent.
        set: bool,
    },
}

impl PublicSetting {
    /// Indication that a secret is set.
    pub const SECRET: Self = Self::Secret { set: true };
}

/// Settings of a channel without the values of its secrets. The kind of channel determines which fields are present.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChannelSettings {
    /// `webhook`: target URL, of which only the host and the beginning of the path are shown, because anyone who knows it
    /// can post there. `slack`: a secret, for the same reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<PublicSetting>,
    /// `webhook`: what responses show as `url`. It is stored, and never part of a response itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub shown_url: Option<String>,
    /// `slack`, `web_push`: host name in the secret URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// `webhook`: secret that signs the messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<PublicSetting>,
    /// `email`: addresses of the recipients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<String>>,
    /// `pagerduty`: integration key of the PagerDuty service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_key: Option<PublicSetting>,
    /// `web_push`: URL that the browser's push service assigned to the browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<PublicSetting>,
    /// `web_push`: keys that encrypt the messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<PublicSetting>,
}

impl ChannelSettings {
    /// Returns the target URL of a webhook that an earlier version stored in clear.
    pub fn plain_url(&self) -> Option<&str> {
        match &self.url {
            Some(PublicSetting::Plain(url)) => Some(url),
            _ => None,
        }
    }

    /// Returns the settings without the URL that an earlier version stored in clear, once it is stored among the secrets.
    #[must_use]
    pub fn sealed(&self) -> Self {
        match self.plain_url() {
            Some(url) => {
                Self { url: Some(PublicSetting::SECRET), shown_url: Some(masked_url(url)), ..self.clone() }
            }
            None => self.clone(),
        }
    }

    /// Returns the settings as responses show them.
    fn shown(&self) -> Self {
        let shown = self.shown_url.clone().or_else(|| self.plain_url().map(masked_url));
        let url = shown.map(PublicSetting::Plain).or_else(|| self.url.clone());
        Self { url, shown_url: None, ..self.clone() }
    }
}

fn serialize_shown<S: Serializer>(settings: &ChannelSettings, serializer: S) -> Result<S::Ok, S::Error> {
    settings.shown().serialize(serializer)
}

/// Settings of a channel to create or replace. The kind of channel determines which fields are required. Secrets that
/// are absent keep their stored values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChannelSettings {
    /// `webhook`, `slack`: target URL. A URL as responses show it keeps the stored one.
    #[schema(max_length = 2048, pattern = "^https?://")]
    pub url: Option<String>,
    /// `webhook`: secret that signs the messages, `whsec_` followed by 24 to 64 bytes in base64; generated if absent.
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$")]
    pub secret: Option<String>,
    /// `email`: addresses of the recipients, at most 50.
    #[schema(min_items = 1, max_items = 50)]
    pub to: Option<Vec<String>>,
    /// `pagerduty`: integration key of a PagerDuty service.
    #[schema(pattern = "^[A-Za-z0-9]{32}$")]
    pub routing_key: Option<String>,
    /// `web_push`: URL that the push service assigned to the browser, from `PushSubscription`.
    #[schema(max_length = 2048, pattern = "^https?://")]
    pub endpoint: Option<String>,
    /// `web_push`: keys from the same `PushSubscription`.
    pub keys: Option<PushKeys>,
}

/// Keys of a browser's push subscription, in URL-safe base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushKeys {
    /// Public key of the browser, 65 bytes.
    #[schema(pattern = "^[A-Za-z0-9_-]{87}=*$")]
    pub p256dh: String,
    /// Authentication secret shared with the server, 16 bytes.
    #[schema(pattern = "^[A-Za-z0-9_-]{22}=*$")]
    pub auth: String,
}

/// Destination for notifications, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Channel {
    /// Id of the channel, as used in `/notification-channels/{id}`.
    pub id: ChannelId,
    /// Display name, which need not be unique.
    pub name: String,
    /// Service or protocol that the channel uses to deliver messages.
    pub kind: ChannelKind,
    /// Whether messages are sent to the channel.
    pub enabled: bool,
    /// Reason why the server disabled the channel; null if it did not.
    pub disabled_reason: Option<String>,
    /// Settings without the values of secrets.
    #[serde(serialize_with = "serialize_shown")]
    pub settings: ChannelSettings,
    /// When the channel sends its messages.
    pub delivery: Delivery,
    /// Minimum severity of alerts to send; ignored for rules that name this channel.
    pub minimum_severity: Severity,
    /// Whether the channel also receives service alerts, which are sent at once, even while PostgreSQL is down.
    pub service_alerts: bool,
    /// Time at which the channel was created.
    pub created_at: Timestamp,
    /// Time at which the channel was last changed.
    pub updated_at: Timestamp,
    /// Name of the person or program that created the channel; null if no name was given.
    pub created_by: Option<String>,
    /// Name of the person or program that last changed the channel; null if no name was given or the server disabled the channel.
    pub updated_by: Option<String>,
    /// Time of the last successful delivery; null before the first.
    pub last_success_at: Option<Timestamp>,
    /// Time at which the current run of failed deliveries began; null while deliveries succeed.
    pub failing_since: Option<Timestamp>,
}

/// Delivery status of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationState {
    /// Waiting for its first attempt or a retry.
    Pending,
    /// The receiver accepted the message.
    Sent,
    /// Delivery was abandoned after the last attempt, or because the channel was disabled. The notification can be
    /// resent.
    Dead,
}

impl NotificationState {
    /// Every state, in declaration order.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Sent, Self::Dead];

    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }
}

/// One attempt to deliver a notification. Only the status of the receiver's response is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// Time at which the attempt began.
    pub at: Timestamp,
    /// HTTP or SMTP status of the response; null if there was none.
    pub status: Option<u16>,
    /// Human-readable reason why the attempt failed; null if it succeeded.
    pub error: Option<String>,
    /// How long the attempt took, in milliseconds.
    pub duration_ms: u64,
}

/// Notification about an alert to one channel.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Notification {
    /// Id of the notification, as used in `/notifications/{id}/resend`.
    pub id: NotificationId,
    /// Channel that the notification is sent through.
    pub channel: ChannelId,
    /// Alert that the notification is about.
    pub alert: AlertId,
    /// What happened to the alert.
    pub event: NoticeEvent,
    /// Whether the notification is pending, sent or dead.
    pub state: NotificationState,
    /// The 20 most recent attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// Time of the next attempt; null if none is scheduled.
    pub next_attempt_at: Option<Timestamp>,
    /// Time at which the notification was created.
    pub created_at: Timestamp,
}
