//! Calendar ranges, and the period that stands beside a range.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use super::season::season;
use crate::support::api_server::{ApiServer, Setup};

#[actix_web::test]
async fn the_range_before_stands_beside_a_range() {
    let season = season().await;
    let api = ApiServer::open_on(&season.space, Setup::default()).await;
    let middle = season.until - SignedDuration::from_hours(24 * 2);
    let middle = TimeZone::UTC.to_datetime(middle).date().to_zoned(TimeZone::UTC).unwrap().timestamp();
    let (from, to) = (middle, middle + SignedDuration::from_hours(48));
    let before = from - SignedDuration::from_hours(48);
    let series = |from: Timestamp, to: Timestamp, more: &str| {
        format!("/api/v1/explore/series?from={from}&to={to}&step=day{more}")
    };
    let (_, both) = api.get(&series(from, to, "&compare=previous")).await;
    let (_, earlier) = api.get(&series(before, from, "")).await;
    assert_eq!(both["previous"], earlier["items"]);
    assert_eq!((both["items"].as_array().unwrap().len(), &earlier["previous"]), (2, &Value::Null));
    let breakdown = |from: Timestamp, to: Timestamp, more: &str| {
        format!("/api/v1/explore/breakdown?by=city&from={from}&to={to}{more}")
    };
    let (_, both) = api.get(&breakdown(from, to, "&compare=previous")).await;
    let (_, earlier) = api.get(&breakdown(before, from, "&limit=500")).await;
    for item in both["items"].as_array().unwrap() {
        let same = earlier["items"].as_array().unwrap().iter().find(|other| other["key"] == item["key"]);
        assert_eq!(item["previous_count"], same.map_or(json!(0), |same| same["count"].clone()));
    }
}

/// The range before, for every way to choose it, is what asking for it gives.
#[actix_web::test]
async fn a_week_earlier_or_a_chosen_period_stands_beside_a_range() {
    let season = season().await;
    let api = ApiServer::open_on(&season.space, Setup::default()).await;
    let to = Timestamp::from_second(season.until.as_second() / 60 * 60).unwrap();
    // Not on a minute: a comparison with rows that may be minutes needs one.
    let from = to - SignedDuration::from_secs(5 * 3_600 + 10);
    let chosen = to - SignedDuration::from_secs(40 * 3_600 + 7);
    let week = SignedDuration::from_hours(24 * 7);
    let floor = |at: Timestamp| Timestamp::from_second(at.as_second() / 60 * 60).unwrap();
    for (compare, before) in [
        ("compare=week".to_owned(), floor(from) - week),
        (format!("compare_from={chosen}"), floor(chosen)),
        (format!("compare_from={from}"), floor(from)),
    ] {
        let path = format!("/api/v1/explore/series?from={from}&to={to}&step=hour&{compare}");
        let (status, both) = api.get(&path).await;
        assert_eq!(status, 200, "{path}: {both}");
        assert_eq!(both["previous_range"]["from"], json!(before), "{path}");
        let end: Timestamp = both["previous_range"]["to"].as_str().unwrap().parse().unwrap();
        assert_eq!(both["previous_range"]["seconds"], both["range"]["seconds"]);
        let path = format!("/api/v1/explore/series?from={before}&to={end}&step=hour");
        let (_, earlier) = api.get(&path).await;
        let count = |items: &Value| -> i64 {
            items.as_array().unwrap().iter().map(|item| item["count"].as_i64().unwrap()).sum()
        };
        assert_eq!(count(&both["previous"]), count(&earlier["items"]), "{path}");
        assert_eq!(both["previous"].as_array().unwrap().len(), both["items"].as_array().unwrap().len());
        let path = format!("/api/v1/explore/breakdown?by=platform&from={from}&to={to}&{compare}");
        let (_, parts) = api.get(&path).await;
        assert_eq!(parts["previous_range"], both["previous_range"]);
        let n_before: i64 =
            parts["items"].as_array().unwrap().iter().map(|i| i["previous_count"].as_i64().unwrap()).sum();
        assert!(n_before <= count(&both["previous"]), "{path}");
    }
}

#[actix_web::test]
async fn calendar_ranges_are_those_of_the_time_zone_for_figures_lists_and_exports() {
    let season = season().await;
    let api = ApiServer::open_on(&season.space, Setup::default()).await;
    let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
    let today = Timestamp::now().to_zoned(tokyo.clone()).date();
    let midnight = |date: jiff::civil::Date| date.to_zoned(tokyo.clone()).unwrap().timestamp();
    let yesterday = today.yesterday().unwrap();
    let (_, whole) = api.get("/api/v1/explore/series?window=yesterday&tz=Asia/Tokyo&compare=previous").await;
    // The clock may pass midnight in between.
    assert_eq!(whole["range"]["from"], json!(midnight(yesterday)));
    assert_eq!(whole["range"]["to"], json!(midnight(today)));
    assert_eq!(whole["previous_range"]["to"], json!(midnight(yesterday)));
    let (_, so_far) = api.get("/api/v1/explore/series?window=today&tz=Asia/Tokyo&compare=previous").await;
    assert_eq!(so_far["range"]["from"], json!(midnight(today)));
    assert_eq!(so_far["previous_range"]["from"], json!(midnight(yesterday)));
    assert_eq!(so_far["previous_range"]["seconds"], so_far["range"]["seconds"]);
    assert_eq!(so_far["items"].as_array().unwrap().last().unwrap()["complete"], json!(false));
    let (_, month) = api.get("/api/v1/explore/breakdown?by=city&window=month&tz=Asia/Tokyo").await;
    assert_eq!(month["range"]["from"], json!(midnight(today.first_of_month())));
    for start in ["monday", "sunday", "saturday"] {
        let path =
            format!("/api/v1/explore/lines?by=city&window=week&tz=Asia/Tokyo&week_start={start}&step=week");
        let (status, week) = api.get(&path).await;
        assert_eq!((status, week["steps"].as_array().map(Vec::len)), (200, Some(1)), "{path}: {week}");
        let from: Timestamp = week["range"]["from"].as_str().unwrap().parse().unwrap();
        let day = from.to_zoned(tokyo.clone()).strftime("%A").to_string().to_lowercase();
        assert_eq!(day, start);
    }
    let counted: i64 =
        whole["items"].as_array().unwrap().iter().map(|item| item["count"].as_i64().unwrap()).sum();
    let path = "/api/v1/posts/export?format=ndjson&window=yesterday&tz=Asia/Tokyo";
    let file = api.request(Method::GET, path).send().await.unwrap().text().await.unwrap();
    assert_eq!(file.lines().count() as i64, counted);
    let (status, _) = api.get("/api/v1/posts?window=yesterday&tz=Asia/Tokyo&limit=1").await;
    assert_eq!(status, 200);
    let (status, answer) = api.get("/api/v1/posts?window=today&tz=Mars").await;
    assert_eq!((status, &answer["error"]["details"]["parameter"]), (400, &json!("tz")));
}
