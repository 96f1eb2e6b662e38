//! Deliveries of other systems to the real program: what is taken, what is refused, and what becomes of the posts.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::process::Process;
use crate::support::webhook_sender::{Delivery, WebhookSender};
use crate::support::{Client, Space, post, until};

/// Settings for what a help desk sends.
fn help_desk() -> Value {
    json!({
        "platform": "helpdesk", "items": "/data/tickets",
        "mapping": {
            "id": "/nr", "text": "/body/plain", "created_at": "/opened", "lang": "/language", "channel": "/via",
            "author": {"id": "/from/nr", "handle": "/from/name", "followers": "/from/fans"},
            "geo": {"city": "/from/town"}, "engagement": {"likes": "/votes/up"},
        },
    })
}

fn ticket(number: u32, text: &str) -> Value {
    json!({
        "nr": number, "body": {"plain": text, "html": "<p>…"}, "opened": Timestamp::now().as_millisecond(),
        "language": "en", "via": "support", "from": {"nr": 7, "name": "ana", "fans": "12", "town": "Oslo"},
        "votes": {"up": 3}, "attachments": [],
    })
}

/// Starts the program on a database of its own.
async fn start() -> (Space, Process, Client) {
    let space = Space::new().await;
    let mut server = Process::start_on(&space, &[]);
    let client = Client::new(server.ready().await);
    (space, server, client)
}

async fn stop(server: Process) {
    server.terminate();
    assert!(server.ended().await.success());
}

fn at_hand(seconds: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(seconds)
}

#[tokio::test]
async fn a_signed_delivery_is_stored_and_counted_once_however_often_it_comes() {
    let (space, server, client) = start().await;
    let sender = WebhookSender::create(&client, "CRM", &json!({})).await;
    let tested = sender.act("test").await.body;
    assert!(tested["message"].as_str().unwrap().contains("nothing has been delivered"), "{tested}");
    let delivery = Delivery::new("msg_1", &json!([post(1, "I love it"), post(2, "I hate it")]));
    for _ in 0..3 {
        let answer = sender.send(&delivery).await;
        assert_eq!((answer.status, answer.body), (202, json!({"accepted": 2, "rejected": []})));
    }
    // The same posts in other deliveries: one of them compressed, another signed with two secrets during a rotation.
    let one = json!(post(2, "I hate it"));
    assert_eq!(sender.deliver("msg_2", &one).await.status, 202);
    assert_eq!(sender.send_compressed(&Delivery::new("msg_3", &one)).await.status, 202);
    let delivery = Delivery::new("msg_4", &one);
    let mut headers = delivery.headers(&sender.secret);
    headers[2].1 = format!("v1,{} {}", "A".repeat(44), headers[2].1);
    assert_eq!(sender.send_with(&headers, delivery.body.clone()).await.status, 202);
    space.assert_counted_once(2).await;

    let source = sender.source().await;
    assert_eq!((&source["state"], &source["network"]), (&json!("running"), &json!("webhook")), "{source}");
    assert_eq!(
        (&source["offered"], &source["stored"], &source["rejected"]),
        (&json!(9), &json!(9), &json!(0))
    );
    assert!(source["last_post_at"].is_string() && source["lag_s"].is_number(), "{source}");
    let tested = sender.act("test").await.body;
    assert!(tested["message"].as_str().unwrap().contains("the last post arrived at"), "{tested}");
    let listed = client.get("/api/v1/posts?source=webhook").await;
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{listed}");
    assert!(items.iter().all(|item| item["post"]["connector"] == source["id"]), "{listed}");

    // No process has to hear it.
    let sql = space.sql().await;
    sql.execute("UPDATE sources SET created_at = created_at - interval '1 hour'", &[]).await.unwrap();
    assert_eq!(sender.source().await["state"], "running");
    stop(server).await;
}

