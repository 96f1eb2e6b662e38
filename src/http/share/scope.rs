//! Calls that the holder of a share link may make, and the parameters of these calls. Pure.
//!
//! Everything is denied unless it is listed here. The parameters that select data come from the link alone: a request
//! may only page through the result.

use jiff::{SignedDuration, Timestamp};

use crate::models::saved_view::ViewPage;

/// Parameters of Explore that select posts.
const EXPLORE_FILTERS: &[&str] = &[
    "window",
    "from",
    "to",
    "q",
    "source",
    "source_not",
    "platform",
    "platform_not",
    "product",
    "product_not",
    "channel",
    "channel_not",
    "city",
    "city_not",
    "label",
    "label_not",
    "emotion",
    "emotion_not",
    "lang",
    "lang_not",
    "author",
    "author_not",
    "min_virality",
    "min_churn",
];

/// Parameters of Explore that choose how figures are presented.
const EXPLORE_OPTIONS: &[&str] = &["tz", "step", "by", "compare"];

/// Parameters of Live that select posts.
const LIVE_FILTERS: &[&str] = &["window", "source", "platform", "product", "channel", "city"];

/// Parameters of a page that affect no figure, and that links omit.
const LEFT_OUT: &[&str] = &["post", "order", "top", "panels"];

/// Parameters with which a holder pages through posts.
const PAGING: [&str; 2] = ["limit", "cursor"];

/// Number of keys in a shared breakdown.
const BREAKDOWN_LIMIT: &str = "20";

/// Call that returns the view of a link.
pub const VIEW_PATH: &str = "/api/v1/shared-view";

type Pairs = Vec<(String, String)>;

/// Returns the part of a page's query that selects figures.
///
/// # Errors
/// If a parameter is unknown, its name. If it were ignored, the holder might see more than the page shows.
pub fn canonical(page: ViewPage, query: &str) -> Result<String, String> {
    let mut kept: Pairs = Vec::new();
    for (name, value) in pairs_of(query) {
        let is_kept = match page {
            ViewPage::Explore => {
                EXPLORE_FILTERS.contains(&name.as_str()) || EXPLORE_OPTIONS.contains(&name.as_str())
            }
            ViewPage::Live => LIVE_FILTERS.contains(&name.as_str()),
        };
        if is_kept {
            kept.push((name, value));
        } else if !LEFT_OUT.contains(&name.as_str()) {
            return Err(name);
        }
    }
    Ok(encoded(&kept))
}

/// Returns the query with which a call of a shared view runs; `None` if the view does not include this call with these
/// parameters.
pub fn query_of(
    (page, view): (ViewPage, &str),
    (path, query): (&str, &str),
    now: Timestamp,
) -> Option<String> {
    let (mut forced, free) = forced_on((page, &pairs_of(view)), path, now)?;
    for (name, value) in pairs_of(query) {
        if !free.contains(&name.as_str()) {
            return None;
        }
        forced.push((name, value));
    }
    Some(encoded(&forced))
}

/// Returns the paths that a shared view reads.
pub const fn paths_of(page: ViewPage) -> &'static [&'static str] {
    match page {
        ViewPage::Explore => {
            &[VIEW_PATH, "/api/v1/explore/series", "/api/v1/explore/breakdown", "/api/v1/posts"]
        }
        ViewPage::Live => &[
            VIEW_PATH,
            "/api/metrics/overall",
            "/api/metrics/trend",
            "/api/metrics/products",
            "/api/metrics/channels",
            "/api/metrics/geo",
            "/api/v1/posts",
        ],
    }
}

/// Returns the parameters that the link determines, and the names of those that a request may set.
fn forced_on(
    (page, view): (ViewPage, &Pairs),
    path: &str,
    now: Timestamp,
) -> Option<(Pairs, &'static [&'static str])> {
    if !paths_of(page).contains(&path) {
        return None;
    }
    match (page, path) {
        (_, VIEW_PATH) => Some((Vec::new(), &[])),
        (ViewPage::Explore, "/api/v1/posts") => Some((explore_filters(view), &PAGING)),
        (ViewPage::Explore, _) => Some((explore(view, path), &[])),
        (ViewPage::Live, "/api/v1/posts") => {
            let length = SignedDuration::from_secs(live_seconds(view)?);
            let from = now.checked_sub(length).ok()?;
            let mut forced = picked(view, LIVE_FILTERS);
            forced.retain(|(name, _)| name != "window");
            forced.push(("from".to_owned(), from.to_string()));
            Some((forced, &PAGING))
        }
        (ViewPage::Live, _) => {
            live_seconds(view)?;
            Some((picked(view, LIVE_FILTERS), &[]))
        }
    }
}

/// Returns the parameters of a series or breakdown. The defaults are those of the page.
fn explore(view: &Pairs, path: &str) -> Pairs {
    let is_breakdown = path.ends_with("/breakdown");
    let mut forced = explore_filters(view);
    forced.extend(picked(view, &["tz"]));
    if value_of(view, "compare") != Some("none") {
        forced.push(("compare".to_owned(), "previous".to_owned()));
    }
    if is_breakdown {
        forced.push(("by".to_owned(), value_of(view, "by").unwrap_or("product").to_owned()));
        forced.push(("limit".to_owned(), BREAKDOWN_LIMIT.to_owned()));
    } else {
        forced.extend(picked(view, &["step"]));
    }
    forced
}

