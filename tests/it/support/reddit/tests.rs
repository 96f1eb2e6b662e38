//! What the API itself promises.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    ANYTHING, AUTHOR_ID, Kind, LISTINGS, RedditHost, RedditOptions, TOKEN, Thing, Visibility, fullname,
};
use crate::support::until;
use crate::support::web::Fault;
use crate::support::web::plain::{Plain, http, send};

const AGENT: &str = "linux:example.nimbrel:v1 (by /u/ana)";

/// Asks for a token with a secret.
async fn grant(host: &RedditHost, secret: &str, grant_type: &str) -> Plain {
    let request = http().post(format!("{}{TOKEN}", host.web.url())).header("user-agent", AGENT);
    let form = format!("grant_type={grant_type}");
    send(request.basic_auth("client", Some(secret)).body(form)).await.unwrap()
}

async fn token(host: &RedditHost) -> String {
    grant(host, "secret", "client_credentials").await.json()["access_token"].as_str().unwrap().to_owned()
}

async fn get(host: &RedditHost, token: &str, path: &str) -> Plain {
    let request = http().get(format!("{}{path}", host.web.url())).header("user-agent", AGENT);
    send(request.bearer_auth(token)).await.unwrap()
}

fn names(listing: &Plain) -> Vec<String> {
    let listing = listing.json();
    let children = listing["data"]["children"].as_array().unwrap();
    children.iter().map(|child| child["data"]["name"].as_str().unwrap().to_owned()).collect()
}

fn posts(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(|number| fullname(Kind::Post, number)).collect()
}

#[tokio::test]
async fn listings_are_paged_by_names() {
    let host = RedditHost::start(RedditOptions::default()).await;
    let token = token(&host).await;
    let list = async |query: &str| get(&host, &token, &format!("/r/nimbrel/new?{query}")).await;
    assert_eq!(names(&list("").await), posts([]));
    host.publish(0..150);
    host.comment(0..3);
    assert_eq!(names(&list("").await), posts((125..150).rev()));
    let first = list("limit=1000").await;
    assert_eq!(names(&first), posts((50..150).rev()));
    assert_eq!(first.json()["data"]["after"], json!(fullname(Kind::Post, 50)));
    let last = list(&format!("limit=100&after={}", fullname(Kind::Post, 50))).await;
    assert_eq!((names(&last), &last.json()["data"]["after"]), (posts((0..50).rev()), &Value::Null));
    let newer = list(&format!("limit=3&before={}", fullname(Kind::Post, 140))).await;
    assert_eq!(names(&newer), posts([143, 142, 141]));
    assert_eq!(newer.json()["data"]["before"], json!(fullname(Kind::Post, 143)));
    let comments = get(&host, &token, "/r/other+Nimbrel/comments").await;
    assert_eq!((names(&comments).len(), &comments.json()["data"]["children"][0]["kind"]), (3, &json!("t1")));

    // What is written before a post that is gone is never seen.
    host.delete(Kind::Post, 149);
    host.publish(150..160);
    assert_eq!(names(&list(&format!("before={}", fullname(Kind::Post, 149))).await), posts([]));
    host.cache_pages(true);
    let before = names(&list("limit=5").await);
    host.add([Thing {
        at: Timestamp::now() - SignedDuration::from_hours(40),
        ..Thing::new(Kind::Post, 200)
    }]);
    assert_eq!((names(&list("limit=5").await), names(&list("limit=1").await)), (before, posts([200])));
    host.cache_pages(false);
    assert_eq!(names(&list("limit=2").await), posts([200, 159]));
    host.publish(1_000..2_500);
    let deep = list(&format!("after={}", fullname(Kind::Post, 1_500))).await;
    assert_eq!((names(&deep), &deep.json()["data"]["dist"]), (posts([]), &json!(0)), "no deeper than 1,000");
    host.forget();
    assert_eq!(names(&list("").await), posts([]));
}

#[tokio::test]
async fn what_is_edited_or_gone_is_found_by_name() {
    let host = RedditHost::start(RedditOptions::default()).await;
    let token = token(&host).await;
    host.publish(0..4);
    host.edit(Kind::Post, 0, "a < b & c");
    host.change(Kind::Post, 1, |it| (it.score, it.n_comments) = (40, 7));
    host.delete(Kind::Post, 2);
    host.remove(Kind::Post, 3);
    host.remove(Kind::Post, 9);
    let ids = posts([0, 1, 2, 3, 9]).join(",");
    let listing = get(&host, &token, &format!("/api/info?id={ids}")).await.json();
    let data: Vec<&Value> =
        listing["data"]["children"].as_array().unwrap().iter().map(|it| &it["data"]).collect();
    assert_eq!(data.len(), 4);
    assert!(data[0]["edited"].is_f64() && data[1]["edited"] == json!(false));
    assert_eq!(data[0]["selftext"], "a &lt; b &amp; c");
    assert_eq!((&data[1]["score"], &data[1]["num_comments"]), (&json!(40), &json!(7)));
    assert_eq!((&data[2]["author"], &data[2]["selftext"]), (&json!("[deleted]"), &json!("[deleted]")));
    assert_eq!(data[3]["removed_by_category"], "moderator");
    let raw = get(&host, &token, "/r/nimbrel/new?raw_json=1").await.json();
    assert_eq!(raw["data"]["children"][1]["data"]["selftext"], "a < b & c");
    assert_eq!(host.delete_author(), AUTHOR_ID);
    let left = get(&host, &token, "/r/nimbrel/new").await.json();
    let first = &left["data"]["children"][0]["data"];
    assert_eq!((&first["author"], first.get("author_fullname")), (&json!("[deleted]"), None));
}

