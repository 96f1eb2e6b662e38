//! What the instance itself promises.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{
    ACCOUNT_ID, ANYTHING, Access, FeedAccess, InstanceOptions, MastodonHost, STREAMING, Status, TIMELINES,
    status_id,
};
use crate::support::web::plain::{Plain, http, send};
use crate::support::web::{End, Fault};
use crate::support::{PATIENCE, until};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const OPEN: FeedAccess = FeedAccess { local: Access::Public, remote: Access::Public };

async fn get(host: &MastodonHost, path: &str) -> Plain {
    send(http().get(format!("{}{path}", host.web.url()))).await.unwrap()
}

async fn stream(host: &MastodonHost, query: &str) -> Result<Socket, tungstenite::Error> {
    let url = format!("{}/api/v1/streaming?{query}", host.web.url().replace("http", "ws"));
    connect_async(url).await.map(|(socket, _)| socket)
}

/// Returns the next message that is no ping.
async fn next(socket: &mut Socket) -> Value {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Reads until the end. Returns the messages, and how the stream ended.
async fn rest(socket: &mut Socket) -> (Vec<String>, String) {
    let mut messages = Vec::new();
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => messages.push(text.to_string()),
            Some(Ok(Message::Close(frame))) => {
                return (messages, frame.map_or(1005, |it| u16::from(it.code)).to_string());
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return (messages, error.to_string()),
            None => return (messages, "end".to_owned()),
        }
    }
}

fn numbers(page: &Value) -> Vec<u32> {
    let number = |status: &Value| status["content"].as_str()?.split(' ').nth(1)?.parse().ok();
    page.as_array().unwrap().iter().filter_map(number).collect()
}

#[tokio::test]
async fn timelines_are_paged_in_both_directions() {
    let host = MastodonHost::start(InstanceOptions::default()).await;
    host.publish(0..100);
    let page = get(&host, "/api/v1/timelines/public").await;
    assert_eq!(numbers(&page.json()), (80..100).rev().collect::<Vec<_>>());
    let most = get(&host, "/api/v1/timelines/public?limit=1000").await.json();
    assert_eq!(numbers(&most).len(), 40);
    let id = host.id(50);
    for (query, expected) in [
        (format!("min_id={id}&limit=3"), vec![53, 52, 51]),
        (format!("since_id={id}&limit=3"), vec![99, 98, 97]),
        (format!("max_id={id}&limit=3"), vec![49, 48, 47]),
        (format!("min_id={id}&max_id={}", host.id(53)), vec![52, 51]),
        (format!("min_id={}", host.id(99)), vec![]),
    ] {
        let page = get(&host, &format!("/api/v1/timelines/public?{query}")).await;
        assert_eq!(numbers(&page.json()), expected, "{query}");
        assert_eq!(page.header("link").is_empty(), expected.is_empty());
    }
    let page = get(&host, &format!("/api/v1/timelines/public?local=true&limit=2&min_id={id}")).await;
    let url = host.web.url();
    let link = |name: &str, number| {
        format!("<{url}/api/v1/timelines/public?local=true&limit=2&{name}={}>", host.id(number))
    };
    let links = format!("{}; rel=\"next\", {}; rel=\"prev\"", link("max_id", 51), link("min_id", 52));
    assert_eq!(page.header("link"), links);
    let asked = host.web.requests().pop().unwrap();
    assert_eq!((asked.param("min_id"), asked.status, asked.is_over), (Some(&*id), 200, true));
}

