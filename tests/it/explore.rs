//! History over any range: exact, whatever the filter, and read by indexes alone.

use groundswell::bench::explore::{BenchQuery, CorpusParams, Filled, LARGE, all, fill};
use groundswell::store::operations::explain::{Plan, explain, vacuum};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::Space;
use crate::support::api_server::{ApiServer, Setup, read};

/// Few days, so that each holds as many posts as in a season of a million: in a small table reading all of it is the best
/// plan.
const DAYS: u32 = 4;

/// In a smaller table reading all of it can be the best plan: the scores of a day are here, its posts are not. Pages of
/// 8 KB.
const SMALL_PAGES: u64 = 250;

/// One season of posts, which the tests only read.
struct Season {
    space: Space,
    filled: Filled,
    until: Timestamp,
}

async fn season() -> &'static Season {
    static SEASON: OnceCell<Season> = OnceCell::const_new();
    SEASON
        .get_or_init(|| async {
            let space = Space::new().await;
            let store = space.store().await;
            store.migrate().await.unwrap();
            let until = Timestamp::now();
            let corpus = CorpusParams { n_posts: 60_000, days: DAYS, until };
            let filled = fill(&store, corpus, |_| {}).await.unwrap();
            vacuum(&store).await.unwrap();
            store.close();
            Season { space, filled, until }
        })
        .await
}

/// Choices that a failure can be repeated with.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn one_of<'a>(&mut self, values: &[&'a str]) -> &'a str {
        values[self.below(values.len())]
    }
}

/// What may be asked for, as a call names it.
const FILTERS: [(&str, &[&str]); 9] = [
    ("product", &["Nimbrel One", "Nimbrel Watch", ""]),
    ("city", &["Berlin", "New York", "Atlantis", ""]),
    ("platform", &["twitter", "reddit", "bluesky"]),
    ("channel", &["support", "store", ""]),
    ("source", &["http", "replay"]),
    ("label", &["positive", "negative"]),
    ("lang", &["de", "en"]),
    ("emotion", &["joy", "anger"]),
    ("min_churn", &["0.5"]),
];

/// A filter as a call takes it, and as plain SQL says it. Most have one condition or two.
fn filter(dice: &mut Dice) -> (String, String) {
    let (mut query, mut sql) = (String::new(), "true".to_owned());
    let mut names: Vec<usize> =
        (0..[0, 1, 1, 2, 3][dice.below(5)]).map(|_| dice.below(FILTERS.len())).collect();
    names.sort_unstable();
    names.dedup();
    for (name, values) in names.into_iter().map(|i| FILTERS[i]) {
        let value = dice.one_of(values);
        query.push_str(&format!("&{name}={}", value.replace(' ', "+")));
        sql.push_str(&match (name, value) {
            ("product", "") => " AND products = '{}'".to_owned(),
            ("product", product) => format!(" AND '{product}' = ANY (products)"),
            ("min_churn", least) => format!(" AND churn_risk >= {least}::real"),
            (column, "") => format!(" AND {column} IS NULL"),
            (column, value) => format!(" AND {column}::text = '{value}'"),
        });
    }
    (query, sql)
}

const TABLES: &str = "social_media_posts JOIN sentiment_analysis USING (uuid, created_at)";

/// A range of whole minutes within the season.
fn range(dice: &mut Dice, until: Timestamp) -> (Timestamp, Timestamp) {
    let last = until.as_second() / 60;
    let minutes = i64::from(DAYS) * 1_440;
    let from = last - dice.below(minutes as usize) as i64 - 1;
    let to = from + 1 + dice.below((last - from) as usize) as i64;
    (Timestamp::from_second(from * 60).unwrap(), Timestamp::from_second(to * 60).unwrap())
}

