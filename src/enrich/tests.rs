use jiff::Timestamp;

use super::*;
use crate::models::new_post::NewPost;
use crate::models::post::{Author, Engagement, Source};

fn accepted(post: NewPost) -> AcceptedPost {
    AcceptedPost { source: Source::new(Source::HTTP), received_at: Timestamp::now(), post }
}

fn enriched(post: NewPost) -> Post {
    Enricher::new(EnricherParams { products: fighters() }).enrich(accepted(post))
}

fn fighters() -> Vec<ProductRule> {
    let rule = |name: &str, keywords: &[&str]| ProductRule {
        name: name.to_owned(),
        keywords: keywords.iter().map(|keyword| (*keyword).to_owned()).collect(),
    };
    vec![
        rule("McGregor", &["mcgregor", "conor"]),
        rule("Mayweather", &["mayweather", "TMT"]),
        rule("Pay TV", &[]),
    ]
}

fn text(text: &str) -> NewPost {
    NewPost { text: text.to_owned(), ..NewPost::default() }
}

fn check_products(words: &str, sent: Option<&str>, expected: &[&str]) {
    let post = NewPost { product: sent.map(str::to_owned), ..text(words) };
    assert_eq!(enriched(post).products, expected, "{words}");
}

#[test]
fn products_are_found_by_keyword() {
    check_products("McGregor to win", None, &["McGregor"]);
    check_products("MAYWEATHER! or conor?", None, &["Mayweather", "McGregor"]);
    check_products("#MayweatherMcGregor", None, &["Mayweather", "McGregor"]);
    check_products("so #teammcgregor2017, obviously", None, &["McGregor"]);
    check_products("mcgregor's left hand", None, &["McGregor"]);
    check_products("I paid for pay tv", None, &["Pay TV"]);
    check_products("mcgregors everywhere, tmtx, conormania", None, &[]);
    check_products("nothing of it", None, &[]);
    check_products("", None, &[]);
}

#[test]
fn a_sent_product_is_kept_beside_those_found() {
    check_products("conor", Some("Gloves"), &["Gloves", "McGregor"]);
    check_products("conor conor", Some("mcgregor "), &["McGregor"]);
    check_products("x", Some("  "), &[]);
}

#[test]
fn without_rules_only_sent_products_count() {
    let enricher = Enricher::new(EnricherParams::default());
    assert!(enricher.enrich(accepted(text("McGregor"))).products.is_empty());
}

fn check_language(words: &str, expected: Option<&str>) {
    assert_eq!(enriched(text(words)).lang.as_deref(), expected, "{words}");
}

#[test]
fn languages_are_detected_where_possible() {
    check_language("This fight is not worth the money, I want it back", Some("en"));
    check_language("I can't believe you're not watching this with us", Some("en"));
    check_language("Esta pelea no vale la pena, quiero mi dinero", Some("es"));
    check_language("Essa luta não vale nada, quero meu dinheiro de volta", Some("pt"));
    check_language("Ce combat ne vaut pas le prix, je veux être remboursé", Some("fr"));
    check_language("Der Kampf ist das Geld nicht wert, ich will es zurück", Some("de"));
    check_language("Questo incontro non vale il prezzo, sono molto deluso", Some("it"));
    check_language("Het gevecht is het geld niet waard, ik wil mijn geld terug", Some("nl"));
    check_language("Bu maç hiç güzel değil ama çok para verdik", Some("tr"));
    check_language("Этот бой не стоит своих денег, он был скучный", Some("ru"));
    check_language("この試合はお金の価値がない、返してください", Some("ja"));
    check_language("이 경기는 돈이 아깝다", Some("ko"));
    check_language("هذه المباراة لا تستحق المال، أريد استعادة نقودي", Some("ar"));
}

#[test]
fn an_unclear_language_stays_unknown() {
    check_language("🥊🥊🥊", None);
    check_language("#MayweatherMcGregor https://t.co/xyz @user", None);
    check_language("lol", None);
    check_language("McGregor 👊", None);
}

#[test]
fn a_sent_language_is_kept_in_its_short_form() {
    for (sent, expected) in [("pt-BR", "pt"), ("EN", "en"), ("deu", "de"), ("yue", "yue")] {
        let post = NewPost { lang: Some(sent.to_owned()), ..text("This is not what the tag says it is") };
        assert_eq!(enriched(post).lang.as_deref(), Some(expected));
    }
}

fn check_location(location: &str, city: Option<&str>, country: Option<&str>) {
    let author = Author { location: Some(location.to_owned()), ..Author::default() };
    let post = enriched(NewPost { author: Some(author), ..text("x") });
    assert_eq!((post.city.as_deref(), post.country.as_deref()), (city, country), "{location}");
    assert_eq!(post.lat.is_some(), city.is_some(), "{location}");
}

