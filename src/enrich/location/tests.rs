use super::*;

fn check_location(location: &str, city: Option<&str>, country: Option<&str>) {
    let found = read(location);
    assert_eq!((found.city.as_deref(), found.country.as_deref()), (city, country), "{location}");
    assert_eq!(found.lat.is_some(), city.is_some(), "{location}");
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
    check_location("Birmingham, AL", Some("Birmingham, AL"), Some("US"));
    check_location("London, Ontario", Some("London, Canada"), Some("CA"));
    check_location("Lagos 🇵🇹", Some("Lagos, Portugal"), Some("PT"));
    check_location("Hyderabad, Pakistan", Some("Hyderabad, Pakistan"), Some("PK"));
    check_location("Hyderabad", Some("Hyderabad"), Some("IN"));
    check_location("San José, Costa Rica", Some("San José, Costa Rica"), Some("CR"));
    check_location("San Jose", Some("San Jose"), Some("US"));
    check_location("Atlanta, Georgia", Some("Atlanta"), Some("US"));
    check_location("Tbilisi, Georgia", Some("Tbilisi"), Some("GE"));
    check_location("paris, tx", Some("Paris, TX"), Some("US"));
    check_location("portland or", Some("Portland"), Some("US"));
    check_location("Springfield, MA", Some("Springfield, MA"), Some("US"));
    check_location("Springfield, USA", None, Some("US"));
    check_location("Springfield", None, None);
    check_location("Lebanon, NH", Some("Lebanon, NH"), Some("US"));
    check_location("Harlem, NYC", Some("New York"), Some("US"));
}

#[test]
fn a_city_outside_the_named_area_is_not_used() {
    check_location("Paris, NV", None, Some("US"));
    check_location("paris, nv", None, Some("US"));
    check_location("Cambridge, TX", None, Some("US"));
}

#[test]
fn of_two_places_the_present_or_the_first_counts() {
    check_location("LA ✈️ NYC", Some("Los Angeles"), Some("US"));
    check_location("Toronto → Berlin", Some("Toronto"), Some("CA"));
    check_location("London, New York", Some("London"), Some("GB"));
    check_location("born in Lagos, living in London", Some("London"), Some("GB"));
    check_location("London, living the dream", Some("London"), Some("GB"));
}

#[test]
fn a_part_of_a_city_or_region_is_that_city_or_region() {
    check_location("West London", Some("London"), Some("GB"));
    check_location("Northern Italy", None, Some("IT"));
    check_location("Western New York", None, Some("US"));
    check_location("South Korea", None, Some("KR"));
    check_location("Central America", None, None);
    check_location("The North", None, None);
}

#[test]
fn coordinates_are_the_nearest_city() {
    check_location("ÜT: 52.5200,13.4050", Some("Berlin"), Some("DE"));
    check_location("iPhone: 48.856613,2.352222", Some("Paris"), Some("FR"));
    check_location("0.0000,-30.0000", None, None);
    check_location("127.0.0.1", None, None);
    check_location("v1.25", None, None);
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