#[tokio::test]
async fn only_what_is_signed_for_this_source_and_time_is_taken() {
    let (space, server, client) = start().await;
    let sender = WebhookSender::create(&client, "CRM", &json!({})).await;
    let other = WebhookSender::create(&client, "Forum", &json!({})).await;
    let sky =
        client.post("/api/v1/sources", &json!({"network": "bluesky", "name": "Sky"})).await.unwrap().body;
    assert!(sky.get("secret").is_none(), "{sky}");
    let body = json!(post(1, "I love it"));
    let delivery = Delivery::new("msg_1", &body);
    let genuine = delivery.headers(&sender.secret);
    let refused = async |what: &str, headers: &[(&str, String)], body: &Value| {
        let answer = sender.send_with(headers, body.to_string().into_bytes()).await;
        let code = &answer.body["error"]["code"];
        assert_eq!((answer.status, code), (401, &json!("bad_signature")), "{what}: {}", answer.body);
        answer.body["error"]["message"].clone()
    };
    let with = |name: &str, value: &str| {
        let mut headers = genuine.clone();
        headers.iter_mut().find(|(known, _)| *known == name).unwrap().1 = value.to_owned();
        headers
    };

    for missing in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let headers: Vec<_> = genuine.iter().filter(|(name, _)| *name != missing).cloned().collect();
        refused(missing, &headers, &body).await;
        let twice: Vec<_> =
            genuine.iter().filter(|(name, _)| *name == missing).chain(&genuine).cloned().collect();
        refused(&format!("two of {missing}"), &twice, &body).await;
        refused(&format!("empty {missing}"), &with(missing, ""), &body).await;
    }
    refused("another secret", &delivery.headers(&other.secret), &body).await;
    refused("another body", &genuine, &json!(post(2, "I hate it"))).await;
    refused("another id", &with("webhook-id", "msg_2"), &body).await;
    refused("another version", &with("webhook-signature", &genuine[2].1.replace("v1,", "v1a,")), &body).await;
    // A time ahead comes nearer while it is sent, so it lies half a minute beyond the tolerance.
    for seconds in [-301, -86_400, 330] {
        let late = Delivery { at: at_hand(seconds), ..delivery.clone() };
        refused(&format!("sent {seconds} s from now"), &late.headers(&sender.secret), &body).await;
    }
    // A copy that somebody sends under a time of their own.
    let now = at_hand(1).as_second().to_string();
    let message = refused("another time", &with("webhook-timestamp", &now), &body).await;

    // Whether a source exists is not told.
    let nowhere = "/api/v1/sources/01930000-0000-7000-8000-000000000001".to_owned();
    for path in [nowhere, format!("/api/v1/sources/{}", sky["id"].as_str().unwrap())] {
        let lost = WebhookSender { path, ..sender.clone() };
        let answer = lost.send(&delivery).await;
        assert_eq!((answer.status, &answer.body["error"]["message"]), (401, &message), "{}", answer.body);
    }

    let early = Delivery { at: at_hand(-270), ..delivery.clone() };
    assert_eq!(sender.send(&early).await.status, 202, "within the tolerance");
    space.assert_counted_once(1).await;
    stop(server).await;
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_takes_nothing_else_down() {
    let (space, server, client) = start().await;
    let sender = WebhookSender::create(&client, "CRM", &json!({})).await;
    let desk = WebhookSender::create(&client, "Help desk", &help_desk()).await;
    let code = |answer: &crate::support::client::Answer| {
        (answer.status, answer.body["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let check = async |sender: &WebhookSender, body: &str, status: u16, expected: &str| {
        let answer = sender.send(&Delivery::raw("msg_bad", body)).await;
        assert_eq!(code(&answer), (status, expected.to_owned()), "{:.80}: {}", body, answer.body);
    };
    for body in ["", "{", "[1,", "id=1&text=a", "{\"id\": 1} 2", "\u{feff}[]"] {
        check(&sender, body, 400, "malformed_json").await;
        check(&desk, body, 400, "malformed_json").await;
    }
    check(&sender, &" ".repeat(8 * 1024 * 1024 + 1), 413, "too_large").await;
    check(&sender, &format!("[{}1]", "1,".repeat(10_000)), 413, "too_large").await;
    check(&desk, "{\"data\": {}}", 422, "missing_field").await;
    check(&desk, "[]", 422, "missing_field").await;
    let long = Delivery::new(&"m".repeat(201), &json!(post(9, "too long an id")));
    assert_eq!(code(&sender.send(&long).await).0, 400);
    let delivery = Delivery::new("msg_form", &json!(post(9, "a form")));
    let mut form = delivery.headers(&sender.secret);
    form[3].1 = "application/x-www-form-urlencoded".to_owned();
    let answer = sender.send_with(&form, delivery.body).await;
    assert_eq!(code(&answer), (415, "unsupported_media_type".to_owned()));

    // Deeper than any post, at the top and inside an item.
    let nested = format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000));
    let answer = sender.send(&Delivery::raw("msg_deep", nested.clone())).await;
    assert_eq!((answer.status, &answer.body["accepted"]), (202, &json!(0)), "{}", answer.body);
    let good = |n: u32| ticket(n, "I love it").to_string();
    let body = format!(
        "{{\"deep\": {nested}, \"data\": {{\"tickets\": [{}, {{\"nr\": 8, \"body\": {nested}}}, {}]}}}}",
        good(1),
        good(2)
    );
    let answer = desk.send(&Delivery::raw("msg_mixed", body)).await;
    assert_eq!((answer.status, &answer.body["accepted"]), (202, &json!(2)), "{}", answer.body);
    assert_eq!(answer.body["rejected"][0]["index"], 1);

    // Every field of the wrong type is named; the neighbours are stored.
    let mut wrong = ticket(9, "x");
    wrong["from"]["fans"] = json!("many");
    let mut late = ticket(10, "x");
    late["opened"] = json!("yesterday");
    let mut empty = ticket(11, "x");
    empty["body"]["plain"] = Value::Null;
    let tickets = [
        json!(5),
        wrong,
        late,
        empty,
        ticket(3, "I hate it"),
        json!({"nr": {"a": 1}, "body": {"plain": "x"}}),
    ];
    let answer = desk.deliver("msg_wrong", &json!({"data": {"tickets": tickets}})).await;
    assert_eq!((answer.status, &answer.body["accepted"]), (202, &json!(1)), "{}", answer.body);
    let rejected: Vec<_> = answer.body["rejected"].as_array().unwrap().iter().collect();
    let fields: Vec<_> =
        rejected.iter().map(|it| (it["index"].as_u64().unwrap(), it["field"].as_str().unwrap())).collect();
    assert_eq!(fields, [(0, "id"), (1, "author.followers"), (2, "created_at"), (3, "text"), (5, "id")]);

    space.assert_counted_once(3).await;
    let source = desk.source().await;
    assert_eq!(
        (&source["offered"], &source["stored"], &source["rejected"]),
        (&json!(9), &json!(3), &json!(6))
    );
    stop(server).await;
}

