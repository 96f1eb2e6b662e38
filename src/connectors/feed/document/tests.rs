use std::time::Instant;

use super::*;

const URL: &str = "https://site.example/blog/feed";

fn entries(text: &str) -> Vec<Entry> {
    read(text.as_bytes(), None, URL).unwrap().entries.into_iter().map(Result::unwrap).collect()
}

fn why_not(text: &str) -> String {
    read(text.as_bytes(), None, URL).unwrap_err()
}

fn rss(items: &str) -> String {
    format!(
        "<rss version='2.0'><channel><title>Site</title><language>en-us</language>{items}</channel></rss>"
    )
}

fn atom(entries: &str) -> String {
    format!(
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='de'><title>Site</title><author><name>Ana</name></author>\
         {entries}</feed>"
    )
}

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[test]
fn rss_is_read_with_what_others_have_added_to_it() {
    let text = "<?xml version='1.0' encoding='UTF-8'?>
        <rss version='2.0' xmlns:content='http://purl.org/rss/1.0/modules/content/'
            xmlns:dc='http://purl.org/dc/elements/1.1/'><channel><title>Site</title><language>en-US</language>
        <item>
            <title>Fish &amp; chips &lt;b&gt;here&lt;/b&gt;</title><link>https://site.example/1</link>
            <guid isPermaLink='false'>id-1</guid><pubDate>Mon, 23 Nov 2026 08:00:00 +0100</pubDate>
            <dc:creator>Bo</dc:creator><description>Short</description>
            <content:encoded><![CDATA[<p>Long &amp; <i>wide</i></p><script>x()</script>]]></content:encoded>
        </item>
        <item><guid>https://site.example/2</guid><description>&lt;p&gt;Only this&lt;/p&gt;</description></item>
        </channel></rss>";
    let [first, second] = &entries(text)[..] else { panic!() };
    let expected = Entry {
        id: Some("id-1".to_owned()),
        link: Some("https://site.example/1".to_owned()),
        title: "Fish & chips here".to_owned(),
        body: "Long & wide".to_owned(),
        author: Some("Bo".to_owned()),
        published_at: at("2026-11-23T07:00:00Z"),
        language: Some("en-us".to_owned()),
    };
    assert_eq!(first, &expected);
    assert_eq!((second.link.as_deref(), second.body.as_str()), (Some("https://site.example/2"), "Only this"));
    assert_eq!((second.title.as_str(), second.published_at), ("", None));
}

#[test]
fn rss_1_and_older_versions_are_read() {
    let rdf = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>
        <channel rdf:about='x'><title>Site</title></channel>
        <item rdf:about='https://site.example/1'><title>One</title><link>https://site.example/1</link></item></rdf:RDF>";
    assert_eq!(entries(rdf)[0].link.as_deref(), Some("https://site.example/1"));
    let old = "<rss version='0.91'><channel><title>Site</title><item><title>One</title><link>https://site.example/1\
               </link></item></channel></rss>";
    assert_eq!(entries(old)[0].title, "One");
}

#[test]
fn atom_is_read_with_what_entries_inherit() {
    let text = atom(
        "<entry><id>urn:1</id><title type='html'>A &amp;lt; B</title><link href='/blog/1'/>
         <link rel='self' href='https://site.example/x'/><updated>2026-11-23T08:00:00Z</updated>
         <published>2026-11-22T08:00:00+01:00</published>
         <content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>One</p><p>Two</p></div></content></entry>
         <entry><id>urn:2</id><title>a &lt; b &amp;amp; c</title><author><name>Bo</name></author>
         <updated>2026-11-23T08:00:00Z</updated><content type='html' xml:lang='fr'>&lt;em&gt;Deux&lt;/em&gt;</content></entry>",
    );
    let [first, second] = &entries(&text)[..] else { panic!() };
    let expected = Entry {
        id: Some("urn:1".to_owned()),
        link: Some("https://site.example/blog/1".to_owned()),
        title: "A < B".to_owned(),
        body: "One\nTwo".to_owned(),
        author: Some("Ana".to_owned()),
        published_at: at("2026-11-22T07:00:00Z"),
        language: Some("de".to_owned()),
    };
    assert_eq!(first, &expected);
    assert_eq!((second.author.as_deref(), second.language.as_deref()), (Some("Bo"), Some("fr")));
    assert_eq!((second.body.as_str(), second.published_at), ("Deux", at("2026-11-23T08:00:00Z")));
}

