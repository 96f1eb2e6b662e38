//! What one author posted.

use groundswell::models::id::PostId;
use groundswell::models::post::ScoredPost;
use groundswell::store::posts::record;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api_server::{ApiServer, Setup, read, score};

/// A handle with everything that a path treats specially.
const ODD: &str = "a/b ?%2F+ü#'";

/// A post by this author from this many hours ago.
fn by(handle: &str, hours: i64) -> ScoredPost {
    let at = Timestamp::now() - SignedDuration::from_hours(hours);
    let post = json!({
        "uuid": PostId::now_v7(), "id": format!("{handle}-{hours}"), "platform": "web", "text": "I love it",
        "author": {"handle": handle, "id": "7", "followers": 100 + hours}, "created_at": at, "received_at": at,
        "source": "http", "products": ["Solo"], "reach": 1,
    });
    ScoredPost { post: serde_json::from_value(post).unwrap(), score: score(0.5), awaits_correction: false }
}

#[actix_web::test]
async fn a_profile_has_the_posts_that_the_list_has() {
    let api = ApiServer::open(Setup::default()).await;
    let posts: Vec<_> = (1..=30).map(|hours| by(ODD, hours)).chain([by("someone else", 1)]).collect();
    record::record(&api.store, &posts, &mut api.store.rollup_guard()).await.unwrap();
    let path = format!("/api/v1/authors/web/{}", encoded(ODD));
    let (status, profile) = api.get(&format!("{path}?window=24h")).await;
    assert_eq!((status, &profile["author"]), (200, &json!(ODD)), "{profile}");
    let query = format!("platform=web&author={}&window=24h", encoded(ODD));
    let listed = all_pages(&api, &query).await;
    assert_eq!(profile["count"], json!(listed.len()), "{profile}");
    assert_eq!(profile["account"], json!({"handle": ODD, "id": "7", "followers": 101}));
    let (_, series) = api.get(&format!("/api/v1/explore/series?{query}")).await;
    let counts = |items: &Value| -> Vec<Value> {
        items.as_array().unwrap().iter().map(|step| step["count"].clone()).collect()
    };
    assert_eq!(counts(&profile["items"]), counts(&series["items"]));
}

/// Lists the posts page by page.
async fn all_pages(api: &ApiServer, query: &str) -> Vec<Value> {
    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = api.get(&format!("/api/v1/posts?{query}&limit=10{cursor}")).await;
        assert_eq!(status, 200, "{page}");
        listed.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { return listed };
        cursor = format!("&cursor={next}");
    }
}

#[actix_web::test]
async fn what_is_wrong_with_a_request_for_an_author_is_named() {
    let api = ApiServer::open(Setup::default()).await;
    for (path, status, code) in [
        ("/api/v1/authors/web/nobody", 404, "not_found"),
        ("/api/v1/authors/web/a%00b", 400, "invalid_parameter"),
        ("/api/v1/authors/web/a?window=2d", 400, "invalid_parameter"),
        ("/api/v1/authors/web/a?tz=Mars", 400, "invalid_parameter"),
        ("/api/v1/authors/web/a?limit=3", 400, "unknown_parameter"),
        ("/api/v1/authors/web", 404, "not_found"),
    ] {
        let (answered, answer) = api.get(path).await;
        assert_eq!((answered, &answer["error"]["code"]), (status, &json!(code)), "{path}: {answer}");
    }
    let (status, _) = read(api.request(Method::POST, "/api/v1/authors/web/a").send().await.unwrap()).await;
    assert_eq!(status, 405);
}

/// Percent-encodes a part of a path.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
