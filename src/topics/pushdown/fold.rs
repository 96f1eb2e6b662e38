//! What is known of every post of a network, such as its platform, is taken out of a query.

use crate::topics::query::{Field, Query};

/// Returns what remains of a query if some fields are known; its value, if nothing does.
pub fn fold(query: &Query, known: &impl Fn(&Field) -> Option<bool>) -> Result<Query, bool> {
    match query {
        Query::All(parts) => parts_of(parts, known, false).map(Query::all),
        Query::Any(parts) => parts_of(parts, known, true).map(Query::any),
        Query::Not(part) => match fold(part, known) {
            Ok(part) => Ok(Query::Not(Box::new(part))),
            Err(value) => Err(!value),
        },
        Query::Field(field) => known(field).map_or_else(|| Ok(query.clone()), Err),
        // `NEAR` joins no fields.
        Query::Near(_) | Query::Term(_) | Query::Pack(_) => Ok(query.clone()),
    }
}

/// Returns the parts that remain; `decisive` if one has this value, and the opposite if none remains.
fn parts_of(
    parts: &[Query],
    known: &impl Fn(&Field) -> Option<bool>,
    decisive: bool,
) -> Result<Vec<Query>, bool> {
    let mut kept = Vec::new();
    for part in parts {
        match fold(part, known) {
            Ok(part) => kept.push(part),
            Err(value) if value == decisive => return Err(decisive),
            Err(_) => {}
        }
    }
    if kept.is_empty() { Err(!decisive) } else { Ok(kept) }
}

/// Returns whether a post of a network has a field, if that is known of all its posts.
pub fn platform(field: &Field, network: &str) -> Option<bool> {
    match field {
        Field::Platform(name) => Some(name == network),
        Field::Language(_) | Field::Author(_) | Field::Country(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::parse;

    #[test]
    fn platforms_are_known() {
        let check = |query: &str, expected: Result<&str, bool>| {
            let query = parse(query).unwrap().query;
            let folded = fold(&query, &|field| platform(field, "x")).map(|query| query.to_string());
            assert_eq!(folded, expected.map(str::to_owned), "{query}");
        };
        check("nimbrel", Ok("nimbrel"));
        check("nimbrel platform:x", Ok("nimbrel"));
        check("nimbrel platform:bluesky", Err(false));
        check("nimbrel NOT platform:bluesky", Ok("nimbrel"));
        check("nimbrel NOT platform:x", Err(false));
        check("(nimbrel platform:bluesky) OR (vexa platform:x)", Ok("vexa"));
        check("nimbrel (platform:x OR lang:en)", Ok("nimbrel"));
        check("nimbrel (platform:bluesky OR lang:en)", Ok("nimbrel AND lang:en"));
        check("nimbrel NOT (platform:bluesky lang:en)", Ok("nimbrel"));
    }
}
