use crate::topics::{PreparedText, Subject, TopicSet, parse};

fn subject<'a>(text: &'a PreparedText<'a>) -> Subject<'a> {
    Subject {
        text,
        lang: Some("en-GB"),
        platform: "Mastodon",
        author_handle: Some("@Ana"),
        author_id: Some("42"),
        country: Some("DE"),
    }
}

fn is_match(query: &str, text: &str) -> bool {
    let set = TopicSet::compile(&[parse(query).unwrap_or_else(|error| panic!("{query}: {error}")).query]);
    set.matches(&subject(&PreparedText::new(text))) == [0]
}

/// Checks which of the texts a query matches.
fn check(query: &str, matching: &[&str], others: &[&str]) {
    for text in matching {
        assert!(is_match(query, text), "`{query}` matches `{text}`");
    }
    for text in others {
        assert!(!is_match(query, text), "`{query}` does not match `{text}`");
    }
}

#[test]
fn words_are_found_whole_regardless_of_case_and_punctuation() {
    check("car", &["my CAR!", "car,boat", "(car)"], &["scarecrow", "cars", "carpet", ""]);
    check("café", &["Café", "CAFE\u{301}"], &["cafe"]);
    check(
        "\"apple juice\"",
        &["Apple, juice", "apple-juice"],
        &["apple and juice", "juice apple", "apple juices"],
    );
    check("refund*", &["refunds", "REFUND", "refunded!"], &["prerefund", "refun"]);
    check("買い物", &["昨日買い物に行った"], &["買い者"]);
}

#[test]
fn hashtags_and_handles_are_told_from_words() {
    check("#nike", &["so #Nike", "＃nike"], &["nike", "#nikeair"]);
    check("nike", &["#nike", "#JustNikeIt", "@nike"], &["#snikers"]);
    check("car", &["#car"], &["#scarecrow"]);
    check("@nike", &["hi @Nike."], &["nike", "me@nike.com", "@nikeair"]);
    check("@name.bsky.social", &["@name.bsky.social hi"], &["name.bsky.social", "@name bsky", "@name.bsky"]);
}

#[test]
fn raw_terms_keep_case_and_punctuation() {
    check("raw:Apple", &["an Apple a day", "(Apple)"], &["an apple", "Apples", "APPLE"]);
    check("raw:Google+", &["on Google+ now", "Google+!"], &["on Google", "google+"]);
    check("raw:\"🔥\"", &["🔥", "so🔥hot"], &["fire"]);
}

#[test]
fn near_counts_the_words_in_between() {
    check(
        "keyboard NEAR/2 logitech",
        &["Logitech Solar keyboard", "keyboard by the logitech"],
        &["logitech has a new keyboard", "keyboard"],
    );
    check(
        "logitech NEAR/0f keyboard",
        &["Logitech keyboard"],
        &["keyboard logitech", "logitech solar keyboard"],
    );
    check("good NEAR/1 good", &["good good", "good, very good"], &["good"]);
    // The nearest `b1` is not the one that is close enough to `c1`.
    check("a1 NEAR/3 b1 NEAR/0 c1", &["a1 b1 x b1 c1"], &["a1 b1 x c1"]);
    check(
        "(apple OR orange) NEAR/1 (phone OR \"smart watch\")",
        &["orange or smart watch"],
        &["apple is not a phone"],
    );
}

#[test]
fn fields_restrict_a_query() {
    check("shoes lang:en platform:mastodon country:de", &["shoes"], &["boots"]);
    check("shoes lang:de", &[], &["shoes"]);
    check("from:ana", &["anything", ""], &[]);
    check("from:42", &["anything"], &[]);
    check("from:bob", &[], &["anything"]);
    check("shoes NOT from:ana", &[], &["shoes"]);
}

#[test]
fn every_query_of_a_set_is_matched() {
    let queries = ["nike", "adidas OR puma", "from:ana shoes", "nike NOT shoes", "raw:Nike"];
    let queries = queries.map(|query| parse(query).unwrap().query);
    let set = TopicSet::compile(&queries);
    assert_eq!(set.matches(&subject(&PreparedText::new("Nike shoes"))), [0, 2, 4]);
    assert_eq!(set.matches(&subject(&PreparedText::new("nike and Puma"))), [0, 1, 3]);
    assert!(TopicSet::compile(&[]).matches(&subject(&PreparedText::new("nike"))).is_empty());
}
