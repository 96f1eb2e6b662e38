//! Recent search: <https://docs.x.com/x-api/posts/search/introduction>.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::api::{Api, Call};
use super::limits::Endpoint;
use super::post::{self, Delivered, FIELDS, Includes};
use super::problem::Problem;
use crate::connectors::ConnectorError;

/// Minimum and maximum number of posts per page that X accepts.
pub(super) const PAGE_POSTS: std::ops::RangeInclusive<u64> = 10..=100;

/// Starting point of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Starts after the post with this id.
    After(u64),
    /// Starts at this time.
    At(Timestamp),
}

impl Start {
    /// Returns the time of the starting point.
    pub(super) fn time(self) -> Option<Timestamp> {
        match self {
            Self::After(id) => post::time_of(id),
            Self::At(at) => Some(at),
        }
    }
}

/// Page to request.
#[derive(Debug, Clone)]
pub(super) struct PageRequest {
    pub query: String,
    pub start: Start,
    /// Token of the page; `None` for the first one, with the newest posts.
    pub token: Option<String>,
    /// Maximum number of posts. X charges for each of them.
    pub n_posts_max: u64,
}

/// Page of posts.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Posts, the oldest first.
    pub posts: Vec<Delivered>,
    /// Token of the next page; `None` after the last one.
    pub next_token: Option<String>,
}

/// Reason why a page was not returned.
#[derive(Debug)]
pub(super) enum NoPage {
    /// The search starts too early: X only has posts from this point on.
    TooOld(Start),
    Failed(ConnectorError),
}

/// Requests a page.
pub(super) async fn page(api: &Api, request: &PageRequest) -> Result<Page, NoPage> {
    let n_posts_max = request.n_posts_max.to_string();
    let start = match request.start {
        Start::After(id) => ("since_id", id.to_string()),
        Start::At(at) => ("start_time", at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
    };
    let mut query =
        vec![("query", request.query.as_str()), ("max_results", &n_posts_max), (start.0, &start.1)];
    query.extend(request.token.as_deref().map(|token| ("next_token", token)));
    query.extend(FIELDS);
    let call = Call { endpoint: Endpoint::Search, path: "2/tweets/search/recent", query: &query, json: None };
    let body = api.ask(call).await.map_err(|failed| {
        let floor = (failed.status == Some(400)).then(|| floor_in(&failed.problem)).flatten();
        match floor.filter(|floor| *floor != request.start) {
            Some(floor) => NoPage::TooOld(floor),
            None => NoPage::Failed(failed.error),
        }
    })?;
    let unreadable = || ConnectorError::Interrupted("X's response cannot be read as posts".to_owned());
    read(&body, Timestamp::now()).ok_or_else(|| NoPage::Failed(unreadable()))
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    data: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    includes: Option<&'a RawValue>,
    #[serde(default)]
    meta: Meta,
}

#[derive(Default, Deserialize)]
struct Meta {
    #[serde(default)]
    next_token: Option<String>,
}

fn read(body: &[u8], now: Timestamp) -> Option<Page> {
    let Body { data, includes, meta } = serde_json::from_slice(body).ok()?;
    let includes = Includes::read(includes);
    let posts = data.iter().rev().map(|raw| post::read(raw.get(), &includes, now)).collect();
    Some(Page { posts, next_token: meta.next_token })
}

/// Returns the oldest starting point that X still accepts, if its message contains one: `'since_id' must be a tweet id
/// created after 2026-11-16T12:00Z. Please use a 'since_id' that is larger than 1990000000000000000`.
fn floor_in(problem: &Problem) -> Option<Start> {
    let message = problem
        .messages
        .iter()
        .chain([&problem.words])
        .find(|message| message.contains("since_id") || message.contains("start_time"))?;
    let words = || message.split_whitespace().map(|word| word.trim_matches(['.', ',', '\'', '"', '[', ']']));
    if let Some(id) = words().find_map(|word| post::number(word).filter(|_| message.contains("larger than")))
    {
        return Some(Start::After(id));
    }
    // Times are given in minutes, rounded down.
    let at = words().filter_map(|word| word.parse::<Timestamp>().ok()).max()?;
    at.checked_add(SignedDuration::from_mins(1)).ok().map(Start::At)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x_says_what_it_still_has() {
        let check = |message: &str, expected: Option<Start>| {
            let problem = Problem { messages: vec![message.to_owned()], ..Problem::default() };
            assert_eq!(floor_in(&problem), expected, "{message}");
        };
        check(
            "'since_id' must be a tweet id created after 2026-11-16T12:00Z. Please use a 'since_id' that is larger than \
             1990000000000000000",
            Some(Start::After(1_990_000_000_000_000_000)),
        );
        let at = "2026-11-16T12:01:00Z".parse().unwrap();
        check(
            "Invalid 'start_time':'2026-11-10T12:00Z'. 'start_time' must be on or after 2026-11-16T12:00Z",
            Some(Start::At(at)),
        );
        check("no viable alternative at input", None);
        check("'start_time' is not a time", None);
    }

    #[test]
    fn pages_are_read_from_the_oldest_post_on() {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        let body =
            br#"{"data":[{"id":"1992500000000000002","text":"b"},7,{"id":"1992500000000000001","text":"a"}],
            "meta":{"result_count":3,"next_token":"more"}}"#;
        let page = read(body, now).unwrap();
        let ids: Vec<Option<u64>> = page.posts.iter().map(|it| it.version).collect();
        assert_eq!(ids, [Some(1_992_500_000_000_000_001), None, Some(1_992_500_000_000_000_002)]);
        assert_eq!(page.next_token.as_deref(), Some("more"));
        assert!(read(br#"{"meta":{"result_count":0}}"#, now).unwrap().posts.is_empty());
        assert!(read(b"<html>", now).is_none());
    }
}
