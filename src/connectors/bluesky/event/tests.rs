use serde_json::{Value, json};

use super::*;

const AT: &str = "2026-11-23T08:00:00.5Z";

fn v2(payload: Value) -> Result<Message, Unreadable> {
    read_v2(&json!({"$type": "message", "payload": payload}).to_string())
}

fn commit(operation: &str, record: Value) -> Value {
    json!({
        "$type": "network.bsky.jetstream.subscribeEvents#commit", "seq": 7, "did": "did:plc:ana", "time": AT,
        "witnessedAt": AT, "rev": "3l", "operation": operation, "collection": "app.bsky.feed.post", "rkey": "3k",
        "record": record, "cid": "bafy"
    })
}

fn change(message: Result<Message, Unreadable>) -> Change {
    match message {
        Ok(Message::Event(event)) => event.change,
        other => panic!("{other:?}"),
    }
}

fn post(message: Result<Message, Unreadable>) -> NewPost {
    match change(message) {
        Change::Post(post) => *post,
        other => panic!("{other:?}"),
    }
}

fn record() -> Value {
    json!({
        "$type": "app.bsky.feed.post", "text": "caf\u{e9} \"quoted\"", "createdAt": "2026-11-23T07:59:59Z",
        "langs": ["pt-BR", "en"], "reply": {"parent": {"uri": "at://did:plc:bo/app.bsky.feed.post/1", "cid": "c"},
        "root": {"uri": "at://x", "cid": "c"}}
    })
}

#[test]
fn a_post_is_read_alike_in_both_versions() {
    let from_v2 = v2(commit("create", record()));
    let Ok(Message::Event(event)) = &from_v2 else { panic!("{from_v2:?}") };
    assert_eq!((event.seq, event.at), (Some(7), AT.parse().unwrap()));
    let from_v2 = post(from_v2);
    assert_eq!(from_v2.id, "at://did:plc:ana/app.bsky.feed.post/3k");
    assert_eq!(from_v2.text, "café \"quoted\"");
    assert_eq!(from_v2.lang.as_deref(), Some("pt-BR"));
    assert_eq!(from_v2.parent_id.as_deref(), Some("at://did:plc:bo/app.bsky.feed.post/1"));
    assert_eq!(from_v2.created_at, Some("2026-11-23T07:59:59Z".parse().unwrap()));
    let line = json!({
        "did": "did:plc:ana", "time_us": 1_763_884_800_500_000_i64, "kind": "commit",
        "commit": {"rev": "3l", "operation": "create", "collection": "app.bsky.feed.post", "rkey": "3k",
            "record": record(), "cid": "bafy"}
    });
    assert_eq!(post(read_v1(&line.to_string())).id, from_v2.id);
}

#[test]
fn times_and_languages_that_an_app_made_up_do_not_cost_a_post() {
    for (created_at, expected) in [
        ("2099-01-01T00:00:00Z", AT),
        ("yesterday", AT),
        ("", AT),
        ("2026-11-23T09:59:00+02:00", "2026-11-23T07:59:00Z"),
    ] {
        let mut record = record();
        record["createdAt"] = json!(created_at);
        record["langs"] = json!(["klingon language"]);
        let read = post(v2(commit("create", record)));
        assert_eq!((read.created_at, read.lang), (Some(expected.parse().unwrap()), None), "{created_at}");
    }
}

#[test]
fn deletions_accounts_and_messages_of_the_host_are_told_apart() {
    let deleted = change(v2(commit("delete", Value::Null)));
    assert_eq!(deleted, Change::PostDeleted("at://did:plc:ana/app.bsky.feed.post/3k".to_owned()));
    let account = |active: bool, status: Option<&str>| {
        let payload = json!({"$type": "network.bsky.jetstream.subscribeEvents#account", "seq": 8, "did": "did:plc:ana",
            "witnessedAt": AT, "account": {"active": active, "status": status, "did": "did:plc:ana", "seq": 1, "time": AT}});
        change(v2(payload))
    };
    let gone = Change::AuthorGone("did:plc:ana".to_owned());
    for status in [None, Some("deleted"), Some("takendown"), Some("suspended"), Some("deactivated")] {
        assert_eq!(account(false, status), gone, "{status:?}");
    }
    assert_eq!(account(false, Some("throttled")), Change::Other);
    assert_eq!(account(true, None), Change::Other);
    let sync = json!({"$type": "network.bsky.jetstream.subscribeEvents#sync", "seq": 9, "did": "did:plc:ana",
        "time": AT, "sync": {"rev": "3l", "seq": 1, "time": AT, "did": "did:plc:ana"}});
    assert_eq!(change(v2(sync)), Change::Other);
    let line = json!({"did": "did:plc:ana", "time_us": 1, "kind": "account",
        "account": {"active": false, "status": "deleted", "did": "did:plc:ana", "seq": 1, "time": AT}});
    assert_eq!(change(read_v1(&line.to_string())), gone);
    let info = v2(json!({"$type": "network.bsky.jetstream.subscribeEvents#info", "name": "OutdatedCursor",
        "message": "older than the oldest event"}));
    assert_eq!(info, Ok(Message::StartsLater("OutdatedCursor: older than the oldest event".to_owned())));
    let error = read_v2(r#"{"$type":"error","error":"ConsumerTooSlow","message":"too far behind"}"#);
    assert_eq!(error, Ok(Message::Ends("ConsumerTooSlow: too far behind".to_owned())));
}

#[test]
fn what_cannot_be_read_is_told_from_what_does_not_matter() {
    assert_eq!(change(v2(commit("create", json!({"text": "", "createdAt": AT})))), Change::Other);
    let mut like = commit("create", json!({}));
    like["collection"] = json!("app.bsky.feed.like");
    assert_eq!(change(v2(like)), Change::Other);
    for did in ["", "did:plc:a\u{0}", "did:plc:a b", &"x".repeat(300)] {
        let mut deleted = commit("delete", Value::Null);
        deleted["did"] = json!(did);
        deleted["rkey"] = json!("r".repeat(if did.is_empty() { 300 } else { 3 }));
        assert_eq!(change(v2(deleted)), Change::Unreadable, "{did}");
    }
    for record in [json!({"text": 7}), json!([]), Value::Null, json!({"createdAt": AT})] {
        assert_eq!(change(v2(commit("create", record.clone()))), Change::Unreadable, "{record}");
    }
    let deep = format!("{{\"$type\":\"message\",\"payload\":{}{}}}", "[".repeat(1_000), "]".repeat(1_000));
    let large = json!({"$type": "message", "payload": "x".repeat(1 << 20)}).to_string();
    for text in ["", "hello", "[]", "{}", "{\"$type\":\"message\"}", &deep, &large] {
        assert_eq!(read_v2(text), Err(Unreadable));
        assert_eq!(read_v1(text), Err(Unreadable));
    }
}
