//! People working on posts and alerts at the same time, each under a name.

use serde_json::{Value, json};

use crate::support::{Client, TestApp, eventually, post};

async fn stored(app: &TestApp, n: u64) -> Vec<String> {
    app.publish((0..n).map(|n| post(n, "where is my parcel?")).collect()).await;
    app.space.assert_counted_once(n).await;
    let listed = app.get("/api/v1/posts?limit=500").await;
    listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["post"]["uuid"].as_str().unwrap().to_owned())
        .collect()
}

async fn patch(client: &Client, post: &str, change: Value, actor: &str) -> (u16, Value) {
    let answer = client.act(("PATCH", &format!("/api/v1/posts/{post}/work")), &change, actor).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn of_two_people_who_change_the_same_post_the_second_learns_what_the_first_did() {
    let app = TestApp::start().await;
    let ids = stored(&app, 2).await;
    let (status, first) = patch(&app, &ids[0], json!({"revision": 0, "assignee": "Ana"}), "Ana").await;
    assert_eq!((status, &first["assignee"], &first["needs_answer"]), (200, &json!("Ana"), &json!(true)));
    let late = json!({"revision": 0, "assignee": "Bob"});
    let (status, conflict) = patch(&app, &ids[0], late, "Bob").await;
    assert_eq!(
        (status, &conflict["error"]["code"], &conflict["current"]),
        (409, &json!("work_changed"), &first)
    );
    let next = json!({"revision": first["revision"], "status": "answered", "add_tags": ["Refund"]});
    let (status, answered) = patch(&app, &ids[0], next.clone(), "B%C3%B6b").await;
    assert_eq!((status, &answered["updated_by"]), (200, &json!("Böb")));
    let (status, again) = patch(&app, &ids[0], next, "Eve").await;
    assert_eq!((status, again), (200, answered), "sent again, it changes nothing");

    let note = json!({"text": " refunded "});
    let path = format!("/api/v1/posts/{}/notes", ids[0]);
    assert_eq!(app.act(("POST", &path), &note, "Ana").await.status, 201);
    let history = app.get(&format!("/api/v1/posts/{}/history", ids[0])).await;
    let told: Vec<_> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| json!([it["actor"], it["field"], it["after"]]))
        .collect();
    let expected = [
        json!(["Ana", "assignee", "Ana"]),
        json!(["Ana", "needs_answer", "true"]),
        json!(["Böb", "status", "answered"]),
        json!(["Böb", "tag", "refund"]),
        json!(["Ana", "note", "refunded"]),
    ];
    assert_eq!(told, expected);
    assert_eq!(history["work"]["notes"], 1);

    let listed = app.get("/api/v1/posts").await;
    let of = |id: &str| {
        listed["items"].as_array().unwrap().iter().find(|it| it["post"]["uuid"] == id).unwrap().clone()
    };
    assert_eq!(of(&ids[0])["work"]["tags"], json!(["refund"]));
    assert_eq!(of(&ids[1]).get("work"), None);
    assert_eq!(app.get(&format!("/api/v1/posts/{}/work", ids[1])).await["revision"], 0);
}

#[tokio::test]
async fn a_bulk_change_is_undone_item_by_item_and_spares_what_others_changed_since() {
    let app = TestApp::start().await;
    let ids = stored(&app, 20).await;
    let start = app.get("/api/v1/posts/work").await["revision"].as_i64().unwrap();
    let bulk = async |items: Vec<Value>| {
        app.act(("POST", "/api/v1/posts/work"), &json!({ "items": items }), "Ana").await
    };
    let mut items: Vec<_> = ids
        .iter()
        .map(|id| json!({"post": id, "change": {"needs_answer": true, "add_tags": ["late"]}}))
        .collect();
    items.push(json!({"post": "01930000-0000-7000-8000-00000000dead", "change": {"status": "closed"}}));
    let done = bulk(items.clone()).await;
    let results = done.body["items"].as_array().unwrap().clone();
    assert_eq!((done.status, results.len()), (200, 21));
    assert!(results[..20].iter().all(|it| it["outcome"] == "changed"), "{results:?}");
    assert_eq!((&results[20]["outcome"], &results[20]["work"]), (&json!("unknown_post"), &Value::Null));
    assert_eq!(bulk(items).await.body["items"][0]["outcome"], "unchanged");
    let seen = app.get(&format!("/api/v1/posts/work?since={start}")).await;
    assert_eq!(seen["items"].as_array().unwrap().len(), 20);

    let queue = app.get("/api/v1/work-queue?limit=5").await;
    assert_eq!((queue["items"].as_array().unwrap().len(), queue["next_cursor"].is_string()), (5, true));
    patch(&app, &ids[3], json!({"assignee": "Bob"}), "Bob").await;
    assert_eq!(app.get("/api/v1/work-queue?assignee=Bob").await["items"][0]["post"]["uuid"], ids[3].as_str());
    let undo = |it: &Value| {
        let change =
            json!({"revision": it["work"]["revision"], "needs_answer": false, "remove_tags": ["late"]});
        json!({"post": it["post"], "change": change})
    };
    let undone = bulk(results[..20].iter().map(undo).collect()).await.body;
    let outcomes: Vec<_> =
        undone["items"].as_array().unwrap().iter().map(|it| it["outcome"].clone()).collect();
    assert_eq!(
        (&outcomes[3], outcomes.iter().filter(|it| *it == "changed").count()),
        (&json!("conflict"), 19)
    );
    let left = app.get("/api/v1/work-queue").await;
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    let names = app.get("/api/v1/work-queue/names").await;
    assert_eq!(
        names,
        json!({"tags": [{"name": "late", "posts": 1}], "assignees": [{"name": "Bob", "posts": 1}]})
    );
}

