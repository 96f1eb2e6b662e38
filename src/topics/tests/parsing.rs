use crate::topics::{ParseError, Span, parse};

/// Returns the canonical form of a query.
fn canonical(query: &str) -> String {
    parse(query).unwrap_or_else(|error| panic!("{query}: {error}")).query.to_string()
}

/// Returns the part of a query that an error concerns, and the message.
fn error(query: &str) -> (String, String) {
    let ParseError { span: Span { from, to }, problem } = parse(query).unwrap_err();
    (query.chars().skip(from).take(to - from).collect(), problem.to_string())
}

#[test]
fn operators_bind_as_documented() {
    for (query, expected) in [
        ("nike", "nike"),
        ("  Nike\tshoes ", "nike AND shoes"),
        ("a1 b1 OR c1", "a1 AND b1 OR c1"),
        ("a1 AND (b1 OR c1)", "a1 AND (b1 OR c1)"),
        ("((a1))", "a1"),
        ("a1 OR (b1 OR c1)", "a1 OR b1 OR c1"),
        ("a1 AND NOT b1", "a1 AND NOT b1"),
        ("a1 -b1", "a1 AND NOT b1"),
        ("a1 -(b1 c1)", "a1 AND NOT (b1 AND c1)"),
        ("a1 -\"b1 c1\"", "a1 AND NOT \"b1 c1\""),
        ("a1 NEAR/3 b1 c1", "a1 NEAR/3 b1 AND c1"),
        ("a1 NEAR/3 (b1 OR c1)", "a1 NEAR/3 (b1 OR c1)"),
        ("a1 NEAR/3f b1 NEAR/0 c1", "a1 NEAR/3f b1 NEAR/0 c1"),
        ("a1 NEAR/3 (b1 NEAR/2 c1)", "a1 NEAR/3 (b1 NEAR/2 c1)"),
        ("NOT NOT a1 AND b1", "NOT NOT a1 AND b1"),
    ] {
        assert_eq!(canonical(query), expected, "{query}");
    }
}

#[test]
fn terms_and_fields_are_normalized() {
    for (query, expected) in [
        ("“Apple Juice”", "\"apple juice\""),
        ("don't", "\"don t\""),
        ("Ｎｉｋｅ", "nike"),
        ("CAFÉ", "café"),
        ("refund*", "refund*"),
        ("raw:Google+", "raw:\"Google+\""),
        ("raw:\"(NASA)\"", "raw:\"(NASA)\""),
        ("raw:NASA", "raw:NASA"),
        ("#TeamNimbrel", "#teamnimbrel"),
        ("@Nimbrel_Support", "@nimbrel_support"),
        ("@name.bsky.social", "@name.bsky.social"),
        ("shoes lang:EN", "shoes AND lang:en"),
        ("shoes country:de", "shoes AND country:DE"),
        ("shoes -is:Job_Ad", "shoes AND NOT is:job_ad"),
        ("shoes Platform:YouTube", "shoes AND platform:youtube"),
        ("from:@Nimbrel", "from:nimbrel"),
        ("from:name.bsky.social", "from:\"name.bsky.social\""),
        ("x-ray", "\"x ray\""),
        ("買い物", "買い物"),
    ] {
        assert_eq!(canonical(query), expected, "{query}");
    }
}

#[test]
fn an_error_says_where_it_is_and_how_to_fix_it() {
    for (query, part, message) in [
        ("", "", "write at least one term"),
        ("a1 ()", "()", "write at least one term"),
        ("(a1 OR b1", "(", "this bracket is never closed; add `)`"),
        ("a1) b1", ")", "no bracket is open here; remove `)`"),
        ("é \"b1 c1", "\"", "this quotation mark is never closed; add `\"`"),
        ("OR a1", "OR", "write a term before `OR`"),
        ("a1 AND AND b1", "AND", "write a term before `AND`"),
        ("a1 AND", "AND", "write a term after `AND`"),
        ("(a1 OR) b1", "OR", "write a term after `OR`"),
        ("a1 NOT", "NOT", "write a term after `NOT`"),
        ("a1 && b1", "&&", "`&&` is not an operator; write `AND`"),
        ("a1 | b1", "|", "`|` is not an operator; write `OR`"),
        ("hat*", "hat*", "write at least four letters before `*`"),
        ("*hat", "*hat", "`*` can only end a single word"),
        ("\"some hat*\"", "\"some hat*\"", "`*` can only end a single word"),
        ("a1 NEAR b1", "NEAR", "choose a distance from 0 to 30, as in `NEAR/5`"),
        ("a1 NEAR/31 b1", "NEAR/31", "choose a distance from 0 to 30, as in `NEAR/5`"),
        ("a1 NEAR/999 b1", "NEAR/999", "choose a distance from 0 to 30, as in `NEAR/5`"),
        (
            "a1 NEAR/3 (b1 AND c1)",
            "(b1 AND c1)",
            "`NEAR` joins terms, or brackets with terms joined by `OR`; remove `AND`",
        ),
        ("a1 NEAR/1 b1 NEAR/1 c1 NEAR/1 d1 NEAR/1 e1", "NEAR/1", "join at most 4 terms by `NEAR`"),
        ("form:nike", "form:nike", "unknown field `form:`; did you mean `from:`?"),
        ("https://a.b", "https://a.b", "unknown field `https:`; put text with a colon in quotation marks"),
        ("a1 lang:", "lang:", "write a value after `lang:`"),
        ("a1 lang:english", "lang:english", "write a code of two or three letters, as in `lang:en`"),
        ("a1 -is:advert", "is:advert", "`is:advert` is unknown; write `is:job_ad` or `is:giveaway`"),
        ("a1 country:Germany", "country:Germany", "write a code of two letters, as in `country:DE`"),
        ("🔥", "🔥", "`🔥` has no letters or digits; write `raw:\"🔥\"` to search for these characters"),
        ("NOT a1", "NOT a1", "this would match nearly every post; add a term that posts must contain"),
        (
            "a1 OR lang:en",
            "a1 OR lang:en",
            "this would match nearly every post; add a term that posts must contain",
        ),
    ] {
        assert_eq!(error(query), (part.to_owned(), message.to_owned()), "{query}");
    }
}

#[test]
fn the_size_of_a_query_is_limited() {
    assert!(parse(&"a".repeat(4_096)).is_ok());
    let (part, message) = error(&"a".repeat(4_097));
    assert_eq!((part.as_str(), message.as_str()), ("a", "shorten the query to 4096 characters"));
    assert_eq!(error(&"a ".repeat(501)).1, "use at most 500 terms, or split the topic");
    assert!(parse(&format!("{}a{}", "(".repeat(20), ")".repeat(20))).is_ok());
    let (part, message) = error(&format!("{}a{}", "(".repeat(21), ")".repeat(21)));
    assert_eq!((part.as_str(), message.as_str()), ("(", "use at most 20 levels of brackets and `NOT`"));
    assert_eq!(error(&format!("a {}b", "-".repeat(400))).1, "use at most 20 levels of brackets and `NOT`");
}

#[test]
fn doubtful_words_get_a_hint() {
    let hints = |query: &str| {
        let hints = parse(query).unwrap().hints.into_iter();
        hints.map(|hint| (hint.span.from, hint.message)).collect::<Vec<_>>()
    };
    assert_eq!(
        hints("nike or adidas"),
        [(5, "`or` is searched as a word; write `OR` for the operator".to_owned())]
    );
    assert_eq!(
        hints("new C++"),
        [(4, "punctuation is ignored; write `raw:C++` to search for these exact characters".to_owned())]
    );
    assert_eq!(hints("nike OR \"and or\""), []);
}
