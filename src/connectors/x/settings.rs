//! Settings of a source on X.

use reqwest::Url;

use crate::connectors::ConnectorError;
use crate::egress::Egress;
use crate::models::source::SourceSettings;

/// Default host.
const DEFAULT_HOST: &str = "https://api.x.com";

/// Maximum number of queries. X allows far more, but each of them can cost money all day.
pub const QUERIES_MAX: usize = 25;

/// Maximum length of a query in characters. Rules of the stream may be longer, but recent search accepts no more.
pub const QUERY_CHARS_MAX: usize = 512;

/// Returns the queries of a source, of which there may be none as long as topics are to add some.
///
/// # Errors
/// A description of the problem, if they are invalid.
pub fn queries(settings: &SourceSettings) -> Result<Vec<String>, String> {
    let given = settings.queries.as_deref().unwrap_or_default();
    let queries: Vec<String> = given.iter().map(|query| query.trim().to_owned()).collect();
    let is_good = |query: &String| {
        (1..=QUERY_CHARS_MAX).contains(&query.chars().count()) && !query.chars().any(char::is_control)
    };
    // Topics add others.
    let n_min = usize::from(settings.follow_topics != Some(true));
    if !(n_min..=QUERIES_MAX).contains(&queries.len()) || !queries.iter().all(is_good) {
        return Err(format!(
            "a source on X that does not follow topics requires 1 to {QUERIES_MAX} queries of 1 to {QUERY_CHARS_MAX} characters, each on one line"
        ));
    }
    Ok(queries)
}

/// Returns the base URL of the API.
pub(super) fn base(egress: &Egress, settings: &SourceSettings) -> Result<Url, ConnectorError> {
    let text = settings.base_url.as_deref().unwrap_or(DEFAULT_HOST);
    egress.check(text).map_err(|error| ConnectorError::Refused(error.to_string()))
}

/// Combines the queries of a source into as few queries for recent search as possible.
pub(super) fn combined(queries: &[String]) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    for query in queries {
        let alternative = format!("({query})");
        let Some(last) = groups.last_mut() else {
            groups.push(query.clone());
            continue;
        };
        // The first query of a group has no parentheses, in case it is the only one and has the maximum length.
        let together = match last.contains(") OR (") {
            true => format!("{last} OR {alternative}"),
            false => format!("({last}) OR {alternative}"),
        };
        match together.chars().count() <= QUERY_CHARS_MAX {
            true => *last = together,
            false => groups.push(query.clone()),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(queries: &[&str]) -> SourceSettings {
        let queries = Some(queries.iter().map(|&query| query.to_owned()).collect());
        SourceSettings { queries, ..SourceSettings::default() }
    }

    #[test]
    fn queries_are_bounded_in_number_and_length() {
        let check = |given: &[&str], is_good: bool| {
            assert_eq!(queries(&settings(given)).is_ok(), is_good, "{given:?}");
        };
        check(&["nimbrel -is:retweet"], true);
        check(&["ä".repeat(512).as_str()], true);
        check(&["ä".repeat(513).as_str()], false);
        check(&["nimbrel"; 25], true);
        check(&["nimbrel"; 26], false);
        check(&["nimbrel", " "], false);
        check(&["nimbrel\nvexa"], false);
        check(&[], false);
        assert!(queries(&SourceSettings::default()).is_err());
        let follows = SourceSettings { follow_topics: Some(true), ..SourceSettings::default() };
        assert_eq!(queries(&follows), Ok(Vec::new()));
    }

    #[test]
    fn searches_are_as_few_as_their_length_allows() {
        let check = |queries: &[&str], expected: &[&str]| {
            let queries: Vec<String> = queries.iter().map(|&query| query.to_owned()).collect();
            assert_eq!(combined(&queries), expected);
        };
        check(&["nimbrel"], &["nimbrel"]);
        check(&["nimbrel", "vexa lang:en", "x"], &["(nimbrel) OR (vexa lang:en) OR (x)"]);
        let long = "y".repeat(512);
        check(&[&long, "nimbrel"], &[&long, "nimbrel"]);
    }
}