#[tokio::test]
async fn what_another_system_sends_becomes_the_posts_that_the_preview_showed() {
    let (space, server, client) = start().await;
    let sample = json!({"data": {"tickets": [ticket(1, "I love it"), {"nr": 2}]}});
    let preview = json!({"settings": help_desk(), "sample": sample});
    let preview = client.post("/api/v1/sources/preview-mapping", &preview).await.unwrap();
    assert_eq!(preview.status, 200, "{}", preview.body);
    assert_eq!(preview.body["rejected"][0]["field"], "text");
    let shown = &preview.body["posts"][0];
    assert_eq!(
        (&shown["id"], &shown["platform"], &shown["author"]["id"]),
        (&json!("1"), &json!("helpdesk"), &json!("7"))
    );

    let desk = WebhookSender::create(&client, "Help desk", &help_desk()).await;
    assert_eq!(desk.deliver("msg_1", &sample).await.body["accepted"], 1);
    space.assert_counted_once(1).await;
    let listed = client.get("/api/v1/posts?limit=2").await;
    let stored = &listed["items"][0]["post"];
    for field in ["id", "platform", "text", "lang", "channel", "created_at"] {
        assert_eq!(stored[field], shown[field], "{field}: {stored}");
    }
    assert_eq!((&stored["author"]["handle"], &stored["city"]), (&json!("ana"), &json!("Oslo")), "{stored}");
    assert_eq!((&stored["source"], &stored["engagement"]["likes"]), (&json!("webhook"), &json!(3)));

    // Without a pointer to an id, a delivery that is repeated counts once, and another one counts again.
    let notes = WebhookSender::create(&client, "Notes", &json!({"mapping": {"text": "/note"}})).await;
    for id in ["msg_1", "msg_1", "msg_2"] {
        assert_eq!(
            notes.deliver(id, &json!([{"note": "I love it"}, {"note": "I hate it"}])).await.status,
            202
        );
    }
    // The same id from another source is another delivery.
    let more = WebhookSender::create(&client, "More notes", &json!({"mapping": {"text": "/note"}})).await;
    assert_eq!(more.deliver("msg_1", &json!({"note": "I love it"})).await.status, 202);
    space.assert_counted_once(1 + 4 + 1).await;
    stop(server).await;
}