#[test]
fn json_feed_is_read_item_by_item() {
    let text = r#"{"version": "https://jsonfeed.org/version/1.1", "title": "Site", "language": "en",
        "authors": [{"name": "Ana"}], "items": [
        {"id": "1", "url": "https://site.example/1", "title": "One", "content_html": "<p>Hi &amp; bye</p>",
         "date_published": "2026-11-23T08:00:00+01:00", "language": "de", "authors": [{"name": "Bo"}]},
        {"id": 2, "content_text": "a < b &amp; c", "date_modified": "2026-11-23T08:00:00Z"},
        {"id": "3", "content_text": ["not", "text"]}, 7]}"#;
    let found = read(text.as_bytes(), Some("application/feed+json"), URL).unwrap().entries;
    let first = found[0].as_ref().unwrap();
    assert_eq!((first.id.as_deref(), first.body.as_str()), (Some("1"), "Hi & bye"));
    assert_eq!((first.author.as_deref(), first.language.as_deref()), (Some("Bo"), Some("de")));
    assert_eq!(first.published_at, at("2026-11-23T07:00:00Z"));
    let second = found[1].as_ref().unwrap();
    assert_eq!((second.id.as_deref(), second.body.as_str()), (Some("2"), "a < b &amp; c"));
    assert_eq!((second.author.as_deref(), second.language.as_deref()), (Some("Ana"), Some("en")));
    assert!(found[2].is_err() && found[3].is_err() && found[2] != found[3]);
}

#[test]
fn what_is_no_feed_is_refused_with_words() {
    assert_eq!(
        why_not("<!DOCTYPE html><html><body>Down for maintenance</body></html>"),
        "it is XML or HTML, but not a feed"
    );
    assert_eq!(why_not(r#"{"version": "7", "items": []}"#), "it is JSON, but not a feed");
    assert!(why_not(r#"{"error": "unknown"}"#).contains("version"));
    assert_eq!(why_not("Not found"), "it is neither XML nor JSON");
    assert_eq!(why_not(" \n"), "it is empty");
    let cut = &rss("<item><title>One</title></item><item><title>Two</title></item>");
    // Text after the channel is ignored.
    for end in 10..cut.len() - "</channel></rss>".len() {
        assert!(read(&cut.as_bytes()[..end], None, URL).is_err(), "{}", &cut[..end]);
    }
}

#[test]
fn an_entry_that_cannot_be_read_costs_no_other() {
    for broken in [
        "<item><title>a <b </title></item>",
        "<item><title>a</wrong></item>",
        "<item><title>a &#xFFFFFFFF; b</title></item>",
        "<item><title>two names of one attribute</title><x a='1' a='2'/></item>",
        &format!("<item>{}{}</item>", "<p>".repeat(1_000), "</p>".repeat(1_000)),
    ] {
        let text = rss(&format!("<item><title>One</title></item>{broken}<item><title>Two</title></item>"));
        let found = read(text.as_bytes(), None, URL).unwrap().entries;
        let titles: Vec<_> = found.iter().flatten().map(|entry| entry.title.as_str()).collect();
        assert!(titles.contains(&"One") && titles.contains(&"Two"), "{broken}: {found:?}");
        assert_eq!(found.len(), 3, "{broken}");
    }
    let text = atom(
        "<entry><id>1</id><title>One</title></entry><entry><id>2</id><title type='image/png'>?</title></entry>",
    );
    let found = read(text.as_bytes(), None, URL).unwrap().entries;
    assert!(found[0].is_ok() && found[1].is_err(), "{found:?}");
}

#[test]
fn texts_at_which_the_parser_panics_cost_one_entry() {
    let email = format!("<item><title>Two</title><author>{}—a@b.example</author></item>", "x".repeat(20));
    let text = rss(&format!("<item><title>One</title></item>{email}"));
    let found = read(text.as_bytes(), None, URL).unwrap().entries;
    assert_eq!(found[0].as_ref().unwrap().title, "One");
}

#[test]
fn hostile_documents_are_read_in_part_or_refused() {
    let began_at = Instant::now();
    let entities: String =
        (1..30).map(|n| format!("<!ENTITY e{n} '&e{0};&e{0};&e{0};&e{0};'>", n - 1)).collect();
    let bomb =
        format!("<!DOCTYPE rss [<!ENTITY e0 'lol'>{entities}]>{}", rss("<item><title>&e29;</title></item>"));
    let title = &entries(&bomb)[0].title;
    assert!(title.len() < 100, "{title}");
    let file = "<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>";
    assert!(!entries(&format!("{file}{}", rss("<item><title>&x;</title></item>")))[0].title.contains("root"));
    let nested = rss(&"<item xmlns:a='b'>".repeat(100_000));
    assert_eq!(why_not(&nested), "its elements are nested too deeply");
    let attributes: String = (0..200_000).map(|n| format!("a{n}='' ")).collect();
    assert_eq!(why_not(&rss(&format!("<item {attributes}/>"))), "an element has too many attributes");
    let nested = format!(r#"{{"version": {}"#, "[".repeat(1_000_000));
    assert!(!why_not(&nested).is_empty());
    let many = rss(&"<item/>".repeat(500_000));
    assert_eq!(entries(&many).len(), 500_000);
    let took = began_at.elapsed();
    println!("measured: hostile documents were read or refused in {took:.1?}");
    if std::env::var_os("GROUNDSWELL_TEST_SOAK").is_some() {
        assert!(took.as_secs() < 10, "{took:?}");
    }
}
