//! Explanations of a period, and peaks: their figures are those of the other calls.

use groundswell::models::id::PostId;
use groundswell::models::post::{Author, Post, ScoredPost, Source};
use groundswell::models::score::SentimentLabel;
use groundswell::store::posts::record;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::support::api_server::{ApiServer, Setup, score};

/// Length of the periods to explain in minutes.
const MINUTES: i64 = 10;

/// Text that a burst repeats.
const COPIED: &str = "We are recalling all Nimbrel Buds sold since May because the case can overheat";

struct Said<'a> {
    n: usize,
    at: Timestamp,
    text: String,
    product: Option<&'a str>,
    author: String,
}

fn post(said: Said<'_>) -> ScoredPost {
    let is_negative = said.product.is_some();
    let post = Post {
        uuid: PostId::now_v7(),
        id: format!("p{}", said.n),
        platform: ["web", "bluesky"][said.n % 2].into(),
        text: said.text,
        author: Some(Author {
            id: None,
            handle: Some(said.author),
            followers: Some(1_240_000),
            location: None,
        }),
        lang: Some("en".into()),
        created_at: said.at,
        received_at: said.at,
        original_created_at: None,
        source: Source::new("http"),
        connector: None,
        city: Some(["Oslo", "Graz", "Lyon"][said.n % 3].into()),
        country: Some("NO".into()),
        lat: Some(59.9),
        lon: Some(10.7),
        products: said.product.iter().map(|name| (*name).to_owned()).collect(),
        topics: Vec::new(),
        channel: None,
        url: None,
        parent_id: None,
        reach: 1_240_000,
        engagement: None,
    };
    let mut score = score(0.9);
    if is_negative {
        score.sentiment.label = SentimentLabel::Negative;
    }
    ScoredPost { post, score, awaits_correction: false }
}

/// A server with an hour of steady posts, five a minute, followed by a burst of 300 in ten minutes; and when the burst
/// began.
async fn server_with_burst() -> (ApiServer, Timestamp) {
    let api = ApiServer::open(Setup::default()).await;
    let end = Timestamp::from_second(Timestamp::now().as_second() / 600 * 600 - 600).unwrap();
    let start = end - SignedDuration::from_mins(MINUTES);
    let mut batch: Vec<ScoredPost> = (0..300)
        .map(|n| {
            let at = start - SignedDuration::from_secs(12 * (n as i64 + 1));
            let text = format!("parcel{n} came on day{} in box{}", n * 7, n * 13);
            post(Said { n, at, text, product: None, author: format!("quiet{n}") })
        })
        .collect();
    batch.extend((300..600).map(|n| {
        let at = start + SignedDuration::from_secs(2 * (n as i64 - 300));
        let (text, author) = match n % 5 {
            0..3 => (COPIED.to_owned(), format!("copier{}", n % 7)),
            3 => (format!("my buds{n} recall letter{} is here{}", n * 3, n * 11), format!("owner{n}")),
            _ => (format!("parcel{n} came on day{} in box{}", n * 7, n * 13), format!("quiet{n}")),
        };
        post(Said { n, at, text, product: (n % 5 < 4).then_some("Nimbrel Buds"), author })
    }));
    for part in batch.chunks(200) {
        record::record(&api.store, part, &mut api.store.rollup_guard()).await.unwrap();
    }
    (api, start)
}

