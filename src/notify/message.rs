//! Content of notifications, independent of the kind of channel.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::models::hidden_characters::is_hidden;
use crate::models::id::{AlertId, MessageId};
use crate::models::notification::NoticeEvent;
use crate::models::service_alert::ServiceAlert;

/// Notification to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Id by which receivers recognize repeated messages; the same for every attempt.
    pub id: MessageId,
    /// Reason why the message is sent, which determines how receivers format it.
    pub kind: MessageKind,
    /// Changes to alerts, oldest first; at least one.
    pub items: Vec<Item>,
    /// Public URL of the dashboard; if `None`, messages contain no links.
    pub dashboard: Option<String>,
}

/// Reason why a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// One change to an alert.
    Single,
    /// All changes within one digest interval.
    Digest,
    /// A person is testing the channel.
    Test,
}

/// Subject of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Posts, so the alert is an `Alert`.
    Posts,
    /// Groundswell itself, so the alert is a `ServiceAlert`.
    Service,
}

/// Change to an alert, as part of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Subject of the alert.
    pub topic: Topic,
    /// What happened to the alert, and thus what the message says.
    pub event: NoticeEvent,
    /// Time at which it happened.
    pub at: Timestamp,
    /// Alert at that time, in the form that `/alerts` returns. It is kept as JSON, because an older version of
    /// Groundswell may have stored it with fewer fields.
    pub alert: Value,
}

impl Item {
    /// Returns the id of the alert.
    pub fn alert_id(&self) -> &str {
        self.text("/id")
    }

    /// Returns the title of the alert, on one line.
    pub fn title(&self) -> String {
        one_line(self.text("/title"))
    }

    /// Returns the name of the alert's severity.
    pub fn severity(&self) -> &str {
        self.text("/severity")
    }

    /// Returns the name of what the alert is about: its key, `all posts` or, for a service alert, the process that
    /// reports it.
    pub fn subject(&self) -> String {
        if self.topic == Topic::Service {
            return one_line(self.text("/instance"));
        }
        let key = one_line(self.text("/scope/key"));
        if key.is_empty() { "all posts".to_owned() } else { key }
    }

    /// Returns the title with its context, for example `Resolved: half of all posts are negative`.
    pub fn headline(&self) -> String {
        match self.event {
            NoticeEvent::Fired => format!("{}: {}", capitalized(self.severity()), self.title()),
            NoticeEvent::Acknowledged => format!("Acknowledged: {}", self.title()),
            NoticeEvent::Resolved => format!("Resolved: {}", self.title()),
        }
    }

    /// Returns excerpts from the alert's posts, each on one line of at most `n_characters`. For a service alert,
    /// returns its detail.
    pub fn quotes(&self, n_posts: usize, n_characters: usize) -> Vec<String> {
        if self.topic == Topic::Service {
            let detail = cut(&one_line(self.text("/detail")), n_characters);
            return if detail.is_empty() { Vec::new() } else { vec![detail] };
        }
        let posts = self.alert.pointer("/posts").and_then(Value::as_array);
        let texts = posts.into_iter().flatten().filter_map(|post| post.pointer("/text")?.as_str());
        texts.take(n_posts).map(|text| cut(&one_line(text), n_characters)).collect()
    }

    /// Returns the path of the dashboard page about the alert.
    pub fn page(&self) -> String {
        match self.topic {
            Topic::Posts => format!("/alerts?alert={}", self.alert_id()),
            Topic::Service => "/system".to_owned(),
        }
    }

