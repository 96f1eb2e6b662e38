use proptest::prelude::*;

use super::*;

const NOW: &str = "2026-05-01T12:00:00Z";

fn context() -> AcceptContext {
    AcceptContext {
        now: NOW.parse().unwrap(),
        retention: Duration::from_secs(90 * 86_400),
        source: Source::new(Source::HTTP),
        connector: None,
    }
}

fn read(json: &str) -> Result<AcceptedPost, Rejection> {
    accept(parse(json.as_bytes())?, &context())
}

/// Returns a valid post as JSON, with `more` inserted before its closing brace.
fn post_with(more: &str) -> String {
    format!(r#"{{"id":"1","platform":"twitter","text":"hello"{more}}}"#)
}

fn check(json: &str, code: &str, field: &str) {
    let rejection = read(json).expect_err(json);
    assert_eq!((rejection.code, rejection.field.as_str()), (code, field), "{json}: {}", rejection.message);
}

fn check_with(more: &str, code: &str, field: &str) {
    check(&post_with(more), code, field);
}

#[test]
fn a_full_post_is_accepted() {
    let json = post_with(
        r#","author":{"id":"a","handle":"@a","followers":3,"location":"Austin, TX"},"lang":"pt-BR",
        "created_at":"2026-05-01T11:59:00Z","geo":{"city":"Lyon","country":"FR","lat":45.7,"lon":4.8},
        "product":"p","channel":"c","url":"https://example.org/1","parent_id":"0",
        "engagement":{"likes":1,"shares":2,"comments":3,"views":4}"#,
    );
    let accepted = read(&json).unwrap();
    assert_eq!(accepted.post.created_at, Some("2026-05-01T11:59:00Z".parse().unwrap()));
    assert_eq!(accepted.source.as_str(), "http");
}

#[test]
fn a_post_without_a_time_gets_its_time_of_arrival() {
    let accepted = read(&post_with("")).unwrap();
    assert_eq!(accepted.post.created_at, Some(context().now));
    assert_eq!(accepted.received_at, context().now);
}

#[test]
fn times_are_truncated_to_the_precision_of_the_database() {
    let accepted = read(&post_with(r#","created_at":"2026-05-01T11:59:59.999999999Z""#)).unwrap();
    assert_eq!(accepted.post.created_at, Some("2026-05-01T11:59:59.999999Z".parse().unwrap()));
}

#[test]
fn json_that_is_not_a_post_is_rejected() {
    check("", "malformed_json", "");
    check("{", "malformed_json", "");
    check("nonsense", "malformed_json", "");
    check("3", "wrong_type", "");
    check("null", "wrong_type", "");
    check(r#"["1","twitter","hello"]"#, "wrong_type", "");
    check(&format!("{} {{}}", post_with("")), "malformed_json", "");
}

#[test]
fn an_unknown_field_is_named() {
    check_with(r#","colour":1"#, "unknown_field", "colour");
    check_with(r#","author":{"nam":"x"}"#, "unknown_field", "author.nam");
    check_with(r#","source":"http""#, "unknown_field", "source");
}

#[test]
fn a_missing_or_repeated_field_is_named() {
    check(r#"{"platform":"twitter","text":"hello"}"#, "missing_field", "id");
    check(r#"{"id":"1","platform":"twitter"}"#, "missing_field", "text");
    check_with(r#","text":"again""#, "duplicate_field", "text");
    check_with(r#","geo":{"lat":1.0}"#, "missing_field", "geo.lon");
    check_with(r#","geo":{"lon":1.0}"#, "missing_field", "geo.lat");
}

#[test]
fn a_wrong_type_is_named() {
    check(r#"{"id":1,"platform":"twitter","text":"hello"}"#, "wrong_type", "id");
    check_with(r#","author":"me""#, "wrong_type", "author");
    check_with(r#","author":{"followers":1.5}"#, "wrong_type", "author.followers");
    check_with(r#","engagement":{"likes":"3"}"#, "wrong_type", "engagement.likes");
    check_with(r#","geo":{"lat":"1","lon":2}"#, "wrong_type", "geo.lat");
    check_with(r#","created_at":5"#, "wrong_type", "created_at");
}

#[test]
fn text_that_the_database_cannot_store_is_rejected() {
    check_with(r#","channel":"\ud800""#, "invalid_text", "channel");
    check_with(r#","channel":"\ud800\u0041""#, "invalid_text", "channel");
    check_with(r#","channel":"\udc00x""#, "invalid_text", "channel");
    check_with(r#","channel":"a\u0000b""#, "invalid_text", "channel");
    check(r#"{"id":"1","platform":"twitter","text":"a\u0000b"}"#, "invalid_text", "text");
    check(r#"{"id":"\u0000","platform":"twitter","text":"x"}"#, "invalid_text", "id");
    for hidden in ["\\u0007", "\\r\\n", "\\u0085", "\\u2028", "\\u202e", "\\u2067"] {
        check(&format!(r#"{{"id":"a{hidden}b","platform":"twitter","text":"x"}}"#), "invalid_text", "id");
        for field in ["product", "channel", "parent_id"] {
            check_with(&format!(r#","{field}":"a{hidden}b""#), "invalid_text", field);
        }
        for field in ["id", "handle"] {
            let more = format!(r#","author":{{"{field}":"a{hidden}b"}}"#);
            check_with(&more, "invalid_text", &format!("author.{field}"));
        }
        check_with(&format!(r#","geo":{{"city":"a{hidden}b"}}"#), "invalid_text", "geo.city");
        check_with(&format!(r#","url":"https://a{hidden}b""#), "invalid_text", "url");
    }
    let mut broken = post_with(r#","channel":"!""#).into_bytes();
    let at = broken.iter().position(|b| *b == b'!').unwrap();
    broken[at] = 0xff;
    let rejection = parse(&broken).unwrap_err();
    assert_eq!((rejection.code, rejection.field.as_str()), ("invalid_text", "channel"));
}

#[test]
fn empty_and_too_long_values_are_named() {
    check(r#"{"id":"","platform":"twitter","text":"x"}"#, "empty", "id");
    check(r#"{"id":"1","platform":"","text":"x"}"#, "empty", "platform");
    check("{\"id\":\"1\",\"platform\":\"t\",\"text\":\" \\n\\t\u{a0}\"}", "empty", "text");
    let long = |n| "é".repeat(n);
    check(&format!(r#"{{"id":"{}","platform":"t","text":"x"}}"#, long(129)), "too_long", "id");
    check(&format!(r#"{{"id":"1","platform":"{}","text":"x"}}"#, "a".repeat(33)), "too_long", "platform");
    check(&format!(r#"{{"id":"1","platform":"t","text":"{}"}}"#, long(10_001)), "too_long", "text");
    assert!(read(&format!(r#"{{"id":"1","platform":"t","text":"{}"}}"#, long(10_000))).is_ok());
    check_with(&format!(r#","product":"{}""#, "p".repeat(129)), "too_long", "product");
    check_with(&format!(r#","author":{{"handle":"{}"}}"#, "p".repeat(257)), "too_long", "author.handle");
}

#[test]
fn values_of_a_wrong_format_are_named() {
    check(r#"{"id":"1","platform":"Twitter","text":"x"}"#, "invalid_format", "platform");
    check_with(r#","lang":"english""#, "invalid_format", "lang");
    check_with(r#","lang":"""#, "invalid_format", "lang");
    check_with(r#","url":"javascript:alert(1)""#, "invalid_format", "url");
    check_with(r#","created_at":"yesterday""#, "invalid_time", "created_at");
}

#[test]
fn numbers_outside_their_range_are_named() {
    check_with(r#","engagement":{"likes":-1}"#, "out_of_range", "engagement.likes");
    check_with(r#","engagement":{"views":99999999999999999999}"#, "wrong_type", "engagement.views");
    check_with(r#","engagement":{"views":9999999999999999999}"#, "out_of_range", "engagement.views");
    check_with(r#","author":{"followers":-5}"#, "out_of_range", "author.followers");
    check_with(r#","geo":{"lat":90.1,"lon":0}"#, "out_of_range", "geo.lat");
    check_with(r#","geo":{"lat":0,"lon":-181}"#, "out_of_range", "geo.lon");
    check_with(r#","geo":{"lat":1e999,"lon":0}"#, "out_of_range", "geo.lat");
}

#[test]
fn absurd_times_are_rejected() {
    check_with(r#","created_at":"2026-05-01T12:05:01Z""#, "created_at_out_of_range", "created_at");
    check_with(r#","created_at":"2026-01-01T00:00:00Z""#, "created_at_out_of_range", "created_at");
    check_with(r#","created_at":"0001-01-01T00:00:00Z""#, "created_at_out_of_range", "created_at");
    check_with(r#","created_at":"9999-12-30T00:00:00Z""#, "created_at_out_of_range", "created_at");
    check_with(r#","original_created_at":"-009000-01-01T00:00:00Z""#, "out_of_range", "original_created_at");
    assert!(read(&post_with(r#","created_at":"2026-05-01T12:05:00Z""#)).is_ok());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes).and_then(|post| accept(post, &context()));
    }

    #[test]
    fn no_json_makes_it_panic(more in "[\\PC\"{}\\[\\],:0-9a-z\\\\]{0,80}") {
        let _ = read(&post_with(&format!(",{more}")));
        let _ = read(&more);
    }

    #[test]
    fn an_accepted_post_round_trips_through_json(
        id in "[^\\x00-\\x1f\\x7f-\\x9f\\u{2028}-\\u{202e}\\u{2066}-\\u{2069}]{1,60}",
        text in "[^\\x00\\s][^\\x00]{0,300}",
        followers in proptest::option::of(0..MAX_COUNT),
        // JSON numbers of up to 15 digits are read back exactly.
        lat in (-90_000_000i32..=90_000_000).prop_map(|micro_degrees| f64::from(micro_degrees) / 1e6),
        micros in 0i64..1_000_000_000,
    ) {
        prop_assume!(id.len() <= 256 && !text.trim().is_empty());
        let created_at = context().now.checked_sub(SignedDuration::from_micros(micros)).unwrap();
        let post = NewPost {
            id,
            platform: "twitter".into(),
            text,
            author: Some(Author { followers, ..Author::default() }),
            geo: Some(Geo { lat: Some(lat), lon: Some(-lat), ..Geo::default() }),
            created_at: Some(created_at),
            ..NewPost::default()
        };
        let accepted = accept(post, &context()).unwrap();
        let json = serde_json::to_vec(&accepted.post).unwrap();
        prop_assert_eq!(parse(&json).unwrap(), accepted.post);
    }
}
