use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::egress::websocket::Refusal;

fn read_as(text: &str, timelines: &[Timeline]) -> Event {
    let reading = Reading { domain: "a.example", now: Timestamp::now() };
    read(&Message::text(text), reading, timelines).unwrap()
}

fn tags() -> Vec<Timeline> {
    Timeline::all(&["cats".to_owned(), "dogs".to_owned()], false)
}

fn status() -> Value {
    json!({
        "id": "7", "uri": "https://a.example/7", "created_at": "2026-11-23T07:59:00.000Z", "content": "<p>hi</p>",
        "visibility": "public", "account": {"acct": "ana"}
    })
}

#[test]
fn messages_are_told_apart() {
    let update = json!({"stream": ["hashtag", "dogs"], "event": "update", "payload": status().to_string()});
    let Event::Status { entry: Ok(read), timeline: Some(1) } = read_as(&update.to_string(), &tags()) else {
        panic!("not a status of the second timeline");
    };
    assert_eq!(read.id, "7");
    let edit =
        json!({"stream": ["hashtag", "dogs"], "event": "status.update", "payload": status().to_string()});
    assert!(matches!(read_as(&edit.to_string(), &tags()), Event::Status { entry: Ok(_), timeline: None }));
    let check =
        |message: Value, expected: Event| assert_eq!(read_as(&message.to_string(), &tags()), expected);
    check(json!({"stream": ["public"], "event": "delete", "payload": "7"}), Event::Deleted("7".to_owned()));
    check(json!({"stream": ["user"], "event": "filters_changed"}), Event::Other);
    check(json!({"stream": ["user"], "event": "announcement", "payload": "{}"}), Event::Other);
    check(json!({"error": "Not authorized", "status": 401}), Event::Refused("status 401".to_owned()));
    let failed = Event::Failed("the instance reported an error in the stream".to_owned());
    check(json!({"error": "secret words", "status": 500}), failed.clone());
    check(json!({"error": "secret words"}), failed);
}

#[test]
fn what_cannot_be_read_is_said_to_be_so() {
    let wrong = [
        "no json".to_owned(),
        "[]".to_owned(),
        json!({"event": "update"}).to_string(),
        json!({"event": "update", "payload": {}}).to_string(),
        json!({"event": "delete", "payload": ""}).to_string(),
        json!({"stream": 7, "event": "update", "payload": "{}"}).to_string(),
        format!("{}{}", "[".repeat(1_000), "]".repeat(1_000)),
        "x".repeat(EVENT_BYTES_MAX + 1),
    ];
    for text in wrong {
        assert_eq!(read_as(&text, &tags()), Event::Unreadable, "{:.80}", text);
    }
    let broken = json!({"event": "update", "payload": "{\"id\": \"7\"}"}).to_string();
    assert!(matches!(read_as(&broken, &tags()), Event::Status { entry: Err(_), timeline: None }));
    let reading = Reading { domain: "a.example", now: Timestamp::now() };
    assert_eq!(read(&Message::binary(vec![1]), reading, &tags()), Some(Event::Unreadable));
    assert_eq!(read(&Message::Ping(Vec::new().into()), reading, &tags()), None);
}

#[test]
fn what_names_no_timeline_belongs_to_the_only_one() {
    let update = json!({"event": "update", "payload": status().to_string()}).to_string();
    let timeline = |timelines: &[Timeline]| match read_as(&update, timelines) {
        Event::Status { timeline, .. } => timeline,
        other => panic!("{other:?}"),
    };
    assert_eq!(timeline(&Timeline::all(&[], false)), Some(0));
    assert_eq!(timeline(&tags()), None);
}

#[test]
fn a_stream_that_is_not_offered_is_told_from_one_that_fails() {
    let refused = |status: u16, retry_after: Option<u64>| {
        let retry_after = retry_after.map(Duration::from_secs);
        no_stream(OpenError::Refused(Box::new(Refusal { status, retry_after, body: String::new() })))
    };
    for status in [200, 302, 400, 401, 403, 404, 501] {
        assert_eq!(refused(status, None), NoStream::NotOffered(format!("status {status}")));
    }
    assert_eq!(
        no_stream(OpenError::Unreached(EgressError::Refused)),
        NoStream::NotOffered(EgressError::Refused.to_string())
    );
    for (status, retry_after, is_limited) in [
        (429, Some(7), true),
        (429, None, true),
        (503, Some(7), true),
        (503, None, false),
        (500, None, false),
    ] {
        let NoStream::Failed(error) = refused(status, retry_after) else { panic!("{status}") };
        assert_eq!(matches!(error, ConnectorError::RateLimited { .. }), is_limited, "{status}");
    }
    assert!(matches!(no_stream(OpenError::Unreached(EgressError::TimedOut)), NoStream::Failed(_)));
}