#[actix_web::test]
async fn series_and_breakdowns_are_what_counting_the_posts_gives_for_any_filter_range_and_zone() {
    let season = season().await;
    let api = ApiServer::open_on(&season.space, Setup::default()).await;
    let sql = season.space.sql().await;
    let mut dice = Dice(42);
    let mut answered_from = std::collections::HashMap::<String, usize>::new();
    for round in 0..80 {
        let (query, condition) = filter(&mut dice);
        let (from, to) = range(&mut dice, season.until);
        let zone = dice.one_of(&["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]);
        let step = dice.one_of(&["hour", "day", "week"]);
        let within = format!("{condition} AND created_at >= '{from}' AND created_at < '{to}'");
        let path = format!("/api/v1/explore/series?from={from}&to={to}&tz={zone}&step={step}{query}");
        let (status, answer) = api.get(&path).await;
        assert_eq!(status, 200, "round {round}, {path}: {answer}");
        *answered_from.entry(answer["answered_from"].as_str().unwrap().to_owned()).or_default() += 1;
        // PostgreSQL's own calendar is the judge of where days begin.
        let expected = sql
            .query(
                &format!(
                    "SELECT greatest(date_trunc('{step}', created_at, '{zone}'), '{from}'), count(*),
                        count(*) FILTER (WHERE label = 'negative'), count(*) FILTER (WHERE emotion = 'joy')
                    FROM {TABLES} WHERE {within} GROUP BY 1 ORDER BY 1"
                ),
                &[],
            )
            .await
            .unwrap();
        let expected: Vec<(Timestamp, i64, i64, i64)> =
            expected.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
        let items = answer["items"].as_array().unwrap();
        let found: Vec<(Timestamp, i64, i64, i64)> = items
            .iter()
            .map(|item| {
                let number = |value: &Value| value.as_i64().unwrap();
                (
                    item["from"].as_str().unwrap().parse().unwrap(),
                    number(&item["count"]),
                    number(&item["sentiment"]["negative"]),
                    number(&item["emotions"]["joy"]),
                )
            })
            .filter(|step| step.1 > 0)
            .collect();
        assert_eq!(found, expected, "round {round}, {path}");
        // Each step ends where the next begins, and the whole is the range.
        assert_eq!(items.last().unwrap()["to"], json!(to));
        assert!(items.windows(2).all(|pair| pair[0]["to"] == pair[1]["from"]), "{path}");

        let (by, key) = [
            ("product", "unnest(CASE WHEN products = '{}' THEN ARRAY[''] ELSE products END)"),
            ("city", "coalesce(city, '')"),
            ("platform", "platform"),
            ("source", "source"),
            ("label", "label::text"),
            ("emotion", "emotion::text"),
            ("lang", "coalesce(lang, '')"),
            ("author", "coalesce(author_handle, author_id, '')"),
        ][dice.below(8)];
        let path = format!("/api/v1/explore/breakdown?by={by}&limit=500&from={from}&to={to}{query}");
        let (status, answer) = api.get(&path).await;
        assert_eq!(status, 200, "round {round}, {path}: {answer}");
        let expected = format!(
            "SELECT {key}, count(*), (SELECT count(*) FROM {TABLES} WHERE {within})
            FROM {TABLES} WHERE {within} GROUP BY 1 ORDER BY 2 DESC LIMIT 500"
        );
        let expected = sql.query(&expected, &[]).await.unwrap();
        let mut expected: Vec<(i64, String, String)> = expected
            .iter()
            .map(|row| {
                let (count, of): (i64, i64) = (row.get(1), row.get(2));
                (count, row.get(0), format!("{:.9}", count as f64 / of as f64))
            })
            .collect();
        let found = answer["items"].as_array().unwrap().iter().filter(|item| item["count"] != 0);
        let mut found: Vec<(i64, String, String)> = found
            .map(|item| {
                let share = format!("{:.9}", item["share"].as_f64().unwrap());
                (item["count"].as_i64().unwrap(), item["key"].as_str().unwrap().to_owned(), share)
            })
            .collect();
        if by == "author" {
            // Of those with as few posts as the last, which are among the first 500 is nobody's business.
            let least = expected.last().map_or(0, |last| last.0);
            expected.retain(|part| part.0 > least);
            found.retain(|part| part.0 > least);
        }
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "round {round}, {path}");
    }
    assert!(answered_from["rollups"] > 10 && answered_from["posts"] > 10, "{answered_from:?}");
}

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

fn check(asked: &BenchQuery, plan: &Plan, (from, to): (Timestamp, Timestamp)) {
    let name = asked.name;
    for node in plan.nodes.iter().filter(|node| node.n_loops > 0) {
        let Some(table) = &node.table else { continue };
        let large = LARGE.iter().any(|large| table.starts_with(large));
        let is_small = node.n_pages <= SMALL_PAGES;
        let whole = large && !is_small && node.reads_whole_table() && !asked.needs_all_of(table);
        assert!(!whole, "{name} reads `{table}` whole: {plan:#?}");
        let Some(day) = table.rsplit_once('_').map(|(_, day)| day).filter(|day| day.len() == 8) else {
            continue;
        };
        let day_of = |at: Timestamp| at.strftime("%Y%m%d").to_string();
        let inside = day >= day_of(from).as_str() && day <= day_of(to).as_str();
        assert!(inside, "{name} reads `{table}`, outside of {from} to {to}: {plan:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_reads_a_table_whole_for_a_few_rows_or_a_day_outside_its_range() {
    let season = season().await;
    let store = season.space.store().await;
    for asked in all(&store, &season.filled, season.until).await.unwrap() {
        let plan = explain(&store, &asked.question).await.unwrap();
        // The newest fill a page within a day, a range of a week has the days of a week. Days are made ahead.
        let days = match asked.name {
            "posts, newest" | "posts, one product" | "posts, all time" => 1,
            name if name.contains("week") && !name.contains("by week") => 7,
            _ => 100,
        };
        check(
            &asked,
            &plan,
            (
                season.until - SignedDuration::from_hours(24 * days),
                season.until + SignedDuration::from_hours(72),
            ),
        );
    }
}

#[actix_web::test]
async fn too_much_at_once_is_refused_and_what_is_wrong_is_named() {
    let api = ApiServer::open(Setup::default()).await;
    for (path, parameter) in [
        ("explore/series?tz=Mars/Olympus", "tz"),
        ("explore/series?from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z", "from"),
        ("explore/series?window=30d&step=minute", "step"),
        ("explore/series?step=second", "step"),
        ("explore/series?dimension=city", "dimension"),
        ("explore/breakdown?by=mood", "by"),
        ("explore/breakdown?by=city&limit=501", "limit"),
        ("explore/breakdown?by=city&emotion=bliss", "emotion"),
        ("posts?order=virality", "from"),
        ("posts?order=rising&window=30d", "from"),
        ("posts?order=engagement&window=7d&limit=201", "limit"),
        ("posts?order=engagement&window=7d&cursor=00", "cursor"),
        ("posts?order=loudest", "order"),
        ("posts?min_virality=101", "min_virality"),
        ("posts/export?format=csv&min_churn=2", "min_churn"),
        ("labels/export?format=xls", "format"),
    ] {
        let (status, answer) = api.get(&format!("/api/v1/{path}")).await;
        let named = answer["error"]["details"]["parameter"].as_str().unwrap_or_default();
        assert_eq!((status, named), (400, parameter), "{path}: {answer}");
    }
    let (status, answer) = api.get(&format!("/api/v1/explore/series?q={}", "x".repeat(501))).await;
    assert_eq!((status, &answer["error"]["details"]["parameter"]), (400, &json!("q")));
    for q in ["'; DROP TABLE models; --", "a' OR '1'='1", "\\", "!!!", "((((", "a <-> b", ":*", "%00x"] {
        let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
        for path in ["explore/series?window=24h", "explore/breakdown?by=author", "posts?limit=1"] {
            let (status, answer) = api.get(&format!("/api/v1/{path}&q={q}")).await;
            assert_eq!(status, 200, "{path} {q}: {answer}");
        }
    }
}

#[actix_web::test]
async fn a_range_with_too_many_posts_for_its_filter_is_refused_before_they_are_read() {
    let space = Space::new().await;
    let api = ApiServer::open_on(&space, Setup::default()).await;
    let many = "INSERT INTO sentiment_rollups (bucket, source, dimension, key, count, positive, neutral, negative,
            sentiment_micros, churn_micros, churn_high, toxicity_micros, emotion_anger, emotion_disgust, emotion_fear,
            emotion_joy, emotion_neutral, emotion_sadness, emotion_surprise, late, revision)
        VALUES (date_trunc('minute', now()), 'http', 'overall', '', 100001, 0, 100001, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            100001, 0, 0, 0, 1)";
    space.sql().await.batch_execute(many).await.unwrap();
    let (status, answer) = api.get("/api/v1/explore/series?window=1h&label=negative").await;
    let error = &answer["error"];
    assert_eq!(
        (status, &error["code"], &error["details"]["limit"]),
        (400, &json!("window_too_long"), &json!(100_000))
    );
    let (status, answer) = api.get("/api/v1/explore/series?window=1h").await;
    assert_eq!((status, &answer["answered_from"]), (200, &json!("rollups")));
    assert_eq!(api.get("/api/v1/explore/series?window=1h&source=replay&label=negative").await.0, 200);
}

#[actix_web::test]
async fn views_and_corrected_labels_go_in_and_come_out() {
    let season = season().await;
    let api = ApiServer::open_on(&season.space, Setup::default()).await;
    let view = json!({"name": "Watches", "page": "explore", "query": "product=Nimbrel+Watch"}).to_string();
    let (status, saved) = api.post("/api/v1/views", "application/json", view.clone()).await;
    assert_eq!(status, 201, "{saved}");
    let id = saved["id"].as_str().unwrap();
    let send = async |method: Method, path: &str, body: String| {
        let request = api.request(method, path).header("content-type", "application/json").body(body);
        read(request.send().await.unwrap()).await
    };
    let (status, changed) =
        send(Method::PUT, &format!("/api/v1/views/{id}"), view.replace("Watches", "W")).await;
    assert_eq!((status, &changed["name"]), (200, &json!("W")));
    assert_eq!(api.get("/api/v1/views").await.1["items"], json!([changed]));
    let (status, wrong) =
        api.post("/api/v1/views", "application/json", view.replace("explore", "admin")).await;
    assert_eq!((status, &wrong["error"]["details"]["field"]), (422, &json!("page")));
    assert_eq!(send(Method::DELETE, &format!("/api/v1/views/{id}"), String::new()).await.0, 204);
    assert_eq!(send(Method::DELETE, &format!("/api/v1/views/{id}"), String::new()).await.0, 404);

    let (_, page) = api.get("/api/v1/posts?limit=1&label=positive").await;
    let post = page["items"][0]["post"]["uuid"].as_str().unwrap().to_owned();
    assert_eq!(page["items"][0]["corrected_label"], Value::Null);
    let path = format!("/api/v1/posts/{post}/label");
    let (status, made) =
        send(Method::PUT, &path, json!({"label": "negative", "note": "=irony"}).to_string()).await;
    assert_eq!(
        (status, &made["label"], &made["was"]["label"]),
        (200, &json!("negative"), &json!("positive"))
    );
    assert_eq!(api.get(&format!("/api/v1/posts/{post}")).await.1["corrected_label"], "negative");
    let export = async |format: &str| {
        let path = format!("/api/v1/labels/export?format={format}");
        api.request(Method::GET, &path).send().await.unwrap().text().await.unwrap()
    };
    let line: Value = serde_json::from_str(export("ndjson").await.trim()).unwrap();
    assert_eq!(
        (&line["label"], &line["model_label"], &line["post"]),
        (&json!("negative"), &json!("positive"), &json!(post))
    );
    let table = export("csv").await;
    assert!(table.starts_with("text,label,model_label,") && table.contains("'=irony"), "{table}");
    let (status, wrong) = send(Method::PUT, &path, json!({"label": "angry"}).to_string()).await;
    assert_eq!((status, &wrong["error"]["details"]["field"]), (422, &json!("label")));
    assert_eq!(send(Method::DELETE, &path, String::new()).await.0, 204);
    assert_eq!(export("ndjson").await, "");
}
