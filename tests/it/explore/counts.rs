//! Series, breakdowns and lines against the counts of plain SQL.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::questions::{Dice, filter, range};
use super::season::season;
use crate::support::api_server::{ApiServer, Setup};
use crate::support::seed;

const TABLES: &str = "social_media_posts JOIN sentiment_analysis USING (uuid, created_at)";

#[actix_web::test]
async fn series_and_breakdowns_are_what_counting_the_posts_gives_for_any_filter_range_and_zone() {
    let season = season().await;
    let api = ApiServer::open_on(&season.space, Setup::default()).await;
    let sql = season.space.sql().await;
    let mut dice = Dice(41 + seed());
    let mut answered_from = std::collections::HashMap::<String, usize>::new();
    for round in 0..120 {
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
        // The list has as many posts as the figures count.
        let n_posts: i64 = expected.iter().map(|step| step.1).sum();
        let path = format!("/api/v1/posts?from={from}&to={to}&limit=500{query}");
        let (status, page) = api.get(&path).await;
        let n_listed = page["items"].as_array().map_or(0, Vec::len) as i64;
        assert_eq!((status, n_listed), (200, n_posts.min(500)), "round {round}, {path}");
        assert_eq!(page["next_cursor"].is_null(), n_posts <= 500, "round {round}, {path}");
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
async fn lines_are_the_series_of_each_key_and_of_all_others() {
    let season = season().await;
    let api = ApiServer::open_on(&season.space, Setup::default()).await;
    let mut dice = Dice(6 + seed());
    for round in 0..40 {
        let (query, _) = filter(&mut dice);
        let (from, to) = range(&mut dice, season.until);
        let by =
            dice.one_of(&["city", "platform", "product", "source", "label", "emotion", "lang", "author"]);
        let common = format!("from={from}&to={to}&tz=Europe/Berlin&step=hour{query}");
        let path = format!("/api/v1/explore/lines?by={by}&limit=3&{common}");
        let (status, lines) = api.get(&path).await;
        assert_eq!(status, 200, "round {round}, {path}: {lines}");
        let (_, parts) = api
            .get(&format!("/api/v1/explore/breakdown?by={by}&limit=3&{}", common.replace("&step=hour", "")))
            .await;
        let (_, whole) = api.get(&format!("/api/v1/explore/series?{common}")).await;
        let counts = |points: &Value| -> Vec<i64> {
            points.as_array().unwrap().iter().map(|point| point["count"].as_i64().unwrap()).collect()
        };
        // The keys are those of the breakdown, and each line adds up to its count.
        let items = lines["items"].as_array().unwrap();
        let named: Vec<(&str, i64)> = items
            .iter()
            .map(|line| (line["key"].as_str().unwrap(), line["count"].as_i64().unwrap()))
            .collect();
        let expected: Vec<(&str, i64)> = parts["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["key"].as_str().unwrap(), item["count"].as_i64().unwrap()))
            .collect();
        assert_eq!(named, expected, "round {round}, {path}");
        for line in items {
            assert_eq!(counts(&line["points"]).iter().sum::<i64>(), line["count"], "round {round}, {path}");
        }
        // Steps are those of the series, and where sets are disjoint, all lines add up to it.
        let steps = |answer: &Value, name: &str| -> Vec<Value> {
            answer[name].as_array().unwrap().iter().map(|step| step["from"].clone()).collect()
        };
        assert_eq!(steps(&lines, "steps"), steps(&whole, "items"), "round {round}, {path}");
        if by == "product" {
            assert_eq!(lines["other"], Value::Null);
        } else if !["emotion"].contains(&by) {
            let mut sums = vec![0; steps(&whole, "items").len()];
            let others = items.iter().map(|line| &line["points"]).chain([&lines["other"]]);
            for points in others.filter(|points| !points.is_null()) {
                counts(points).iter().enumerate().for_each(|(step, count)| sums[step] += count);
            }
            assert_eq!(sums, counts(&whole["items"]), "round {round}, {path}");
        }
        if items.len() == 3 && by == "city" && !query.contains("city") {
            // A line is the series of its key.
            let key = items[0]["key"].as_str().unwrap().replace(' ', "+");
            let (_, series) = api.get(&format!("/api/v1/explore/series?{common}&city={key}")).await;
            assert_eq!(counts(&items[0]["points"]), counts(&series["items"]), "round {round}, {path}");
        }
    }
    let (status, answer) = api.get("/api/v1/explore/lines?by=city&limit=9").await;
    assert_eq!((status, &answer["error"]["details"]["parameter"]), (400, &json!("limit")));
}
