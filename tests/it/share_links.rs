//! What the holder of a share link can read: the shared view, and nothing else.

use std::collections::BTreeSet;

use groundswell::http;
use groundswell::models::id::PostId;
use groundswell::models::post::ScoredPost;
use groundswell::store::posts::record;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::Space;
use crate::support::api_server::{ApiServer, Setup, address_of, read, score};

const TOKEN: &str = "0123456789abcdef";

/// Calls of a shared Explore view and of a shared Live view.
const EXPLORE: [&str; 4] =
    ["/api/v1/shared-view", "/api/v1/explore/series", "/api/v1/explore/breakdown", "/api/v1/posts"];
const LIVE: [&str; 7] = [
    "/api/v1/shared-view",
    "/api/metrics/overall",
    "/api/metrics/trend",
    "/api/metrics/products",
    "/api/metrics/channels",
    "/api/metrics/geo",
    "/api/v1/posts",
];

/// Sends a request with the API's token, if the server has one.
fn as_owner(api: &ApiServer, method: Method, path: &str) -> RequestBuilder {
    api.request(method, path).bearer_auth(TOKEN)
}

/// Shares a view and returns the link with its token.
async fn share(api: &ApiServer, page: &str, query: &str) -> (Value, String) {
    let body = json!({"name": "Weekly", "page": page, "query": query, "expires_in_seconds": 3_600});
    let request = as_owner(api, Method::POST, "/api/v1/share-links").json(&body);
    let (status, answer) = read(request.send().await.unwrap()).await;
    assert_eq!(status, 201, "{answer}");
    (answer["link"].clone(), answer["token"].as_str().unwrap().to_owned())
}

async fn ask(api: &ApiServer, token: &str, path: &str) -> (u16, Value) {
    read(api.request(Method::GET, path).bearer_auth(token).send().await.unwrap()).await
}

/// Returns the method and an address of every route of the table, and of pages and files beside it.
fn routes() -> Vec<(Method, String)> {
    let table = http::routes().into_iter();
    let table = table.map(|rule| (rule.method.as_str().parse().unwrap(), address_of(rule.path)));
    let beside = ["/docs/", "/nowhere", "/", "/explore", "/system", "/index.html"];
    table.chain(beside.map(|path| (Method::GET, path.to_owned()))).collect()
}

#[actix_web::test]
async fn a_share_token_opens_the_calls_of_its_view_and_no_other_route() {
    for token in [None, Some(TOKEN)] {
        let api = ApiServer::open(Setup { token, ..Setup::default() }).await;
        for (page, query, expected) in
            [("explore", "window=1h", EXPLORE.as_slice()), ("live", "window=5m", LIVE.as_slice())]
        {
            let (_, token) = share(&api, page, query).await;
            let mut opened = BTreeSet::new();
            let routes = routes();
            assert!(routes.len() > 150, "{routes:?}");
            for (method, path) in routes {
                let request = api.request(method.clone(), &path).bearer_auth(&token);
                let (status, answer) = read(request.send().await.unwrap()).await;
                if status == 200 {
                    assert!([Method::GET, Method::HEAD].contains(&method), "{method} {path}");
                    opened.insert(path);
                    continue;
                }
                assert_eq!(status, 403, "{method} {path}: {answer}");
                if method != Method::HEAD {
                    assert_eq!(answer["error"]["code"], "not_shared", "{method} {path}");
                }
            }
            let expected: BTreeSet<String> = expected.iter().map(|path| (*path).to_owned()).collect();
            assert_eq!(opened, expected, "{page}");
        }
    }
}

#[actix_web::test]
async fn other_ways_to_present_a_share_token_open_no_more() {
    let api = ApiServer::open(Setup::default()).await;
    let (_, token) = share(&api, "live", "").await;
    use base64::Engine as _;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("me:{token}"));
    for (name, value) in
        [("authorization", format!("Basic {basic}")), ("sec-websocket-protocol", format!("bearer, {token}"))]
    {
        for path in ["/api/v1/system", "/ws", "/api/v1/events", "/api/v1/share-links", "/metrics"] {
            let request = api.request(Method::GET, path).header(name, &value);
            let (status, answer) = read(request.send().await.unwrap()).await;
            assert_eq!((status, &answer["error"]["code"]), (403, &json!("not_shared")), "{name} {path}");
        }
    }
}

fn post(n: i64, city: &str) -> ScoredPost {
    let at = Timestamp::now() - SignedDuration::from_mins(5 * n);
    let post = json!({
        "uuid": PostId::now_v7(), "id": format!("{city}-{n}"), "platform": "web", "text": "I love it",
        "created_at": at, "received_at": at, "source": "http", "products": ["Solo"], "reach": 1, "city": city,
    });
    ScoredPost { post: serde_json::from_value(post).unwrap(), score: score(0.5), awaits_correction: false }
}