#[tokio::test]
async fn a_paused_webhook_takes_nothing_until_it_is_resumed() {
    let (space, server, client) = start().await;
    let sender = WebhookSender::create(&client, "CRM", &json!({})).await;
    assert_eq!(sender.act("test").await.body["state"], "running");
    assert_eq!(sender.act("pause").await.body["state"], "paused");
    let delivery = Delivery::new("msg_1", &json!(post(1, "I love it")));
    let answer = sender.send(&delivery).await;
    assert_eq!(
        (answer.status, &answer.body["error"]["code"]),
        (409, &json!("source_paused")),
        "{}",
        answer.body
    );
    let unsigned = sender.send_with(&[], delivery.body.clone()).await;
    assert_eq!(unsigned.status, 401, "only its sender learns that it is paused");
    assert_eq!(sender.act("resume").await.body["state"], "running");
    assert_eq!(sender.send(&delivery).await.status, 202);
    space.assert_counted_once(1).await;
    let answer = client.post(&format!("{}/backfill", sender.path), &json!({"hours": 1})).await.unwrap();
    assert_eq!((answer.status, &answer.body["error"]["code"]), (409, &json!("cannot_backfill")));
    assert_eq!(client.delete(&sender.path).await, 204);
    assert_eq!(sender.send(&delivery).await.status, 401);
    stop(server).await;
}

#[tokio::test]
async fn settings_that_no_webhook_can_have_are_refused_by_name() {
    let (_, server, client) = start().await;
    let check = async |settings: Value, field: &str| {
        let source = json!({"network": "webhook", "name": "CRM", "settings": settings});
        let preview = json!({"settings": settings, "sample": {}});
        for (path, body) in [("/api/v1/sources", source), ("/api/v1/sources/preview-mapping", preview)] {
            let answer = client.post(path, &body).await.unwrap();
            let found = &answer.body["error"]["details"]["field"];
            assert_eq!((answer.status, found), (422, &json!(field)), "{path} {settings}: {}", answer.body);
        }
    };
    check(json!([]), "settings").await;
    check(json!({"mapping": ["/a"]}), "settings.mapping").await;
    check(json!({"mapping": {"text": "/a", "author": ["/b"]}}), "settings.mapping.author").await;
    check(json!({"mapping": {"text": "/a", "geo": {"city": "b"}}}), "settings.mapping.geo.city").await;
    check(json!({"mapping": {"text": "a"}}), "settings.mapping.text").await;
    check(json!({"mapping": {"text": "/a\u{0}"}}), "settings.mapping.text").await;
    check(json!({"mapping": {}}), "settings.mapping.text").await;
    check(json!({"items": "a"}), "settings.items").await;
    check(json!({"platform": "crm"}), "settings.platform").await;
    check(json!({"platform": "C R M", "mapping": {"text": "/a"}}), "settings.platform").await;
    check(json!({"base_url": "https://example.com"}), "settings.base_url").await;
    check(json!({"url": "https://example.com"}), "settings.url").await;

    // The mapping of one that exists can be changed, and applies to the next delivery.
    let sender = WebhookSender::create(&client, "CRM", &json!({"mapping": {"text": "/a"}})).await;
    let change = json!({"settings": {"mapping": {"text": "/b"}}});
    assert_eq!(client.act(("PATCH", &sender.path), &change, "Ana").await.status, 200);
    until("it applies", async || sender.deliver("m", &json!({"b": "I love it"})).await.body["accepted"] == 1)
        .await;
    stop(server).await;
}