/// Returns the parameters that select posts. Without a range, the page shows one day.
fn explore_filters(view: &Pairs) -> Pairs {
    let mut forced = picked(view, EXPLORE_FILTERS);
    if value_of(view, "from").is_none() && value_of(view, "window").is_none() {
        forced.push(("window".to_owned(), "24h".to_owned()));
    }
    forced
}

/// Returns the length of a Live view's window; `None` if there is no such window.
fn live_seconds(view: &Pairs) -> Option<i64> {
    match value_of(view, "window").unwrap_or("60s") {
        "60s" => Some(60),
        "5m" => Some(300),
        "1h" => Some(3_600),
        "24h" => Some(86_400),
        "7d" => Some(604_800),
        _ => None,
    }
}

fn picked(view: &Pairs, names: &[&str]) -> Pairs {
    view.iter().filter(|(name, _)| names.contains(&name.as_str())).cloned().collect()
}

fn value_of<'a>(view: &'a Pairs, name: &str) -> Option<&'a str> {
    view.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn pairs_of(query: &str) -> Pairs {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn encoded(pairs: &Pairs) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-05-01T12:00:00Z";

    fn query(page: ViewPage, view: &str, call: (&str, &str)) -> Option<String> {
        query_of((page, view), call, NOW.parse().unwrap())
    }

    #[test]
    fn a_call_gets_the_parameters_of_the_view() {
        let check = |page: ViewPage, view: &str, call: (&str, &str), expected: &str| {
            assert_eq!(query(page, view, call).as_deref(), Some(expected), "{view} {call:?}");
        };
        let (explore, live) = (ViewPage::Explore, ViewPage::Live);
        check(explore, "", ("/api/v1/explore/series", ""), "window=24h&compare=previous");
        check(
            explore,
            "window=7d&city=Oslo&city=Bergen&author_not=x&tz=Europe%2FOslo&step=day&by=city&compare=none",
            ("/api/v1/explore/series", ""),
            "window=7d&city=Oslo&city=Bergen&author_not=x&tz=Europe%2FOslo&step=day",
        );
        check(
            explore,
            "q=a&by=city",
            ("/api/v1/explore/breakdown", ""),
            "q=a&window=24h&compare=previous&by=city&limit=20",
        );
        check(
            explore,
            "from=2026-04-01T00%3A00%3A00Z&to=2026-04-02T00%3A00%3A00Z",
            ("/api/v1/posts", "limit=5&cursor=ab"),
            "from=2026-04-01T00%3A00%3A00Z&to=2026-04-02T00%3A00%3A00Z&limit=5&cursor=ab",
        );
        check(live, "city=Oslo", ("/api/metrics/overall", ""), "city=Oslo");
        check(live, "window=1h&city=Oslo", ("/api/metrics/geo", ""), "window=1h&city=Oslo");
        check(live, "window=1h&city=Oslo", ("/api/v1/posts", ""), "city=Oslo&from=2026-05-01T11%3A00%3A00Z");
        check(live, "", (VIEW_PATH, ""), "");
    }

    #[test]
    fn a_call_cannot_be_widened() {
        let check = |page: ViewPage, call: (&str, &str)| {
            assert_eq!(query(page, "window=1h&city=Oslo", call), None, "{page:?} {call:?}");
        };
        let (explore, live) = (ViewPage::Explore, ViewPage::Live);
        for name in EXPLORE_FILTERS.iter().chain(EXPLORE_OPTIONS).chain(&["order", "format", "x"]) {
            let (plain, escaped) =
                (format!("{name}="), format!("%{:02x}{}=", name.as_bytes()[0], &name[1..]));
            for path in ["/api/v1/explore/series", "/api/v1/explore/breakdown", "/api/v1/posts"] {
                check(explore, (path, &plain));
                check(explore, (path, &escaped));
            }
            check(live, ("/api/metrics/overall", &plain));
            check(live, ("/api/v1/posts", &format!("limit=3&{plain}")));
        }
        check(explore, ("/api/v1/explore/breakdown", "limit=500"));
        check(explore, ("/api/metrics/overall", ""));
        check(live, ("/api/v1/explore/series", ""));
        check(live, ("/api/v1/posts/export", ""));
        check(live, ("/api/v1/posts/", ""));
        check(live, ("/api/v1/%70osts", ""));
        assert_eq!(query(live, "window=9y", ("/api/v1/posts", "")), None);
        assert_eq!(query(live, "window=9y", ("/api/metrics/overall", "")), None);
    }

    #[test]
    fn a_link_keeps_what_selects_figures_and_refuses_what_it_does_not_know() {
        assert_eq!(
            canonical(ViewPage::Explore, "window=7d&post=1&order=virality&q=a+b").unwrap(),
            "window=7d&q=a+b"
        );
        assert_eq!(canonical(ViewPage::Live, "panels=x&top=rising&city=").unwrap(), "city=");
        assert_eq!(canonical(ViewPage::Explore, "tag=urgent").unwrap_err(), "tag");
        assert_eq!(canonical(ViewPage::Live, "q=a").unwrap_err(), "q");
    }
}
