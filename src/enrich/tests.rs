use jiff::Timestamp;

use super::*;
use crate::models::new_post::NewPost;
use crate::models::post::{Author, Engagement, Source};
use crate::topics::parse;

fn accepted(post: NewPost) -> AcceptedPost {
    AcceptedPost { source: Source::new(Source::HTTP), connector: None, received_at: Timestamp::now(), post }
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
fn topics_are_products_that_can_be_replaced_at_any_time() {
    let enricher = Enricher::new(EnricherParams { products: fighters() });
    let topics = |list: &[(&str, &str)]| {
        let topic = |(name, query): &(&str, &str)| ((*name).to_owned(), parse(query).unwrap().query);
        enricher.set_topics(NamedTopics::compile(list.iter().map(topic).collect()));
    };
    let check = |product: Option<&str>, expected: &[&str]| {
        let author = Author { handle: Some("ana".to_owned()), ..Author::default() };
        let post = NewPost {
            product: product.map(str::to_owned),
            author: Some(author),
            ..text("McGregor keeps his belt, and so he should")
        };
        assert_eq!(enricher.enrich(accepted(post)).products, expected);
    };
    check(None, &["McGregor"]);
    topics(&[("Belt", "belt NEAR/3 keeps"), ("Ana", "from:ana lang:en"), ("Shoes", "shoes")]);
    check(None, &["Ana", "Belt", "McGregor"]);
    check(Some("BELT"), &["Ana", "Belt", "McGregor"]);
    topics(&[("Belt", "belt NOT mcgregor")]);
    check(None, &["McGregor"]);
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

#[test]
fn the_location_of_the_author_is_looked_up() {
    let author = Author { location: Some("Austin, TX".to_owned()), ..Author::default() };
    let post = enriched(NewPost { author: Some(author), ..text("x") });
    assert_eq!((post.city.as_deref(), post.country.as_deref()), (Some("Austin"), Some("US")));
    assert_eq!((post.lat, post.lon), (Some(30.27), Some(-97.74)));
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