#[tokio::test]
async fn wrong_changes_are_refused_and_name_the_field() {
    let app = TestApp::start().await;
    let ids = stored(&app, 1).await;
    for (change, field) in [
        (json!({}), ""),
        (json!({"status": "done"}), "status"),
        (json!({"assignee": ""}), "assignee"),
        (json!({"assignee": "A".repeat(81)}), "assignee"),
        (json!({"add_tags": ["a".repeat(41)]}), "add_tags[0]"),
        (json!({"add_tags": vec!["a"; 21]}), "add_tags"),
        (json!({"owner": "Ana"}), "owner"),
    ] {
        let (status, body) = patch(&app, &ids[0], change.clone(), "Ana").await;
        assert_eq!((status, &body["error"]["details"]["field"]), (422, &json!(field)), "{change}: {body}");
    }
    let (status, body) = patch(&app, &ids[0], json!({"status": "closed"}), "%0A").await;
    assert_eq!(
        (status, body),
        (200, app.get(&format!("/api/v1/posts/{}/work", ids[0])).await),
        "a blank name is none"
    );
    let (status, body) = patch(&app, &ids[0], json!({"status": "closed"}), "a%00b").await;
    assert_eq!((status, &body["error"]["details"]["parameter"]), (400, &json!("X-Groundswell-Actor")));
    let gone = "01930000-0000-7000-8000-00000000dead";
    assert_eq!(patch(&app, gone, json!({"status": "closed"}), "Ana").await.0, 404);
    assert_eq!(app.try_get(&format!("/api/v1/posts/{gone}/history")).await.unwrap().status, 404);
    let many: Vec<_> = (0..501)
        .map(|n| json!({"post": format!("01930000-0000-7000-8000-{n:012}"), "change": {"status": "closed"}}))
        .collect();
    assert_eq!(app.act(("POST", "/api/v1/posts/work"), &json!({"items": many}), "Ana").await.status, 413);
    assert_eq!(
        app.act(("POST", "/api/v1/posts/work"), &json!({"items": many[..500]}), "Ana").await.status,
        200
    );
}

#[tokio::test]
async fn an_alert_is_assigned_to_a_person_and_its_history_says_by_whom() {
    let app = TestApp::start().await;
    app.publish((0..30).map(|n| post(n, "I hate it")).collect()).await;
    let open = eventually("an alert opens", async || {
        let listed = app.get("/api/v1/alerts?state=open").await;
        listed["items"].as_array().unwrap().first().cloned()
    })
    .await;
    let id = open["id"].as_str().unwrap();
    assert_eq!(open["assignee"], Value::Null);
    let path = format!("/api/v1/alerts/{id}/assignee");
    let given = app.act(("PUT", &path), &json!({"assignee": "Bob"}), "Ana").await;
    assert_eq!((given.status, &given.body["assignee"]), (200, &json!("Bob")));
    let again = app.act(("PUT", &path), &json!({"assignee": "Bob"}), "Eve").await;
    assert_eq!(again.body["revision"], given.body["revision"], "it was already Bob's");
    let listed = app.get("/api/v1/alerts?assignee=Bob").await;
    assert_eq!(listed["items"][0]["id"], open["id"]);
    assert_eq!(
        app.get("/api/v1/alerts?assignee=").await["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["id"] == open["id"])
            .count(),
        0
    );
    assert_eq!(
        app.act(("POST", &format!("/api/v1/alerts/{id}/acknowledge")), &json!(null), "Bob").await.status,
        200
    );
    let taken = app.act(("PUT", &path), &json!({"assignee": null}), "Ana").await;
    assert_eq!((taken.status, &taken.body["assignee"]), (200, &Value::Null));
    let history = app.get(&format!("/api/v1/alerts/{id}")).await["history"].clone();
    let told: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["actor"].is_string())
        .map(|it| json!([it["actor"], it["action"], it["assignee"]]))
        .collect();
    let expected = [
        json!(["Ana", "assigned", "Bob"]),
        json!(["Bob", "acknowledged", null]),
        json!(["Ana", "unassigned", null]),
    ];
    assert_eq!(told, expected);
    assert_eq!(app.act(("PUT", &path), &json!({"assignee": "a\nb"}), "Ana").await.status, 422);
    assert_eq!(app.act(("PUT", &path), &json!({}), "Ana").await.status, 422);
}