    /// Returns the string at a JSON pointer into the alert, or `""` if there is none.
    pub fn text(&self, pointer: &str) -> &str {
        self.alert.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Message {
    /// Returns the id of the message as receivers see it.
    pub fn wire_id(&self) -> String {
        format!("msg_{}", Uuid::from(self.id).simple())
    }

    /// Returns a one-line summary: the headline of the change or, if there are several, their number.
    pub fn headline(&self) -> String {
        match (self.kind, self.items.as_slice()) {
            (MessageKind::Test, _) => "Test: this channel works".to_owned(),
            (_, [item]) => item.headline(),
            (_, items) => format!("{} alert updates", items.len()),
        }
    }

    /// Returns the URL of the dashboard page about an item, or `None` if the URL of the dashboard is unknown.
    pub fn link(&self, item: &Item) -> Option<String> {
        let dashboard = self.dashboard.as_deref()?.trim_end_matches('/');
        Some(format!("{dashboard}{}", item.page()))
    }
}

/// Creates a message about a change to a service alert.
pub fn service_message(
    event: NoticeEvent,
    alert: &ServiceAlert,
    now: Timestamp,
    dashboard: Option<String>,
) -> Message {
    // Strings and timestamps always serialize.
    let alert = serde_json::to_value(alert).unwrap_or_default();
    let item = Item { topic: Topic::Service, event, at: now, alert };
    Message { id: MessageId::now_v7(), kind: MessageKind::Single, items: vec![item], dashboard }
}

/// Creates a message for testing a channel.
pub fn test_message(now: Timestamp, dashboard: Option<String>) -> Message {
    let alert = serde_json::json!({
        "id": AlertId::now_v7(), "rule": "negativity", "scope": {"dimension": "overall", "key": ""}, "state": "open",
        "severity": "warning", "title": "This is a test. No action is needed.", "value": 0.0, "threshold": 0.5, "count": 0,
        "opened_at": now, "updated_at": now, "resolved_at": null, "acknowledged_at": null, "posts": [],
    });
    let item = Item { topic: Topic::Posts, event: NoticeEvent::Fired, at: now, alert };
    Message { id: MessageId::now_v7(), kind: MessageKind::Test, items: vec![item], dashboard }
}

/// Replaces control characters, line breaks and changes of direction, which the author of a post could use to forge
/// headers or layout.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || is_hidden(c)).collect();
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Truncates text to at most `n_characters`, ending in an ellipsis if it was longer.
pub(super) fn cut(text: &str, n_characters: usize) -> String {
    if text.chars().count() <= n_characters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(n_characters.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::models::id::{PostId, ServiceAlertId};

    /// Returns a message about an alert with `n_posts` posts of `n_characters` characters each.
    pub(in crate::notify) fn message(n_posts: usize, n_characters: usize) -> Message {
        let mut message = test_message("2026-11-21T10:00:00Z".parse().unwrap(), None);
        let post = serde_json::json!({"uuid": PostId::from_u128(0), "text": "é".repeat(n_characters), "churn_risk": 0.9});
        message.kind = MessageKind::Single;
        message.items[0].alert["posts"] = vec![post; n_posts].into();
        message.items[0].alert["title"] = "Half of them\r\nBcc: everybody@example.org".into();
        message
    }

    /// Returns a message about a service alert.
    pub(in crate::notify) fn about_service(event: NoticeEvent) -> Message {
        let at = "2026-11-21T10:00:00Z";
        let alert = serde_json::from_value(serde_json::json!({
            "id": ServiceAlertId::from_u128(0), "condition": "postgres_away", "stage": null, "severity": "critical",
            "title": "PostgreSQL is away", "detail": "connection\r\nrefused", "instance": "host:8080", "since": at,
            "opened_at": at, "resolved_at": null,
        }));
        let dashboard = Some("https://mood.example.org".to_owned());
        service_message(event, &alert.unwrap(), at.parse().unwrap(), dashboard)
    }

    #[test]
    fn a_message_about_the_service_names_its_process_and_links_to_its_page() {
        let message = about_service(NoticeEvent::Fired);
        let item = &message.items[0];
        assert_eq!(message.headline(), "Critical: PostgreSQL is away");
        assert_eq!(
            (item.subject().as_str(), item.quotes(3, 100)),
            ("host:8080", vec!["connection refused".to_owned()])
        );
        assert_eq!(message.link(item).unwrap(), "https://mood.example.org/system");
        assert_eq!(about_service(NoticeEvent::Resolved).headline(), "Resolved: PostgreSQL is away");
    }

    #[test]
    fn a_headline_is_always_a_single_line() {
        assert_eq!(message(0, 0).headline(), "Warning: Half of them Bcc: everybody@example.org");
        assert_eq!(message(3, 50).items[0].quotes(2, 10), ["ééééééééé…"; 2]);
    }

    #[test]
    fn links_lead_to_the_alert() {
        let mut message = message(0, 0);
        assert_eq!(message.link(&message.items[0]), None);
        message.dashboard = Some("https://mood.example.org/".to_owned());
        let link = message.link(&message.items[0]).unwrap();
        assert_eq!(link, format!("https://mood.example.org/alerts?alert={}", message.items[0].alert_id()));
    }
}
