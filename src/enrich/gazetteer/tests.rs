use std::collections::HashSet;

use super::*;

#[test]
fn all_tables_are_read_and_no_two_cities_share_a_key() {
    let gazetteer = Gazetteer::get();
    assert!(gazetteer.cities.len() > 40_000, "{}", gazetteer.cities.len());
    assert!(gazetteer.regions.len() > 2_000, "{}", gazetteer.regions.len());
    assert!(gazetteer.cities.is_sorted_by(|one, next| one.thousands >= next.thousands));
    let keys: HashSet<String> = gazetteer.cities.iter().map(|city| plain(city.key)).collect();
    assert_eq!(keys.len(), gazetteer.cities.len());
}

#[test]
fn names_are_compared_without_accents_case_and_punctuation() {
    let check = |name: &str, expected: &str| assert_eq!(plain(name), expected, "{name}");
    check("  St. Louis ", "st louis");
    check("Xi'an", "xian");
    check("Łódź", "lodz");
    check("İSTANBUL", "istanbul");
    check("Gießen", "giessen");
    check("Baden-Württemberg", "baden wurttemberg");
    check("東京", "東京");
    check("🌍", "");
}

#[test]
fn the_nearest_city_is_found_everywhere() {
    let gazetteer = Gazetteer::get();
    // Next to the date line with the nearest city on the other side, at a pole, and on the borders of a band.
    for (lat, lon) in
        [(-16.8, -179.999), (-16.8, 179.999), (90.0, 0.0), (69.65, 18.96), (48.0, 2.0), (0.0, 6.7)]
    {
        let distance = |city: &City| distance_km((lat, lon), (f64::from(city.lat), f64::from(city.lon)));
        let within =
            |city: &&City| distance(city) <= if city.is_listed { CITIES_WITHIN_KM } else { TOWNS_WITHIN_KM };
        let nearest = gazetteer.cities.iter().filter(within).min_by(|one, other| {
            other.is_listed.cmp(&one.is_listed).then(distance(one).total_cmp(&distance(other)))
        });
        assert_eq!(gazetteer.city_near(lat, lon), nearest, "{lat} {lon}");
    }
}