#[tokio::test]
async fn tokens_are_granted_and_expire() {
    let options = RedditOptions { token_life: Duration::from_millis(200), ..RedditOptions::default() };
    let host = RedditHost::start(options).await;
    assert_eq!(grant(&host, "wrong", "client_credentials").await.status, 401);
    assert_eq!(grant(&host, "secret", "password").await.json()["error"], "unsupported_grant_type");
    let first = token(&host).await;
    assert_eq!(get(&host, &first, "/r/nimbrel/new").await.status, 200);
    until("it expires", async || get(&host, &first, "/r/nimbrel/new").await.status == 401).await;
    let refused = get(&host, &first, "/r/nimbrel/new").await;
    assert!(refused.header("www-authenticate").contains("invalid_token"));
    let second = token(&host).await;
    assert_ne!(first, second);
    host.expire_tokens();
    assert_eq!(get(&host, &second, "/r/nimbrel/new").await.status, 401);
    let anonymous = send(http().get(format!("{}/r/nimbrel/new", host.web.url()))).await.unwrap();
    assert_eq!((anonymous.status, anonymous.json()), (429, Value::Null), "it does not say who it is");
}

#[tokio::test]
async fn refusals_say_why() {
    let host = RedditHost::start(RedditOptions::default()).await;
    let token = token(&host).await;
    host.publish(0..10);
    let list = async || get(&host, &token, "/r/nimbrel/new").await;
    let seen = list().await;
    assert_eq!((seen.header("x-ratelimit-remaining"), seen.header("x-ratelimit-used")), ("999.0", "1"));
    assert!((480..=600).contains(&seen.header("x-ratelimit-reset").parse::<u32>().unwrap()));
    for (visibility, status, reason) in [
        (Visibility::Private, 403, json!("private")),
        (Visibility::Quarantined, 403, json!("quarantined")),
        (Visibility::Banned, 404, json!("banned")),
        (Visibility::Public, 200, Value::Null),
    ] {
        host.show(visibility);
        let answer = list().await;
        assert_eq!((answer.status, &answer.json()["reason"]), (status, &reason));
    }
    assert_eq!(get(&host, &token, "/r/other/new").await.status, 404);
    host.limit_requests(1, Duration::from_secs(600));
    assert_eq!(list().await.header("x-ratelimit-remaining"), "0.0");
    let refused = list().await;
    assert_eq!(refused.status, 429);
    assert!((1..=600).contains(&refused.header("x-ratelimit-reset").parse::<u32>().unwrap()));
    host.limit_requests(0, Duration::from_millis(300));
    until("the limit is reset", async || list().await.status == 200).await;
    for (status, wait_s, header) in
        [(429, Some(7), "x-ratelimit-reset"), (429, None, ""), (403, Some(3), "retry-after")]
    {
        host.web.fault(ANYTHING, Fault::Status(status, wait_s));
        let refused = list().await;
        assert_eq!(
            (refused.status, refused.header(header)),
            (status, wait_s.map_or("", |it| if it == 7 { "7" } else { "3" }))
        );
    }
    host.web.fault(LISTINGS, Fault::Status(503, None));
    assert_eq!((list().await.status, names(&list().await).len()), (503, 10));
    host.web.fault(LISTINGS, Fault::Swapped);
    assert_eq!(names(&list().await)[..2], posts([8, 9]));
}

#[tokio::test]
async fn garbage_stands_where_posts_do() {
    let host = RedditHost::start(RedditOptions::default()).await;
    let token = token(&host).await;
    host.publish(0..3);
    let n = host.add_garbage() as usize;
    host.publish(3..5);
    let page = get(&host, &token, "/r/nimbrel/new?limit=100").await;
    assert!(page.json().is_null(), "most parsers give up on it");
    assert!(page.text.contains(&format!("\"dist\":{}", 5 + n)) && page.text.len() > 1 << 20);
    let newer = get(&host, &token, &format!("/r/nimbrel/new?before={}", fullname(Kind::Post, 3))).await;
    assert_eq!(names(&newer), posts([4]));
}
