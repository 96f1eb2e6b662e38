//! Filters and ranges at random, as a call takes them and as plain SQL says them.

use jiff::Timestamp;

use super::season::DAYS;

/// A seeded generator, so that a failure can be repeated.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    pub fn one_of<'a>(&mut self, values: &[&'a str]) -> &'a str {
        values[self.below(values.len())]
    }
}

/// Properties to filter by, with values that occur and one that does not.
const FILTERS: [(&str, &[&str]); 9] = [
    ("product", &["Nimbrel One", "Nimbrel Watch", ""]),
    ("city", &["Berlin", "New York", "Atlantis", ""]),
    ("platform", &["twitter", "reddit", "bluesky"]),
    ("channel", &["support", "store", ""]),
    ("source", &["http", "replay"]),
    ("label", &["positive", "negative"]),
    ("lang", &["de", "en"]),
    ("emotion", &["joy", "anger"]),
    ("min_churn", &["0.5"]),
];

/// A filter as a call takes it, and as plain SQL says it. Most are on one property or two.
pub fn filter(dice: &mut Dice) -> (String, String) {
    let (mut query, mut sql) = (String::new(), "true".to_owned());
    let mut names: Vec<usize> =
        (0..[0, 1, 1, 2, 3][dice.below(5)]).map(|_| dice.below(FILTERS.len())).collect();
    names.sort_unstable();
    names.dedup();
    for (name, values) in names.into_iter().map(|i| FILTERS[i]) {
        if name == "min_churn" {
            query.push_str("&min_churn=0.5");
            sql.push_str(" AND churn_risk >= 0.5::real");
            continue;
        }
        // One value, several, or all but some.
        let (n_any, n_none) = [(1, 0), (1, 0), (2, 0), (0, 1), (0, 2), (2, 1)][dice.below(6)];
        let mut any_of = Vec::new();
        for n in 0..n_any + n_none {
            let (value, is_any) = (dice.one_of(values), n < n_any);
            let parameter = if is_any { name.to_owned() } else { format!("{name}_not") };
            query.push_str(&format!("&{parameter}={}", value.replace(' ', "+")));
            let matches = match (name, value) {
                ("product", "") => "products = '{}'".to_owned(),
                ("product", product) => format!("'{product}' = ANY (products)"),
                (column, value) => format!("coalesce({column}::text, '') = '{value}'"),
            };
            if is_any {
                any_of.push(matches);
            } else {
                sql.push_str(&format!(" AND NOT ({matches})"));
            }
        }
        if !any_of.is_empty() {
            sql.push_str(&format!(" AND ({})", any_of.join(" OR ")));
        }
    }
    (query, sql)
}

/// A range of whole minutes within the season.
pub fn range(dice: &mut Dice, until: Timestamp) -> (Timestamp, Timestamp) {
    let last = until.as_second() / 60;
    let minutes = i64::from(DAYS) * 1_440;
    let from = last - dice.below(minutes as usize) as i64 - 1;
    let to = from + 1 + dice.below((last - from) as usize) as i64;
    (Timestamp::from_second(from * 60).unwrap(), Timestamp::from_second(to * 60).unwrap())
}