async fn get(api: &ApiServer, path: &str) -> Value {
    let (status, answer) = api.get(path).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

#[actix_web::test]
async fn every_number_of_an_explanation_is_that_of_the_other_calls() {
    let (api, start) = server_with_burst().await;
    let (from, to) = (start, start + SignedDuration::from_mins(MINUTES));
    let before = start - SignedDuration::from_mins(MINUTES);
    // From rollups, from posts, and with a search.
    for filter in ["", "&source=http", "&platform=web", "&lang=en", "&label=negative", "&q=recall+or+parcel7"]
    {
        let path = |call: &str, (from, to): (Timestamp, Timestamp)| {
            format!("/api/v1/explore/{call}from={from}&to={to}{filter}")
        };
        let explained = get(&api, &path("explain?", (from, to))).await;
        for (figures, period) in [("now", (from, to)), ("before", (before, from))] {
            let series = get(&api, &path("series?step=hour&", period)).await;
            let total =
                |of: &dyn Fn(&Value) -> i64| series["items"].as_array().unwrap().iter().map(of).sum::<i64>();
            let count = total(&|step| step["count"].as_i64().unwrap());
            let negative = total(&|step| step["sentiment"]["negative"].as_i64().unwrap());
            assert_eq!(explained[figures]["count"], count, "{filter} {figures}");
            assert_eq!(explained[figures]["sentiment"]["negative"], negative, "{filter} {figures}");
        }
        let read = &explained["read"];
        assert_eq!((&read["posts"], &read["sampled"]), (&explained["now"]["count"], &Value::Bool(false)));
        for contribution in explained["contributions"].as_array().unwrap() {
            let by = contribution["by"].as_str().unwrap();
            for (field, period) in [("count", (from, to)), ("previous_count", (before, from))] {
                let parts = get(&api, &path(&format!("breakdown?by={by}&limit=500&"), period)).await;
                let same = |item: &&Value| item["key"] == contribution["key"];
                let counted = parts["items"].as_array().unwrap().iter().find(same);
                let counted = counted.map_or(0, |item| item["count"].as_i64().unwrap());
                assert_eq!(contribution[field], counted, "{filter} {contribution}");
            }
        }
        for (items, name) in [(&explained["authors"]["items"], "author"), (&explained["terms"], "term")] {
            for item in items.as_array().unwrap().iter().take(3) {
                let (key, n_posts) = match name {
                    "author" => ("author", &item["posts"]),
                    // A second search would replace the first.
                    _ if filter.contains("q=") => continue,
                    _ => ("q", &item["count"]),
                };
                let value = item[name].as_str().unwrap();
                let value = if value.contains(' ') {
                    format!("%22{}%22", value.replace(' ', "+"))
                } else {
                    value.into()
                };
                let posts =
                    get(&api, &format!("{}&{key}={value}", path("series?step=hour&", (from, to)))).await;
                let total: i64 = posts["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|step| step["count"].as_i64().unwrap())
                    .sum();
                assert_eq!(*n_posts, total, "{filter} {item}");
            }
        }
    }
}

#[actix_web::test]
async fn a_burst_is_a_peak_and_its_explanation_names_what_is_new() {
    let (api, start) = server_with_burst().await;
    let (from, to) = (start, start + SignedDuration::from_mins(MINUTES));
    let hour = start - SignedDuration::from_mins(50);
    for path in [
        format!("/api/v1/explore/series?from={hour}&to={to}&step=minute"),
        format!("/api/metrics/trend?from={hour}&to={to}"),
    ] {
        let answer = get(&api, &path).await;
        let peaks = answer["peaks"].as_array().unwrap();
        let volume = peaks.iter().find(|peak| peak["metric"] == "volume").unwrap();
        assert_eq!(volume["from"].as_str().unwrap().parse::<Timestamp>().unwrap(), from, "{volume}");
        let same = |step: &&Value| step["from"] == volume["at"];
        let step = answer["items"].as_array().unwrap().iter().find(same).unwrap();
        assert_eq!((&volume["count"], volume["value"].as_f64()), (&step["count"], step["count"].as_f64()));
        assert!((4.0..7.0).contains(&volume["expected"].as_f64().unwrap()), "{volume}");
    }

    let explained = get(&api, &format!("/api/v1/explore/explain?from={from}&to={to}")).await;
    let sentences: Vec<&str> =
        explained["sentences"].as_array().unwrap().iter().map(|it| it["text"].as_str().unwrap()).collect();
    assert_eq!(
        sentences,
        [
            &format!(
                "300 posts between {from} and {to}, up from 50 in the 10 minutes before; \
                 80% of them about Nimbrel Buds (none before), 80% negative (none before)."
            ),
            "60% are near copies of one post, the earliest by copier6 with 1.2M followers; \
             “recall” appears in 20%, before in none.",
        ]
    );
    let cluster = &explained["clusters"][0];
    assert_eq!((&cluster["posts"], &cluster["authors"]), (&180.into(), &7.into()));
    let phrase = cluster["phrase"].as_str().unwrap().replace(' ', "+");
    let found =
        get(&api, &format!("/api/v1/explore/series?from={from}&to={to}&step=hour&q=%22{phrase}%22")).await;
    let n_found: i64 =
        found["items"].as_array().unwrap().iter().map(|step| step["count"].as_i64().unwrap()).sum();
    assert_eq!((&cluster["phrase_posts"], n_found), (&180.into(), 180));
    assert_eq!(explained["distinct_texts"], 121);
    assert_eq!(explained["authors"]["distinct"], 127);
    let product = &explained["contributions"][0];
    assert_eq!(
        (&product["by"], &product["key"], &product["change"]),
        (&"product".into(), &"Nimbrel Buds".into(), &240.into())
    );

    // Compared with a quiet period further back.
    let earlier = start - SignedDuration::from_mins(30);
    let until = earlier + SignedDuration::from_mins(MINUTES);
    let path =
        format!("/api/v1/explore/explain?from={from}&to={to}&compare_from={earlier}&compare_to={until}");
    let explained = get(&api, &path).await;
    assert_eq!(explained["before"]["count"], 50);
    let (status, _) = api.get(&format!("{path}&compare_with=x")).await;
    assert_eq!(status, 400);
}
