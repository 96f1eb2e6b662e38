use super::*;

const URL: &str = "https://site.example/feed";

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn entry(id: Option<&str>, link: Option<&str>, title: &str) -> Entry {
    Entry {
        id: id.map(str::to_owned),
        link: link.map(str::to_owned),
        title: title.to_owned(),
        published_at: Some("2026-11-23T08:00:00Z".parse().unwrap()),
        ..Entry::default()
    }
}

fn read(entries: Vec<Entry>) -> Vec<Candidate> {
    candidates(Document { entries: entries.into_iter().map(Ok).collect() }, URL, now())
}

fn ids(entries: Vec<Entry>) -> Vec<String> {
    read(entries).into_iter().map(|candidate| candidate.post.unwrap().id).collect()
}

#[test]
fn ids_are_the_same_at_every_poll_and_differ_between_feeds() {
    let check = |id: Option<&str>, link: Option<&str>, expected: &str| {
        assert_eq!(ids(vec![entry(id, link, "a")]), [expected]);
    };
    check(Some("https://site.example/?p=1"), Some("https://site.example/a"), "https://site.example/?p=1");
    check(Some(" tag:site.example,2026:1 "), None, "tag:site.example,2026:1");
    check(Some("17"), None, "https://site.example/feed#17");
    check(None, Some("https://site.example/a"), "https://site.example/a");
    let long = "x".repeat(300);
    let [first] = &ids(vec![entry(Some(&long), None, "a")])[..] else { panic!() };
    assert!(first.starts_with("feed:") && first.len() == 37, "{first}");
    // All entries without ids link to one page.
    let home = Some("https://site.example/");
    let several = ids(vec![entry(None, home, "a"), entry(None, home, "b")]);
    assert_ne!(several[0], several[1]);
    assert_eq!(several, ids(vec![entry(None, home, "a"), entry(None, home, "b")]));
}

#[test]
fn copies_within_a_document_are_one_entry() {
    let copies =
        vec![entry(Some("1"), None, "first"), entry(Some("2"), None, "b"), entry(Some("1"), None, "second")];
    let found = read(copies);
    let texts: Vec<_> = found.iter().map(|it| it.post.as_ref().unwrap().text.as_str()).collect();
    assert_eq!(texts, ["first", "b"]);
}

#[test]
fn an_alias_tells_an_entry_from_all_others_or_there_is_none() {
    let link = Some("https://site.example/a");
    let alias = |entries: Vec<Entry>| read(entries).into_iter().map(|it| it.alias).collect::<Vec<_>>();
    let first = alias(vec![entry(Some("1"), link, "a")]);
    assert!(first[0].is_some());
    assert_eq!(first, alias(vec![entry(Some("other"), link, "a")]));
    assert_ne!(first, alias(vec![entry(Some("1"), link, "b")]));
    assert_eq!(alias(vec![entry(Some("1"), link, "")]), [None]);
    assert_eq!(alias(vec![Entry { published_at: None, ..entry(Some("1"), link, "a") }]), [None]);
    assert_eq!(alias(vec![entry(Some("1"), link, "a"), entry(Some("2"), link, "a")]), [None, None]);
}

#[test]
fn posts_pass_validation_whatever_a_feed_says() {
    let strange = Entry {
        id: Some("a\0b".to_owned()),
        link: Some("javascript:alert(1)".to_owned()),
        title: "t".repeat(9_000),
        body: "ü".repeat(10_000),
        author: Some("ü".repeat(1_000)),
        published_at: Some("2030-01-01T00:00:00Z".parse().unwrap()),
        language: Some("not a language".to_owned()),
    };
    let post = read(vec![strange]).remove(0).post.unwrap();
    crate::models::new_post::check(&post).unwrap();
    assert_eq!((post.created_at, post.url, post.lang), (Some(now()), None, None));
    assert_eq!(post.text.chars().count(), 10_000);
    let nothing = read(vec![entry(Some("1"), None, "")]);
    assert_eq!(nothing[0].post, None);
}

#[test]
fn a_title_that_the_text_begins_with_is_not_repeated() {
    assert_eq!(words("Title", "Body"), "Title\nBody");
    assert_eq!(words("A short post…", "A short post that goes on"), "A short post that goes on");
    assert_eq!(words("Same", "Same"), "Same");
    assert_eq!(words("Title", ""), "Title");
    assert_eq!(words("", "Body"), "Body");
}