#[tokio::test]
async fn feeds_have_what_belongs_to_them() {
    let host = MastodonHost::start(InstanceOptions::default()).await;
    let tags = vec!["nimbrel"];
    host.add([
        Status { tags: tags.clone(), ..Status::new(0) },
        Status { is_local: false, tags: tags.clone(), has_image: true, ..Status::new(1) },
        Status { is_reply: true, tags, mentions: vec!["ben"], ..Status::new(2) },
        Status { visibility: "unlisted", language: None, ..Status::new(3) },
        Status { at: Timestamp::now() - SignedDuration::from_hours(30), ..Status::new(4) },
    ]);
    for (feed, expected) in [
        ("public", vec![1, 0, 4]),
        ("public?local=true", vec![0, 4]),
        ("public?remote=true", vec![1]),
        ("tag/Nimbrel", vec![2, 1, 0]),
        ("tag/other?any[]=nimbrel&local=true", vec![2, 0]),
        ("tag/other", vec![]),
    ] {
        let page = get(&host, &format!("/api/v1/timelines/{feed}")).await;
        assert_eq!((page.status, numbers(&page.json())), (200, expected), "{feed}");
    }
    let remote = get(&host, &format!("/api/v1/statuses/{}", host.id(1))).await.json();
    assert_eq!(remote["account"]["acct"], json!("ana@elsewhere.example"));
    assert_eq!(remote["media_attachments"][0]["type"], json!("image"));
    assert!(remote["uri"].as_str().unwrap().starts_with("https://elsewhere.example/users/ana/statuses/"));

    host.change(0, |status| (status.n_reblogs, status.n_favourites, status.n_replies) = (3, 4, 5));
    let changed = get(&host, &format!("/api/v1/statuses?id[]={}&id[]=1", host.id(0))).await.json();
    assert_eq!(changed.as_array().unwrap().len(), 1, "only what exists");
    assert_eq!((&changed[0]["reblogs_count"], &changed[0]["favourites_count"]), (&json!(3), &json!(4)));
    assert_eq!((&changed[0]["replies_count"], &changed[0]["edited_at"]), (&json!(5), &Value::Null));
    host.delete(0);
    let gone = get(&host, &format!("/api/v1/statuses/{}", host.id(0))).await;
    assert_eq!((gone.status, gone.text.as_str()), (404, r#"{"error":"Record not found"}"#));
    host.forget();
    assert_eq!(get(&host, "/api/v1/timelines/public").await.text, "[]");
}

#[tokio::test]
async fn a_token_is_asked_for_where_the_instance_says_so() {
    let token = Some("secret".to_owned());
    let host = MastodonHost::start(InstanceOptions { token, ..InstanceOptions::default() }).await;
    host.add([Status::new(0), Status { is_local: false, ..Status::new(1) }]);
    let authenticated = FeedAccess { local: Access::Public, remote: Access::Authenticated };
    let disabled = FeedAccess { local: Access::Disabled, remote: Access::Disabled };
    host.allow(authenticated, disabled);
    let instance = get(&host, "/api/v2/instance").await.json();
    assert_eq!(instance["version"], "4.5.2");
    let configuration = &instance["configuration"];
    assert_eq!(configuration["urls"]["streaming"], host.web.url().replace("http", "ws"));
    let access = &configuration["timelines_access"];
    assert_eq!(access["live_feeds"], json!({"local": "public", "remote": "authenticated"}));
    assert_eq!(access["hashtag_feeds"], json!({"local": "disabled", "remote": "disabled"}));

    let timeline = |query: &str| format!("{}/api/v1/timelines/{query}", host.web.url());
    for (query, token, status, n) in [
        ("public", None, 401, 0),
        ("public?local=true", None, 200, 1),
        ("public?local=true", Some("wrong"), 401, 0),
        ("public", Some("secret"), 200, 2),
        ("tag/nimbrel", Some("secret"), 200, 0),
    ] {
        let request = http().get(timeline(query));
        let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
        let answer = send(request).await.unwrap();
        assert_eq!(answer.status, status, "{query} {token:?}");
        match answer.json() {
            Value::Array(page) => assert_eq!(page.len(), n),
            refused => assert_eq!(refused, json!({"error": "The access token is invalid"})),
        }
    }
    for (query, reason) in [("", "Missing access token"), ("access_token=wrong", "Invalid access token")] {
        let Err(tungstenite::Error::Http(refused)) = stream(&host, query).await else { panic!("{query}") };
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["x-error-message"]),
            (401, &reason.parse().unwrap())
        );
    }
    let mut socket = stream(&host, "access_token=secret&stream=public").await.unwrap();
    host.set_token(Some("other"));
    assert_eq!(rest(&mut socket).await.1, "1001");
    assert!(stream(&host, "access_token=secret").await.is_err());
    host.set_token(None);
    assert!(stream(&host, "access_token=secret").await.is_ok());
}

