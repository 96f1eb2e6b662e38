use super::*;

fn accuracy_on(file: &str) -> Accuracy {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/places");
    Accuracy::of(&Labelled::read(&folder.join(file)).unwrap())
}

fn check_counts(found: Location, country: Tally, city: Tally) {
    let label = Labelled {
        location: "Paris, TX".to_owned(),
        country: Some("US".to_owned()),
        city: Some("Paris".to_owned()),
        lat: Some(33.7),
        lon: Some(-95.6),
    };
    let mut accuracy = Accuracy::default();
    accuracy.add(&label, &found);
    assert_eq!((accuracy.country, accuracy.city), (country, city), "{found:?}");
}

#[test]
fn a_city_is_right_only_near_the_label_and_in_its_country() {
    let place = |country: &str, (lat, lon): (f64, f64)| Location {
        city: Some("Paris".to_owned()),
        country: Some(country.to_owned()),
        lat: Some(lat),
        lon: Some(lon),
    };
    let [missing, wrong, right] =
        [(0, 0), (1, 0), (1, 1)].map(|(n_found, n_right)| Tally { n_labelled: 1, n_found, n_right });
    check_counts(place("US", (33.66, -95.56)), right, right);
    check_counts(place("US", (36.3, -88.3)), right, wrong);
    check_counts(place("FR", (48.9, 2.4)), wrong, wrong);
    check_counts(Location { country: Some("US".to_owned()), ..Location::default() }, right, missing);
    check_counts(Location::default(), missing, missing);
}

/// Checks floors that are about three locations below the measured 99% and 94% for a country, and 99% and 95% for a
/// city.
#[test]
fn held_out_locations_are_understood_as_well_as_published() {
    let accuracy = accuracy_on("held_out.tsv");
    assert_eq!((accuracy.n_locations, accuracy.n_nowhere), (200, 34));
    for tally in [accuracy.country, accuracy.city] {
        assert!(tally.precision() >= 0.97, "{:#?}", accuracy.errors);
        assert!(tally.recall() >= 0.92, "{:#?}", accuracy.errors);
    }
    assert_eq!(accuracy.n_nowhere_found, 0, "{:#?}", accuracy.errors);
}
