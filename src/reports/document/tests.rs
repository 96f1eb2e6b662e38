use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::models::alert::{Alert, EvidenceTerm};
use crate::models::explore::{AnsweredFrom, BreakdownBy, ExploreBreakdown, ExploreItem, ExplorePoint};
use crate::models::id::{AlertId, PostId};
use crate::models::metrics::{Overall, StepProgress, Summary, Window};
use crate::models::post::{Author, Engagement, Post, PostOrder, ScoredPost, Source};
use crate::models::report::ReportFilter;
use crate::models::rollup::Sums;
use crate::models::score::{Emotion, EmotionScores, ModelId, Score, Sentiment, SentimentLabel};
use crate::reports::content::{PeriodAlerts, RisenTerms, TopPosts};

/// What a stranger might call themselves.
const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>' onmouseover='x\u{202e}";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn window(days_back: i64) -> Window {
    let back = SignedDuration::from_hours(24 * days_back);
    let (from, to) = (at("2026-11-15T23:00:00Z") - back, at("2026-11-22T23:00:00Z") - back);
    Window { from, to, seconds: 604_800 }
}

fn summary(positive: i64, negative: i64) -> Summary {
    let count = positive + negative;
    let sentiment_micros = (positive - negative) * 500_000;
    let toxicity_micros = count * 100_000;
    Summary::from(&Sums { count, positive, negative, sentiment_micros, toxicity_micros, ..Sums::default() })
}

fn scored(text: &str) -> ScoredPost {
    let engagement = Engagement { likes: Some(1_200), shares: Some(34), ..Engagement::default() };
    let post = Post {
        uuid: PostId::from_u128(1),
        id: "1".to_owned(),
        platform: "web".to_owned(),
        text: text.to_owned(),
        author: Some(Author { handle: Some(text.to_owned()), ..Author::default() }),
        lang: None,
        created_at: at("2026-11-20T07:30:00Z"),
        received_at: at("2026-11-20T07:30:00Z"),
        original_created_at: None,
        source: Source::new("http"),
        connector: None,
        city: None,
        country: None,
        lat: None,
        lon: None,
        products: Vec::new(),
        topics: Vec::new(),
        channel: None,
        url: Some("javascript:alert(1)".to_owned()),
        parent_id: None,
        reach: 0,
        engagement: Some(engagement),
    };
    let sentiment =
        Sentiment { label: SentimentLabel::Negative, score: -0.9, confidence: 0.9, uncertain: false };
    let emotion = Emotion { label: "anger".to_owned(), scores: EmotionScores::from_array([0.0; 7]) };
    let model = Arc::new(ModelId { name: "m".to_owned(), version: "1".to_owned(), hash: "h".to_owned() });
    let score = Score { sentiment, emotion, toxicity: 0.1, churn_risk: 0.1, virality: 3.0, model };
    ScoredPost { post, score, awaits_correction: false }
}

fn alert(title: &str) -> Alert {
    let opened_at = at("2026-11-20T07:30:00Z");
    let text = serde_json::json!({
        "id": AlertId::from_u128(1), "rule": "churn", "scope": {"dimension": "overall", "key": ""}, "state": "open",
        "severity": "warning", "title": title, "value": 0.9, "threshold": 0.8, "count": 3, "opened_at": opened_at,
        "updated_at": opened_at, "resolved_at": null, "acknowledged_at": null, "posts": [], "rule_id": null,
        "rule_name": null, "metric": null, "phase": "firing", "silenced": false, "inhibited_by": null,
        "flapping": false, "evidence": null,
    });
    serde_json::from_value(text).unwrap()
}

fn content(name: &str) -> Content {
    let range = window(0);
    let items = vec![ExploreItem {
        key: name.to_owned(),
        count: 600,
        share: 0.6,
        previous_count: Some(300),
        sentiment: Some(summary(400, 200).sentiment),
    }];
    let breakdown = |by, items| ExploreBreakdown {
        range,
        by,
        answered_from: AnsweredFrom::Rollups,
        sample: None,
        items,
        previous_range: None,
    };
    let series = (0..7).map(|day| {
        let from = range.from + SignedDuration::from_hours(24 * day);
        let to = from + SignedDuration::from_hours(24);
        let progress = StepProgress { seconds: 86_400.0, complete: true };
        let summary = if day == 3 { summary(0, 0) } else { summary(100 * day, 50) };
        ExplorePoint { from, to, progress, summary }
    });
    Content {
        name: name.to_owned(),
        filter: ReportFilter {
            city: Some(name.to_owned()),
            channel: Some(String::new()),
            ..ReportFilter::default()
        },
        zone: zone(),
        total: Overall { window: range, summary: summary(700, 300) },
        before: Overall { window: window(7), summary: summary(400, 100) },
        series: series.collect(),
        breakdowns: vec![
            breakdown(BreakdownBy::Product, items),
            breakdown(BreakdownBy::Platform, Vec::new()),
        ],
        posts: TopPosts { order: PostOrder::Engagement, items: vec![scored(name)] },
        alerts: PeriodAlerts { items: vec![alert(name)], count: 31 },
        terms: RisenTerms {
            items: vec![EvidenceTerm { term: name.to_owned(), count: 40, expected: 3.25 }],
            n_sampled: 812,
        },
        dashboard: Some("https://mood.example.org/".to_owned()),
        read_at: at("2026-11-23T07:00:00Z"),
    }
}