#[tokio::test]
async fn a_stream_brings_what_happens_on_the_channels_subscribed_to() {
    let host = MastodonHost::start(InstanceOptions::default()).await;
    host.publish(0..1);
    let mut socket = stream(&host, "stream=public:local").await.unwrap();
    let tagged = |number| Status { is_local: false, tags: vec!["nimbrel"], ..Status::new(number) };
    host.add([tagged(1), Status::new(2)]);
    let update = next(&mut socket).await;
    assert_eq!((&update["stream"], &update["event"]), (&json!(["public:local"]), &json!("update")));
    let status: Value = serde_json::from_str(update["payload"].as_str().unwrap()).unwrap();
    assert_eq!(status["id"], json!(host.id(2)), "there is no replay, and nothing from elsewhere");
    assert_eq!(status["content"], "<p>post 2 about nimbrel</p>");

    for wrong in [json!({"stream": "hashtag"}), json!({"stream": "sky", "tag": "x"})] {
        let mut message = wrong;
        message["type"] = json!("subscribe");
        socket.send(message.to_string().into()).await.unwrap();
        assert_eq!(next(&mut socket).await["status"], 400);
    }
    let hashtag = |kind: &str| json!({"type": kind, "stream": "hashtag", "tag": "Nimbrel"}).to_string();
    socket.send(hashtag("subscribe").into()).await.unwrap();
    socket.send("neither JSON nor understood".into()).await.unwrap();
    until("it is subscribed", async || {
        host.add([tagged(3)]);
        tokio::time::timeout(Duration::from_millis(50), next(&mut socket))
            .await
            .is_ok_and(|message| message["stream"] == json!(["hashtag", "Nimbrel"]))
    })
    .await;
    socket.send(hashtag("unsubscribe").into()).await.unwrap();
    socket.send(json!({"type": "subscribe", "stream": "hashtag:local"}).to_string().into()).await.unwrap();
    while next(&mut socket).await["error"] != "Missing tag name parameter" {}

    host.edit(2, "edited & <new>");
    host.edit(8, "before it was seen");
    host.delete(7);
    assert_eq!(host.delete_author(), ACCOUNT_ID);
    let edited = next(&mut socket).await;
    let status: Value = serde_json::from_str(edited["payload"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&edited["event"], &status["content"]),
        (&json!("status.update"), &json!("<p>edited &amp; &lt;new&gt;</p>"))
    );
    assert!(status["edited_at"].is_string());
    assert_eq!(next(&mut socket).await["event"], "status.update");
    for number in [7, 0, 2] {
        let deleted = next(&mut socket).await;
        assert_eq!((&deleted["event"], &deleted["payload"]), (&json!("delete"), &json!(host.id(number))));
    }
    assert_eq!(get(&host, &format!("/api/v1/accounts/{ACCOUNT_ID}")).await.status, 404);

    // A feed that is disabled is streamed without what is written.
    host.allow(FeedAccess { local: Access::Disabled, ..OPEN }, OPEN);
    host.publish(20..25);
    host.delete(20);
    assert_eq!(next(&mut socket).await["event"], "delete");
    socket.send(Message::Binary(vec![1].into())).await.unwrap();
    assert_eq!(rest(&mut socket).await.1, "1003");
}

#[tokio::test]
async fn what_goes_wrong_is_what_was_ordered() {
    let host = MastodonHost::start(InstanceOptions::default()).await;
    host.publish(0..10);
    for (fault, status, text) in [
        (Fault::Status(429, Some(7)), 429, "{\"error\":\"Too many requests\"}"),
        (Fault::Status(503, None), 503, "{\"error\":\"Service Unavailable\"}"),
        (Fault::Fails(3), 502, "<html>"),
        (Fault::Quiet, 200, "[]"),
        (Fault::Closes(3), 200, "[{"),
        (Fault::Twice, 200, "[{"),
        (Fault::Swapped, 200, "[{"),
        (Fault::Slow, 200, "[{"),
        (Fault::Fragmented, 200, "[{"),
    ] {
        host.web.fault(TIMELINES, fault);
        assert_eq!(get(&host, "/api/v2/instance").await.status, 200, "it waits for a timeline");
        let before = Timestamp::now();
        let answer = get(&host, "/api/v1/timelines/public").await;
        assert_eq!(answer.status, status, "{fault:?}");
        assert!(answer.text.starts_with(text), "{fault:?}: {}", answer.text);
        match fault {
            Fault::Status(429, _) => {
                let resets_at: Timestamp = answer.header("x-ratelimit-reset").parse().unwrap();
                let (earliest, latest) = (before, Timestamp::now());
                let seven = SignedDuration::from_secs(7);
                assert!(
                    (earliest + seven - SignedDuration::from_secs(1)..=latest + seven).contains(&resets_at)
                );
            }
            Fault::Closes(_) => assert!(answer.json().is_null()),
            Fault::Twice => assert_eq!(numbers(&answer.json()).len(), 20),
            Fault::Swapped => assert_eq!(numbers(&answer.json())[..4], [8, 9, 6, 7]),
            Fault::Slow | Fault::Fragmented => assert_eq!(numbers(&answer.json()).len(), 10),
            _ => {}
        }
    }
    host.web.keep_fault(ANYTHING, Some(Fault::BreaksInside(3)));
    let request = || http().get(format!("{}/api/v1/timelines/public", host.web.url()));
    assert!(send(request()).await.is_err() && send(request()).await.is_err());
    host.web.keep_fault(ANYTHING, None);
    host.web.fault(ANYTHING, Fault::Silent);
    assert!(send(request().timeout(Duration::from_millis(100))).await.is_err());

    host.limit_requests(1, Duration::from_secs(600));
    let last = get(&host, "/api/v1/timelines/public").await;
    assert_eq!(
        (last.status, last.header("x-ratelimit-remaining"), last.header("x-ratelimit-limit")),
        (200, "0", "300")
    );
    assert_eq!(get(&host, "/api/v1/timelines/public").await.status, 429);
    host.limit_requests(0, Duration::from_millis(300));
    until("the limit is reset", async || get(&host, "/api/v1/timelines/public").await.status == 200).await;
}

