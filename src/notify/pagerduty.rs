//! Incidents in PagerDuty (Events API v2). The id of the alert ties later events to the incident.

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::message::{Item, Message, MessageKind, Topic, cut};
use crate::egress::PostRequest;
use crate::models::notification::NoticeEvent;

/// Maximum length of a summary in characters.
const SUMMARY_CHARACTERS_MAX: usize = 1_024;

/// Returns one request for each item of a message. Repeating them is harmless, because PagerDuty deduplicates events by
/// key.
pub fn requests(url: &Url, routing_key: &str, message: &Message) -> Vec<PostRequest> {
    let mut events: Vec<Value> = message.items.iter().map(|item| event(routing_key, message, item)).collect();
    // An incident opened by a test would page someone, so it is resolved at once.
    if let (MessageKind::Test, Some(item)) = (message.kind, message.items.first()) {
        let resolved = Item { event: NoticeEvent::Resolved, ..item.clone() };
        events.push(event(routing_key, message, &resolved));
    }
    events.into_iter().map(|event| request(url, &event)).collect()
}

fn request(url: &Url, event: &Value) -> PostRequest {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    PostRequest { url: url.clone(), headers, body: event.to_string().into_bytes() }
}

fn event(routing_key: &str, message: &Message, item: &Item) -> Value {
    let action = match item.event {
        NoticeEvent::Fired => "trigger",
        NoticeEvent::Acknowledged => "acknowledge",
        NoticeEvent::Resolved => "resolve",
    };
    if item.event != NoticeEvent::Fired {
        return json!({"routing_key": routing_key, "event_action": action, "dedup_key": item.alert_id()});
    }
    let (source, class, details) = match item.topic {
        Topic::Posts => (
            "groundswell".to_owned(),
            item.text("/rule"),
            json!({
                "value": item.alert.get("value"), "threshold": item.alert.get("threshold"),
                "posts": item.alert.get("count"), "examples": item.quotes(3, 280),
            }),
        ),
        Topic::Service => (
            item.subject(),
            item.text("/condition"),
            json!({"detail": item.text("/detail"), "stage": item.alert.get("stage"), "since": item.alert.get("since")}),
        ),
    };
    let mut event = json!({
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": item.alert_id(),
        "client": "Groundswell",
        "payload": {
            "summary": cut(&item.title(), SUMMARY_CHARACTERS_MAX),
            "source": source,
            "severity": item.severity(),
            "timestamp": item.at,
            "component": item.subject(),
            "class": class,
            "custom_details": details,
        },
    });
    if let (Some(link), Some(fields)) = (message.link(item), event.as_object_mut()) {
        fields.insert("client_url".to_owned(), link.into());
    }
    event
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::{about_service, message};
    use super::*;

    fn events(message: &Message) -> Vec<Value> {
        let url = "https://events.pagerduty.com/v2/enqueue".parse().unwrap();
        let posts = requests(&url, "k", message);
        posts.iter().map(|post| serde_json::from_slice(&post.body).unwrap()).collect()
    }

    #[test]
    fn later_events_match_the_incident_by_the_alerts_id() {
        let mut message = message(5, 10);
        let first = &events(&message)[0];
        assert_eq!(first["event_action"], "trigger");
        assert_eq!(first["payload"]["severity"], "warning");
        for (event, action) in
            [(NoticeEvent::Acknowledged, "acknowledge"), (NoticeEvent::Resolved, "resolve")]
        {
            message.items[0].event = event;
            let next = &events(&message)[0];
            assert_eq!((&next["event_action"], &next["dedup_key"]), (&json!(action), &first["dedup_key"]));
        }
    }

    #[test]
    fn an_incident_about_the_service_names_process_and_condition_and_resolves_by_the_same_key() {
        let fired = &events(&about_service(NoticeEvent::Fired))[0];
        let payload = &fired["payload"];
        assert_eq!((&payload["source"], &payload["class"]), (&json!("host:8080"), &json!("postgres_away")));
        assert_eq!(payload["custom_details"]["detail"], "connection\r\nrefused");
        let resolved = &events(&about_service(NoticeEvent::Resolved))[0];
        assert_eq!(
            (&resolved["event_action"], &resolved["dedup_key"]),
            (&json!("resolve"), &fired["dedup_key"])
        );
    }

    #[test]
    fn a_test_leaves_no_incident_open() {
        let mut message = message(0, 0);
        message.kind = MessageKind::Test;
        let actions: Vec<Value> =
            events(&message).into_iter().map(|mut it| it["event_action"].take()).collect();
        assert_eq!(actions, ["trigger", "resolve"]);
    }
}