#[actix_web::test]
async fn a_holder_sees_the_posts_of_the_view_and_cannot_widen_it() {
    let api = ApiServer::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    let posts: Vec<_> = (1..=30).flat_map(|n| [post(n, "Oslo"), post(n, "Lyon")]).collect();
    record::record(&api.store, &posts, &mut api.store.rollup_guard()).await.unwrap();
    let (_, explore) = share(&api, "explore", "window=1h&city=Oslo&compare=none&post=1").await;
    let (_, live) = share(&api, "live", "window=1h&city=Oslo&panels=x").await;

    let mut cities = BTreeSet::new();
    let mut n_listed = 0;
    let mut cursor = String::new();
    loop {
        let (status, page) = ask(&api, &explore, &format!("/api/v1/posts?limit=5{cursor}")).await;
        assert_eq!(status, 200, "{page}");
        for item in page["items"].as_array().unwrap() {
            cities.insert(item["post"]["city"].as_str().unwrap().to_owned());
            n_listed += 1;
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(cities.into_iter().collect::<Vec<_>>(), ["Oslo"]);
    assert!((11..=12).contains(&n_listed), "{n_listed} posts of an hour");
    let (_, series) = ask(&api, &explore, "/api/v1/explore/series").await;
    let total: i64 =
        series["items"].as_array().unwrap().iter().map(|step| step["count"].as_i64().unwrap()).sum();
    assert_eq!((total, &series["previous"]), (n_listed, &Value::Null));
    let (_, overall) = ask(&api, &live, "/api/metrics/overall").await;
    assert!((11..=12).contains(&overall["count"].as_i64().unwrap()), "{overall}");
    let (_, geo) = ask(&api, &live, "/api/metrics/geo").await;
    assert_eq!(geo["items"].as_array().unwrap().len(), 1, "{geo}");

    for (token, call) in [
        (&explore, "/api/v1/posts?city=Lyon"),
        (&explore, "/api/v1/posts?city=Oslo"),
        (&explore, "/api/v1/posts?%63ity=Lyon"),
        (&explore, "/api/v1/posts?city_not=Oslo"),
        (&explore, "/api/v1/posts?window=90d"),
        (&explore, "/api/v1/posts?from=2020-01-01T00:00:00Z"),
        (&explore, "/api/v1/posts?order=virality"),
        (&explore, "/api/v1/explore/series?window=90d"),
        (&explore, "/api/v1/explore/series?compare=previous"),
        (&explore, "/api/v1/explore/breakdown?by=author"),
        (&explore, "/api/metrics/overall"),
        (&live, "/api/metrics/geo?city="),
        (&live, "/api/metrics/overall?window=7d"),
        (&live, "/api/v1/posts?from=2020-01-01T00:00:00Z"),
        (&live, "/api/v1/explore/series"),
    ] {
        let (status, answer) = ask(&api, token, call).await;
        assert_eq!((status, &answer["error"]["code"]), (403, &json!("not_shared")), "{call}: {answer}");
    }
    let (_, view) = ask(&api, &explore, "/api/v1/shared-view").await;
    assert_eq!(
        (&view["name"], &view["page"], &view["query"]),
        (&json!("Weekly"), &json!("explore"), &json!("window=1h&city=Oslo&compare=none"))
    );
    assert_eq!(ask(&api, TOKEN, "/api/v1/shared-view").await.0, 404);
}

#[actix_web::test]
async fn a_link_ends_when_it_is_revoked_or_expires_and_a_wrong_secret_opens_nothing() {
    let space = Space::new().await;
    let api = ApiServer::open_on(&space, Setup { token: Some(TOKEN), ..Setup::default() }).await;
    let (kept, token) = share(&api, "live", "").await;
    let (revoked, revoked_token) = share(&api, "live", "").await;
    let (expired, expired_token) = share(&api, "live", "").await;
    let ended = async |token: &str| {
        let (status, answer) = ask(&api, token, "/api/v1/posts").await;
        assert_eq!((status, &answer["error"]["code"]), (403, &json!("share_ended")), "{answer}");
    };
    assert_eq!(ask(&api, &revoked_token, "/api/v1/posts").await.0, 200);
    let path = format!("/api/v1/share-links/{}", revoked["id"].as_str().unwrap());
    assert_eq!(read(as_owner(&api, Method::DELETE, &path).send().await.unwrap()).await.0, 204);
    assert_eq!(read(as_owner(&api, Method::DELETE, &path).send().await.unwrap()).await.0, 404);
    ended(&revoked_token).await;

    assert_eq!(ask(&api, &expired_token, "/api/v1/posts").await.0, 200);
    let id = expired["id"].as_str().unwrap();
    let expire = format!("UPDATE share_links SET expires_at = now() WHERE id = '{id}'");
    space.sql().await.batch_execute(&expire).await.unwrap();
    ended(&expired_token).await;

    let (body, last) = token.split_at(token.len() - 1);
    ended(&format!("{body}{}", if last == "A" { "B" } else { "A" })).await;
    ended(&format!("{}{}", &token[..38], &expired_token[38..])).await;
    ended("share_").await;
    ended(&token[..38]).await;
    assert_eq!(ask(&api, &token, "/api/v1/posts").await.0, 200);

    let (_, listed) = read(as_owner(&api, Method::GET, "/api/v1/share-links").send().await.unwrap()).await;
    let ids: Vec<&Value> = listed["items"].as_array().unwrap().iter().map(|link| &link["id"]).collect();
    assert_eq!(ids, [&kept["id"]]);
    assert!(!listed.to_string().contains(&token[38..]), "{listed}");
    let all = "SELECT string_agg(share_links::text, ' ') FROM share_links";
    let stored: String = space.sql().await.query_one(all, &[]).await.unwrap().get(0);
    assert!(!stored.contains(&token[38..]) && stored.contains(&token[6..14]), "{stored}");
}

#[actix_web::test]
async fn the_shared_page_is_neither_indexed_nor_referred_to() {
    let api = ApiServer::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    let response = api.request(Method::GET, "/shared").send().await.unwrap();
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("referrer-policy").as_deref(), Some("no-referrer"));
    assert_eq!(header("x-robots-tag").as_deref(), Some("noindex, nofollow"));
    assert!(matches!(response.status().as_u16(), 200 | 503), "{}", response.status());
}
