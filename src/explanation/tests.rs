//! Whole explanations of made-up posts: their sentences and figures.

use jiff::SignedDuration;

use super::testing::{compared, sampled, start};
use super::*;
use crate::models::explanation::{ComparedKey, SentencePart};
use crate::models::explore::{BreakdownBy, Sample};

/// Returns findings with these numbers of posts, and with as many texts, all distinct.
fn findings(now: i64, before: i64) -> Findings {
    let texts = |n: i64, seed: i64| -> Vec<SampledPost> {
        let text =
            |n: i64| format!("order{} arrived late{} box{}", n * 7 + seed, n * 13 + seed, n * 17 + seed);
        let texts: Vec<String> = (0..n).map(text).collect();
        sampled(&texts.iter().map(String::as_str).collect::<Vec<&str>>())
    };
    Findings {
        compared: compared(now, before),
        posts: texts(now, 1),
        posts_before: texts(before, 100_000),
        is_sampled: false,
        is_sampled_before: false,
        now: start() + SignedDuration::from_hours(1),
    }
}

fn check(findings: &Findings, expected: [&str; 2]) {
    let sentences = explain(findings).sentences;
    let found: Vec<&str> = sentences.iter().map(|sentence| sentence.text.as_str()).collect();
    assert_eq!(found, expected);
}

const BETWEEN: &str = "between 2026-11-21T08:40:00Z and 2026-11-21T08:50:00Z";

#[test]
fn sentences_state_counts_keys_copies_and_terms() {
    let mut findings = findings(1_000, 212);
    let key =
        |key: &str, now, before| ComparedKey { by: BreakdownBy::Product, key: key.to_owned(), now, before };
    findings.compared.keys = vec![key("", 200, 200), key("Nimbrel Buds", 710, 12)];
    findings.compared.now.negative = 680;
    for (place, sampled) in findings.posts.iter_mut().enumerate() {
        if place < 620 {
            sampled.post.text = "We are recalling all Nimbrel Buds sold since May".to_owned();
        } else if place < 700 {
            sampled.post.text.push_str(" recall");
        }
    }
    findings.posts[0].post.followers = Some(1_240_000);
    check(
        &findings,
        [
            &format!(
                "1,000 posts {BETWEEN}, up from 212 in the 10 minutes before; \
                 71% of them about Nimbrel Buds (6% before), 68% negative (20% before)."
            ),
            "62% are near copies of one post, the earliest by author0 with 1.2M followers; \
             “recall” appears in 8%, before in none.",
        ],
    );
}

#[test]
fn small_numbers_are_not_compared() {
    check(
        &findings(1, 0),
        [
            &format!("1 post {BETWEEN}, compared with 0 in the 10 minutes before."),
            "1 post is too few to describe.",
        ],
    );
    check(
        &findings(0, 12),
        [
            &format!("No posts {BETWEEN}, compared with 12 in the 10 minutes before."),
            "There are no posts to describe.",
        ],
    );
    let few = explain(&findings(29, 29));
    assert_eq!(few.change, None);
}

#[test]
fn a_change_within_chance_is_no_change() {
    let plain = "no single post or term stands out; 105 authors wrote them, the most active under 1%";
    check(
        &findings(105, 100),
        [
            &format!("105 posts {BETWEEN}, about as many as the 100 in the 10 minutes before."),
            &format!("N{}.", &plain[1..]),
        ],
    );
}

#[test]
fn an_unfinished_period_is_never_down() {
    let mut findings = findings(50, 100);
    let first = format!("50 posts {BETWEEN}, down from 100 in the 10 minutes before.");
    let second = "No single post or term stands out; 50 authors wrote them, the most active 2%.";
    check(&findings, [&first, second]);
    findings.now = start() + SignedDuration::from_mins(5);
    let first = &explain(&findings).sentences[0].text;
    assert_eq!(*first, format!("50 posts {BETWEEN} so far, compared with 100 in the 10 minutes before."));
}

#[test]
fn estimates_and_samples_are_disclosed() {
    let mut findings = findings(100, 40);
    findings.compared.now.count = 10_000;
    findings.compared.sample = Some(Sample { share: 0.1, posts: 100, error: 0.03 });
    findings.is_sampled = true;
    let explanation = explain(&findings);
    assert!(explanation.sentences[0].text.starts_with("About 10,000 posts"), "{explanation:?}");
    assert!(explanation.sentences[1].text.starts_with("Of 100 posts read, "), "{explanation:?}");
    let PostsRead { posts, of, sampled, error } = explanation.read;
    assert_eq!((posts, of, sampled), (100, 10_000, true));
    // √(0.25 · 0.99 / 100)
    assert!((error - 0.049_749).abs() < 1e-6, "{error}");
    assert_eq!(explanation.read_before.error, 0.0);
}

#[test]
fn the_times_of_a_sentence_are_parts_of_their_own() {
    let sentence = explain(&findings(1, 1)).sentences.remove(0);
    let times: Vec<Timestamp> = sentence
        .parts
        .iter()
        .filter_map(|part| match part {
            SentencePart::Time(at) => Some(*at),
            SentencePart::Text(_) => None,
        })
        .collect();
    assert_eq!(times, [start(), start() + SignedDuration::from_mins(10)]);
}

#[test]
fn another_period_to_compare_with_is_named_by_its_times() {
    let mut findings = findings(100, 100);
    let week = SignedDuration::from_hours(7 * 24);
    findings.compared.compared_with.from -= week;
    findings.compared.compared_with.to -= week;
    let first = &explain(&findings).sentences[0].text;
    assert!(first.ends_with("the 100 between 2026-11-14T08:30:00Z and 2026-11-14T08:40:00Z."), "{first}");
}
