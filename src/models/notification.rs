//! Who is told of alerts, by which way, and what became of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{AdditionalProperties, OneOfBuilder, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::alert::Severity;

/// What happened to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeEvent {
    /// It opened, or became worse.
    Fired,
    /// A person took note of it. Only systems that keep incidents are told; people need no message about a person.
    Acknowledged,
    /// It no longer holds.
    Resolved,
}

impl NoticeEvent {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fired, Self::Acknowledged, Self::Resolved];

    /// The name as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// By which way people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// A signed request to an address of theirs (Standard Webhooks).
    Webhook,
    /// An incoming webhook of Slack, or of whatever speaks like it.
    Slack,
    /// Mail, by the server in the configuration.
    Email,
    /// An incident (PagerDuty Events v2).
    #[serde(rename = "pagerduty")]
    PagerDuty,
    /// A browser that subscribed to push messages.
    WebPush,
}

impl ChannelKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Webhook, Self::Slack, Self::Email, Self::PagerDuty, Self::WebPush];

    /// The name as stored and sent.
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

/// When a message leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Delivery {
    /// At once, each by itself.
    Immediate,
    /// All of an interval together, which begins with the first of them.
    Digest {
        /// How long is gathered, 60 to 86,400.
        every_seconds: i32,
    },
}

/// By hand, since a derived schema forgets that a digest denies unknown fields.
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

/// A setting as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Shown {
    /// No secret.
    Plain(String),
    /// A secret, of which only is told that there is one.
    Secret {
        /// Always true.
        set: bool,
    },
}

impl Shown {
    /// There is one, and that is all that is said.
    pub const SECRET: Self = Self::Secret { set: true };
}

/// What anybody may see of a channel's settings. Which of them are there depends on its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChannelSettings {
    /// `webhook`: where messages go. `slack`: a secret, since whoever knows it may write there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Shown>,
    /// `slack`, `web_push`: the host of that secret address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// `webhook`: what messages are signed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Shown>,
    /// `email`: to whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<String>>,
    /// `pagerduty`: which service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_key: Option<Shown>,
    /// `web_push`: the browser's address at its push service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Shown>,
    /// `web_push`: what messages are encrypted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Shown>,
}

/// A channel's settings as somebody sets them. Which of them there must be depends on its kind; a secret that is absent
/// where there already is one stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChannelSettings {
    /// `webhook`, `slack`: where messages go.
    #[schema(max_length = 2048, pattern = "^https?://")]
    pub url: Option<String>,
    /// `webhook`: what messages are signed with, `whsec_` and 24 to 64 bytes in base64; made here when absent.
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$")]
    pub secret: Option<String>,
    /// `email`: to whom, at most 50.
    #[schema(min_items = 1, max_items = 50)]
    pub to: Option<Vec<String>>,
    /// `pagerduty`: the integration key of a service.
    #[schema(pattern = "^[A-Za-z0-9]{32}$")]
    pub routing_key: Option<String>,
    /// `web_push`: the browser's address at its push service, as `PushSubscription` tells it.
    #[schema(max_length = 2048, pattern = "^https?://")]
    pub endpoint: Option<String>,
    /// `web_push`: its keys, likewise.
    pub keys: Option<PushKeys>,
}

/// The keys of a browser's subscription, in URL-safe base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushKeys {
    /// Its public key, 65 bytes.
    #[schema(pattern = "^[A-Za-z0-9_-]{87}=*$")]
    pub p256dh: String,
    /// What it shares with us, 16 bytes.
    #[schema(pattern = "^[A-Za-z0-9_-]{22}=*$")]
    pub auth: String,
}

/// A way to reach somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Channel {
    /// Its name for programs.
    pub id: Uuid,
    /// Its name for people.
    pub name: String,
    /// By which way.
    pub kind: ChannelKind,
    /// Whether anything is sent to it.
    pub enabled: bool,
    /// Why it was disabled without anybody asking for it.
    pub disabled_reason: Option<String>,
    /// Where to.
    pub settings: ChannelSettings,
    /// When.
    pub delivery: Delivery,
    /// What is less severe is not sent, unless a rule names this channel.
    pub minimum_severity: Severity,
    /// Whether it also hears what is wrong with the service itself: at once, and also while PostgreSQL is away.
    pub service_alerts: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub updated_at: Timestamp,
    /// When a message last arrived.
    pub last_success_at: Option<Timestamp>,
    /// Since when none does; null while they do.
    pub failing_since: Option<Timestamp>,
}

/// How far a notification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationState {
    /// It will be sent, for the first time or again.
    Pending,
    /// It arrived.
    Sent,
    /// Every attempt failed, or its channel was disabled. It can be resent.
    Dead,
}

impl NotificationState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Sent, Self::Dead];

    /// The name as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }
}

/// One attempt to send. Never holds what the receiver answered, beyond the status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// The status answered; null when none was.
    pub status: Option<u16>,
    /// Why it failed; null when it did not.
    pub error: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
}

/// Something that somebody is told.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Notification {
    /// Its name.
    pub id: Uuid,
    /// To whom.
    pub channel: Uuid,
    /// About which alert.
    pub alert: Uuid,
    /// What happened to it.
    pub event: NoticeEvent,
    /// How far it is.
    pub state: NotificationState,
    /// The newest 20 attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// When it will be tried next; null when it will not.
    pub next_attempt_at: Option<Timestamp>,
    /// When it happened.
    pub created_at: Timestamp,
}
