//! Notification channels, notifications and delivery attempts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{AdditionalProperties, OneOfBuilder, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::alert::Severity;

/// Change of an alert that is notified.
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
    /// All events.
    pub const ALL: [Self; 3] = [Self::Fired, Self::Acknowledged, Self::Resolved];

    /// Returns the name that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// Kind of notification channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// Signed HTTP requests (Standard Webhooks).
    Webhook,
    /// Incoming webhook of Slack or a compatible service.
    Slack,
    /// Email through the configured SMTP server.
    Email,
    /// Incidents (PagerDuty Events API v2).
    #[serde(rename = "pagerduty")]
    PagerDuty,
    /// Push messages to a subscribed browser.
    WebPush,
}

impl ChannelKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Webhook, Self::Slack, Self::Email, Self::PagerDuty, Self::WebPush];

    /// Returns the name that is stored and sent.
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

/// Delivery schedule of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Delivery {
    /// One message per alert, at once.
    Immediate,
    /// One message for all alerts of an interval, which begins with the first of them.
    Digest {
        /// Length of the interval in seconds, 60 to 86,400.
        every_seconds: i32,
    },
}

/// Written by hand, because a derived schema omits that a digest denies unknown fields.
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

/// Setting as the API returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Shown)]
pub enum PublicSetting {
    /// Value that is not secret.
    Plain(String),
    /// Secret, of which only its presence is returned.
    Secret {
        /// Always true.
        set: bool,
    },
}

impl PublicSetting {
    /// A secret that is set.
    pub const SECRET: Self = Self::Secret { set: true };
}

/// Settings of a channel without their secrets; which fields are present depends on the kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChannelSettings {
    /// `webhook`: target URL. `slack`: a secret, because anyone who knows the URL can post there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<PublicSetting>,
    /// `slack`, `web_push`: host of the secret URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// `webhook`: secret that signs the messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<PublicSetting>,
    /// `email`: recipients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<String>>,
    /// `pagerduty`: integration key of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_key: Option<PublicSetting>,
    /// `web_push`: URL of the browser at its push service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<PublicSetting>,
    /// `web_push`: keys that encrypt the messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<PublicSetting>,
}

/// Settings of a channel to create or replace; which fields are required depends on the kind. An absent secret keeps
/// its stored value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChannelSettings {
    /// `webhook`, `slack`: target URL.
    #[schema(max_length = 2048, pattern = "^https?://")]
    pub url: Option<String>,
    /// `webhook`: secret that signs the messages, `whsec_` and 24 to 64 bytes in base64; generated when absent.
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$")]
    pub secret: Option<String>,
    /// `email`: recipients, at most 50.
    #[schema(min_items = 1, max_items = 50)]
    pub to: Option<Vec<String>>,
    /// `pagerduty`: integration key of a service.
    #[schema(pattern = "^[A-Za-z0-9]{32}$")]
    pub routing_key: Option<String>,
    /// `web_push`: URL of the browser at its push service, from `PushSubscription`.
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

/// Notification channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Channel {
    /// Unique id.
    pub id: Uuid,
    /// Display name.
    pub name: String,
    /// Kind of channel.
    pub kind: ChannelKind,
    /// Whether messages are sent to the channel.
    pub enabled: bool,
    /// Reason for which the server disabled the channel; null when it did not.
    pub disabled_reason: Option<String>,
    /// Settings without their secrets.
    pub settings: ChannelSettings,
    /// Delivery schedule.
    pub delivery: Delivery,
    /// Minimum severity of the alerts to send; does not apply to rules that name this channel.
    pub minimum_severity: Severity,
    /// Whether the channel also receives service alerts, which are sent at once, even while PostgreSQL is down.
    pub service_alerts: bool,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last change of its settings.
    pub updated_at: Timestamp,
    /// Time of the last successful delivery.
    pub last_success_at: Option<Timestamp>,
    /// Time since which every delivery has failed; null while deliveries succeed.
    pub failing_since: Option<Timestamp>,
}

/// Delivery state of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationState {
    /// Waiting for its first attempt or a retry.
    Pending,
    /// Delivered.
    Sent,
    /// Given up after the last attempt, or because the channel was disabled. It can be resent.
    Dead,
}

impl NotificationState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Sent, Self::Dead];

    /// Returns the name that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }
}

/// Delivery attempt. Of the receiver's response it records the status alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// Start of the attempt.
    pub at: Timestamp,
    /// Response status; null when there was no response.
    pub status: Option<u16>,
    /// Reason for the failure; null after a success.
    pub error: Option<String>,
    /// Duration in milliseconds.
    pub duration_ms: u64,
}

/// Notification of an alert to one channel.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Notification {
    /// Unique id.
    pub id: Uuid,
    /// Channel to notify.
    pub channel: Uuid,
    /// Alert that the notification is about.
    pub alert: Uuid,
    /// Change of the alert.
    pub event: NoticeEvent,
    /// Delivery state.
    pub state: NotificationState,
    /// The 20 most recent attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// Time of the next attempt; null when none is scheduled.
    pub next_attempt_at: Option<Timestamp>,
    /// Time of the change.
    pub created_at: Timestamp,
}
