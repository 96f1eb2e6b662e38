//! Quotas of callers: how a call beyond them is refused, and who shares them.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::json;

use crate::support::api_server::read;
use crate::support::{PrivateServers, Space, TestApp, eventually, until};

const TOKEN: &str = "0123456789abcdef";

/// Quota of strangers in these tests: five calls at once, and one more every three seconds.
const QUOTA: &str = "--rate-limit-quotas=stranger.read=20/5";

async fn limited(space: &Space, options: &[&str]) -> TestApp {
    TestApp::start_on(space, &[&["--auth-token", TOKEN, QUOTA], options].concat()).await
}

/// Returns the response to a call with these headers. Without the token, an admitted call gets a 401.
async fn ask(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = reqwest::Client::new().get(format!("http://{}{path}", app.address));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

/// Returns whether a stranger's call is within the quota.
async fn is_admitted(app: &TestApp, headers: &[(&str, &str)]) -> bool {
    match ask(app, "/api/v1/system", headers).await.status() {
        StatusCode::UNAUTHORIZED => true,
        StatusCode::TOO_MANY_REQUESTS => false,
        other => panic!("{other}"),
    }
}

/// Makes calls until one is refused. Returns the refusal.
async fn refusal(app: &TestApp, headers: &[(&str, &str)]) -> Response {
    eventually("a call is refused", async || {
        let response = ask(app, "/api/v1/system", headers).await;
        (response.status() == StatusCode::TOO_MANY_REQUESTS).then_some(response)
    })
    .await
}

fn number(response: &Response, header: &str) -> Option<u64> {
    response.headers().get(header).map(|value| value.to_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_stranger_beyond_the_quota_is_refused_until_the_time_it_is_told() {
    let app = limited(&Space::new().await, &[]).await;
    let first = ask(&app, "/api/v1/system", &[]).await;
    assert_eq!(first.status(), 401);
    let left = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map(|name| number(&first, name));
    assert_eq!(left, [Some(5), Some(4), Some(3)]);

    let refused = refusal(&app, &[]).await;
    let retry_after = number(&refused, "retry-after").unwrap();
    assert!((1..=3).contains(&retry_after), "{retry_after}");
    assert_eq!(
        (number(&refused, "ratelimit-limit"), number(&refused, "ratelimit-remaining")),
        (Some(5), Some(0))
    );
    assert!(number(&refused, "ratelimit-reset") >= Some(retry_after));
    let (_, body) = read(refused).await;
    assert_eq!(
        (&body["error"]["code"], &body["error"]["details"]["limit"]),
        (&json!("rate_limited"), &json!(5))
    );

    // The same address, but not the same caller.
    let bearer = format!("Bearer {TOKEN}");
    let operator = ask(&app, "/api/v1/system", &[("authorization", &bearer)]).await;
    assert_eq!((operator.status().as_u16(), number(&operator, "ratelimit-limit")), (200, None));
    // Another class of calls, and none.
    assert_eq!(ask(&app, "/ws", &[]).await.status(), 401);
    let health = ask(&app, "/livez", &[]).await;
    assert_eq!((health.status().as_u16(), number(&health, "ratelimit-limit")), (200, None));
    let metrics = ask(&app, "/metrics", &[("authorization", &bearer)]).await.text().await.unwrap();
    assert!(metrics.contains(r#"groundswell_rate_limited_total{class="read"}"#), "{metrics}");

    let refused = refusal(&app, &[]).await;
    tokio::time::sleep(Duration::from_secs(number(&refused, "retry-after").unwrap())).await;
    assert!(is_admitted(&app, &[]).await);
}

#[tokio::test]
async fn a_client_cannot_leave_its_quota_by_naming_another_address() {
    let app = limited(&Space::new().await, &[]).await;
    let mut n = 0;
    eventually("a call is refused", async || {
        n += 1;
        let address = format!("192.0.2.{n}");
        let headers = [("x-forwarded-for", address.as_str()), ("forwarded", &format!("for={address}"))];
        (!is_admitted(&app, &headers).await).then_some(())
    })
    .await;

    let proxied = limited(&Space::new().await, &["--trusted-proxies=127.0.0.1"]).await;
    refusal(&proxied, &[("x-forwarded-for", "192.0.2.1")]).await;
    refusal(&proxied, &[("x-forwarded-for", "192.0.2.77, 192.0.2.2")]).await;
    assert!(is_admitted(&proxied, &[("x-forwarded-for", "192.0.2.77")]).await);
    // One network of IPv6.
    refusal(&proxied, &[("x-forwarded-for", "2001:db8::1")]).await;
    refusal(&proxied, &[("x-forwarded-for", "2001:db8::2")]).await;
    assert!(is_admitted(&proxied, &[("x-forwarded-for", "2001:db8:0:1::1")]).await);
}

#[tokio::test]
async fn two_processes_share_a_quota() {
    let space = Space::new().await;
    let options = ["--trusted-proxies=127.0.0.1", "--rate-limit-quotas=stranger.read=1/50"];
    let mut one = limited(&space, &options).await;
    let other = limited(&space, &options).await;
    one.leaves_others = true;
    let bearer = format!("Bearer {TOKEN}");
    let n_alone = async || {
        let metrics = ask(&other, "/metrics", &[("authorization", &bearer)]).await.text().await.unwrap();
        let line = metrics.lines().find(|line| line.starts_with("groundswell_rate_limit_fallbacks_total"));
        line.map(str::to_owned)
    };
    let mut client = 0;
    // On a busy machine, Redis may not respond in time, and a process limits alone.
    until("both processes have asked Redis", async || {
        client += 1;
        let (before, address) = (n_alone().await, format!("192.0.2.{client}"));
        let headers = [("x-forwarded-for", address.as_str())];
        let mut n_admitted = 0;
        while n_admitted < 30 && is_admitted(&one, &headers).await {
            n_admitted += 1;
        }
        while n_admitted < 200 && is_admitted(&other, &headers).await {
            n_admitted += 1;
        }
        if n_alone().await != before {
            return false;
        }
        // A minute restores one call.
        assert!((50..60).contains(&n_admitted), "{n_admitted}");
        true
    })
    .await;
}

#[tokio::test]
async fn while_redis_is_away_callers_are_still_limited_and_still_answered() {
    let servers = PrivateServers::start().await;
    let space = Space::all_of(servers.embedded.endpoints());
    let app = limited(&space, &["--trusted-proxies=127.0.0.1"]).await;
    assert!(is_admitted(&app, &[("x-forwarded-for", "192.0.2.1")]).await);
    servers.embedded.stop_redis().await.unwrap();
    for address in ["192.0.2.1", "192.0.2.2"] {
        let headers = [("x-forwarded-for", address)];
        let refused = refusal(&app, &headers).await;
        tokio::time::sleep(Duration::from_secs(number(&refused, "retry-after").unwrap())).await;
        assert!(is_admitted(&app, &headers).await);
    }
    servers.embedded.start_redis().await.unwrap();
    refusal(&app, &[("x-forwarded-for", "192.0.2.3")]).await;
    drop(app);
    servers.stop().await;
}