#[tokio::test]
async fn streams_break_as_ordered() {
    let host = MastodonHost::start(InstanceOptions {
        ping_every: Duration::from_millis(20),
        ids_from: Timestamp::UNIX_EPOCH,
        ..InstanceOptions::default()
    })
    .await;
    assert_eq!(host.id(3), status_id(Timestamp::UNIX_EPOCH, 3).to_string());
    for (fault, n_messages, end) in [
        (Fault::Closes(3), 3, "1001"),
        (Fault::Fails(3), 4, "1001"),
        (Fault::BreaksInside(3), 3, "reset"),
        (Fault::Status(503, None), 0, "503"),
    ] {
        host.web.fault(STREAMING, fault);
        let (messages, ended) = match stream(&host, "stream=public").await {
            Ok(mut socket) => {
                host.publish(0..10);
                rest(&mut socket).await
            }
            Err(error) => (Vec::new(), error.to_string()),
        };
        assert_eq!(messages.len(), n_messages, "{fault:?}");
        assert!(ended.contains(end), "{fault:?}: {ended}");
    }
    for (fault, expected) in [
        (Fault::Twice, vec![0, 0, 1, 1, 2, 2]),
        (Fault::Swapped, vec![1, 0, 2]),
        (Fault::Slow, vec![0, 1, 2]),
        (Fault::Fragmented, vec![0, 1, 2]),
        (Fault::Quiet, vec![]),
        (Fault::Silent, vec![]),
    ] {
        host.web.fault(STREAMING, fault);
        let mut socket = stream(&host, "stream=public").await.unwrap();
        host.publish(0..3);
        for number in expected {
            let message = next(&mut socket).await;
            assert!(message["payload"].as_str().unwrap().contains(&host.id(number)), "{fault:?}: {message}");
        }
        let so_long = if fault == Fault::Silent { Duration::from_millis(200) } else { PATIENCE };
        let more = tokio::time::timeout(so_long, socket.next()).await;
        match fault {
            Fault::Silent => assert!(more.is_err(), "{more:?}"),
            _ => assert!(matches!(more, Ok(Some(Ok(Message::Ping(_))))), "{fault:?}: {more:?}"),
        }
    }
    assert_eq!(host.web.n_faults_left(), 0);
    until("no connection is left open", async || host.web.n_open() == 0).await;
    let mut socket = stream(&host, "stream=public").await.unwrap();
    until("one is open", async || host.web.n_open() == 1).await;
    host.web.disconnect(End::Reset);
    assert!(rest(&mut socket).await.1.contains("reset"));
    let mut mute = stream(&host, "stream=public").await.unwrap();
    // A client that does not read does not answer pings either.
    until("it is cut", async || host.web.requests().last().unwrap().is_over).await;
    assert!(rest(&mut mute).await.1.contains("reset"));
}

#[tokio::test]
async fn garbage_stands_where_statuses_do() {
    let host = MastodonHost::start(InstanceOptions::default()).await;
    let mut socket = stream(&host, "stream=public&tag=x").await.unwrap();
    host.publish(0..3);
    let n = host.add_garbage();
    host.publish(3..5);
    let page = get(&host, "/api/v1/timelines/public?limit=40").await.text;
    let items: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(&page).unwrap();
    assert_eq!(items.len() as u64, 5 + n);
    let after = get(&host, &format!("/api/v1/timelines/public?min_id={}", host.id(2))).await.text;
    assert!(after.len() > 1 << 20 && after.contains(&host.id(4)) && !after.contains(&host.id(1)));
    let n_sent = host.send_garbage();
    host.publish(5..6);
    for _ in 0..5 + n + n_sent {
        assert!(matches!(socket.next().await, Some(Ok(Message::Text(_)))));
    }
    assert!(next(&mut socket).await["payload"].as_str().unwrap().contains("post 5 about nimbrel"));
}