#[test]
fn nothing_that_strangers_wrote_becomes_markup() {
    let hostile = content(HOSTILE);
    for html in [page(&hostile), mail(&hostile, Some(HOSTILE))] {
        let markup: Vec<&str> = html.split('<').skip(1).collect();
        for tag in &markup {
            let name = tag.trim_start_matches('/').split([' ', '>', '\n']).next().unwrap();
            let known = [
                "!doctype", "html", "head", "meta", "style", "title", "body", "table", "tr", "td", "th",
                "thead", "tbody", "h1", "h2", "h3", "p", "a", "b", "div", "span", "svg", "line", "text",
                "rect", "path", "circle",
            ];
            assert!(known.contains(&name), "<{tag}");
            let (inside, _) = tag.split_once('>').unwrap_or((tag, ""));
            // Quotes within attributes are escaped, so they are balanced, and no attribute is a handler.
            assert_eq!(inside.matches('"').count() % 2, 0, "<{tag}");
            let names = inside.split('"').step_by(2);
            let mut names = names.flat_map(str::split_whitespace);
            assert!(names.all(|name| !name.starts_with("on") && !name.starts_with("src")), "<{tag}");
        }
        for forbidden in ["javascript:", "url(", "@import", "\u{202e}"] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
    }
    assert!(!plain(&hostile, None).contains('\u{202e}'));
}

#[test]
fn the_figures_are_compared_by_the_rules_of_the_dashboard() {
    let text = plain(&content("Weekly"), None);
    for line in [
        "Weekly\nMon 16 Nov 2026 – Sun 22 Nov 2026, times in Europe/Berlin\n",
        "Only channel",
        "Posts: 1,000 (before: 500, change: ×2.0)",
        "Average sentiment: +0.20 (before: +0.30, change: −0.10)",
        "Negative share: 30% (before: 20%, change: +10 pts)",
        "High churn risk: 0 posts (before: 0 posts, change: –)",
        "Average toxicity: 0.10 (before: 0.10, change: ±0)",
        "Thu 19 Nov: 0 posts, sentiment –, – negative",
        "Fri 20 Nov: 450 posts, sentiment +0.39, 11% negative",
        "Weekly: 600 posts, 60%, ×2.0",
        "Weekly: 40 posts, expected 3.2",
        "sample of 812 posts",
        "warning, Fri 20 Nov 2026, 08:30: Weekly",
        "30 more. The most severe ones are listed.",
        "Weekly · web · Fri 20 Nov 2026, 08:30 · negative · 1,234 reactions",
        "Mon 9 Nov 2026 – Sun 15 Nov 2026, and are shown if both have at least 30 posts",
    ] {
        let line = line.replace("Only channel", "Only posts without a channel, city Weekly");
        assert!(text.contains(&line), "`{line}` is missing in\n{text}");
    }
}

#[test]
fn a_mail_has_no_svg_and_says_why_no_pdf_is_attached() {
    let content = content("Weekly");
    let (page, mail) = (page(&content), mail(&content, Some("Chromium was not found on the server")));
    assert!(page.contains("<svg") && page.contains("role=\"img\"") && !page.contains("No PDF"));
    assert!(
        !mail.contains("<svg") && mail.contains("No PDF is attached: Chromium was not found on the server.")
    );
    assert!(
        page.contains("aria-label=\"Posts by sentiment. Most posts in one step: 650, Sun 22 Nov.\""),
        "{page}"
    );
    assert!(page.contains("Between −0.50 and +0.42."), "{page}");
    for html in [page, mail] {
        assert!(html.contains("default-src 'none'") && html.contains("@page{size:A4"), "{html}");
    }
}

#[test]
fn a_report_without_posts_says_so() {
    let mut empty = content("Weekly");
    empty.total.summary = summary(0, 0);
    empty.series.iter_mut().for_each(|point| point.summary = summary(0, 0));
    (empty.posts.items, empty.alerts, empty.terms) =
        (Vec::new(), PeriodAlerts::default(), RisenTerms::default());
    let page = page(&empty);
    for text in [
        "No posts in this period.",
        "No alert opened in this period.",
        "No term was clearly more frequent",
        "No post has a platform.",
        "Posts by sentiment. No posts.",
    ] {
        assert!(page.contains(text), "`{text}` is missing in\n{page}");
    }
    assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
}

#[test]
fn subjects_and_file_names_say_what_the_report_covers() {
    let Window { from, to, .. } = window(0);
    let period = Period { from, to };
    assert_eq!(subject("Weekly", period, &zone()), "Weekly: Mon 16 Nov 2026 – Sun 22 Nov 2026");
    let check = |name: &str, expected: &str| assert_eq!(file_name(name, period, &zone()), expected);
    check("Weekly: Nimbrel Buds", "weekly-nimbrel-buds-2026-11-16");
    check("../\"\r\n週報", "report-2026-11-16");
}