#[test]
fn locations_are_parsed_as_people_write_them() {
    for (location, city, country) in [
        ("Austin, TX", "Austin", "US"),
        ("austin texas", "Austin", "US"),
        ("London, UK", "London", "GB"),
        ("London England", "London", "GB"),
        ("London 🇬🇧", "London", "GB"),
        ("🏴󠁧󠁢󠁳󠁣󠁴󠁿 Glasgow", "Glasgow", "GB"),
        ("NYC", "New York", "US"),
        ("New York, NY", "New York", "US"),
        ("Brooklyn, New York", "New York", "US"),
        ("New York City, USA 🗽", "New York", "US"),
        ("São Paulo", "São Paulo", "BR"),
        ("sao paulo, brasil", "São Paulo", "BR"),
        ("Rio de Janeiro, RJ", "Rio de Janeiro", "BR"),
        ("MÜNCHEN", "Munich", "DE"),
        ("Berlin, DE", "Berlin", "DE"),
        ("San Francisco, CA", "San Francisco", "US"),
        ("Toronto, CA", "Toronto", "CA"),
        ("LA", "Los Angeles", "US"),
        ("L.A.", "Los Angeles", "US"),
        ("New Orleans, LA", "New Orleans", "US"),
        ("Washington, D.C.", "Washington", "US"),
        ("St. Louis, MO", "St. Louis", "US"),
        ("Los Angeles/Chicago", "Los Angeles", "US"),
        ("Based in Dublin, Ireland", "Dublin", "IE"),
        ("Greater Manchester area", "Manchester", "GB"),
        ("東京", "Tokyo", "JP"),
        ("İstanbul, Türkiye", "Istanbul", "TR"),
        ("Łódź", "Łódź", "PL"),
        ("Singapore", "Singapore", "SG"),
        ("Mexico City", "Mexico City", "MX"),
        ("Kyiv 🇺🇦", "Kyiv", "UA"),
    ] {
        check_location(location, Some(city), Some(country));
    }
}

#[test]
fn ambiguous_names_are_resolved_by_context_or_by_size() {
    check_location("Birmingham", Some("Birmingham"), Some("GB"));
    check_location("Birmingham, AL", Some("Birmingham"), Some("US"));
    check_location("London, Ontario", Some("London"), Some("CA"));
    check_location("Hyderabad, Pakistan", Some("Hyderabad"), Some("PK"));
    check_location("Hyderabad", Some("Hyderabad"), Some("IN"));
    check_location("San José, Costa Rica", Some("San José"), Some("CR"));
    check_location("San Jose", Some("San Jose"), Some("US"));
    check_location("Atlanta, Georgia", Some("Atlanta"), Some("US"));
    check_location("Tbilisi, Georgia", Some("Tbilisi"), Some("GE"));
}

#[test]
fn a_city_outside_the_named_area_is_not_used() {
    check_location("Paris, TX", None, Some("US"));
    check_location("paris, tx", None, Some("US"));
    check_location("Cambridge, MA", None, Some("US"));
    check_location("Portland, Maine", None, Some("US"));
}

#[test]
fn a_country_alone_is_a_country() {
    check_location("🇧🇷", None, Some("BR"));
    check_location("Deutschland", None, Some("DE"));
    check_location("Texas", None, Some("US"));
    check_location("Ontario, Canada", None, Some("CA"));
    check_location("Scotland", None, Some("GB"));
    check_location("Georgia", None, None);
    check_location("CA", None, None);
}

#[test]
fn what_is_no_place_is_none() {
    for location in [
        "",
        "  ",
        "Worldwide",
        "Nice people only",
        "somewhere over the rainbow",
        "in my head",
        "la la land",
        "she/her",
        "Paris Hilton's closet",
        "🌍🌎",
        "la",
        "404 not found, sorry, I moved to a farm, which is far away from the big city",
    ] {
        check_location(location, None, None);
    }
}

#[test]
fn sent_locations_are_kept_and_completed() {
    let place = |geo: Geo| {
        let author = Author { location: Some("Austin, TX".into()), ..Author::default() };
        let post = enriched(NewPost { geo: Some(geo), author: Some(author), ..text("x") });
        (post.city, post.country, post.lat.map(f64::round), post.lon.map(f64::round))
    };
    let some = |text: &str| Some(text.to_owned());
    let lyon = Geo { city: some("Lyon"), ..Geo::default() };
    assert_eq!(place(lyon), (some("Lyon"), some("FR"), Some(46.0), Some(5.0)));
    let sf = Geo { city: some(" SF "), country: some("United States"), ..Geo::default() };
    assert_eq!(place(sf), (some("SF"), some("US"), Some(38.0), Some(-122.0)));
    let village = Geo { city: some("Ploumoguer"), country: some("fr"), ..Geo::default() };
    assert_eq!(place(village), (some("Ploumoguer"), some("FR"), None, None));
    let own = Geo { city: some("London"), country: some("UK"), lat: Some(1.0), lon: Some(2.0) };
    assert_eq!(place(own), (some("London"), some("GB"), Some(1.0), Some(2.0)));
    let near = Geo { lat: Some(48.9), lon: Some(2.3), ..Geo::default() };
    assert_eq!(place(near), (some("Paris"), some("FR"), Some(49.0), Some(2.0)));
    let sea = Geo { lat: Some(0.0), lon: Some(-30.0), ..Geo::default() };
    assert_eq!(place(sea), (None, None, Some(0.0), Some(-30.0)));
    let nowhere = Geo { country: some("Atlantis"), ..Geo::default() };
    assert_eq!(place(nowhere), (None, None, None, None));
}

#[test]
fn reach_is_views_then_followers_then_unknown() {
    let reach = |views, followers| {
        let author = Author { followers, ..Author::default() };
        let engagement = Engagement { views, ..Engagement::default() };
        enriched(NewPost { author: Some(author), engagement: Some(engagement), ..text("x") }).reach
    };
    assert_eq!((reach(Some(7), Some(9)), reach(None, Some(9)), reach(None, None)), (7, 9, 0));
}

#[test]
fn no_location_makes_it_panic() {
    use proptest::prelude::*;
    proptest!(|(location in "\\PC{0,60}", words in "\\PC{0,200}")| {
        let author = Author { location: Some(location), ..Author::default() };
        enriched(NewPost { author: Some(author), ..text(&words) });
    });
}
