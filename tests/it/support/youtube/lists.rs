//! Searches, videos and comments, in pages.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::problem;
use super::resource::{CHANNEL_ID, Comment, Video, etag, video_id};
use super::{NoStream, YouTube};
use crate::support::web::{Page, Reply, Request, Response};

/// Number of results after which every search ends.
const N_RESULTS_MAX: usize = 500;

/// What a page token begins with.
const TOKEN: &str = "CAoQ";

impl YouTube {
    /// Returns the videos that match a query, in order of publication.
    pub(super) fn search(&self, request: &Request) -> Result<Page, Response> {
        require(request, "part")?;
        let query = request.param("q").unwrap_or_default().to_lowercase();
        let time = |name| match request.param(name).map(str::parse::<Timestamp>) {
            Some(Err(_)) => Err(problem::invalid_value(name)),
            Some(Ok(at)) => Ok(Some(at)),
            None => Ok(None),
        };
        let (after, before) = (time("publishedAfter")?, time("publishedBefore")?);
        let is_found = |video: &&Video| {
            let is_between = after.is_none_or(|at| video.at >= at) && before.is_none_or(|at| video.at < at);
            let is_in_channel = request.param("channelId").is_none_or(|id| id == CHANNEL_ID);
            let is_kind = request.param("type").is_none_or(|kind| kind.contains("video"));
            is_between && is_in_channel && is_kind && (video.raw.is_some() || matches(&query, video))
        };
        let mut found: Vec<&Video> = self.videos.iter().filter(is_found).collect();
        if request.param("order") == Some("date") {
            found.reverse();
        }
        let n_all = found.len();
        found.truncate(N_RESULTS_MAX);
        let (found, next) = window(request, &found, 5..=50)?;
        let items = found.iter().map(|video| video.result()).collect();
        Ok(page("youtube#searchListResponse", items, (n_all, next)))
    }

    /// Returns the videos that have these ids. Those that do not exist are left out.
    pub(super) fn list_videos(&self, request: &Request) -> Result<Page, Response> {
        let parts: Vec<&str> = require(request, "part")?.split(',').collect();
        let Some(ids) = request.param("id") else {
            return Err(problem::bad(
                "missingRequiredParameter",
                "No filter selected. Expected one of: chart, id, myRating",
            ));
        };
        let ids: Vec<&str> = ids.split(',').collect();
        if ids.len() > 50 {
            return Err(problem::bad("invalidFilters", "The request specifies an invalid filter parameter."));
        }
        let of_id = |id: &&str| self.videos.iter().find(|it| it.raw.is_none() && video_id(it.number) == **id);
        let n_comments = |video: &Video| self.comments.iter().filter(|it| it.video == video.number).count();
        let found = ids.iter().filter_map(of_id);
        let items: Vec<String> = found.map(|video| video.json(&parts, n_comments(video))).collect();
        let n_items = items.len();
        Ok(page("youtube#videoListResponse", items, (n_items, None)))
    }

    /// Returns the comments on a video, newest first.
    pub(super) fn list_comments(&self, request: &Request) -> Result<Page, Response> {
        require(request, "part")?;
        let id = require(request, "videoId")?;
        let Some(video) = self.videos.iter().find(|it| video_id(it.number) == id) else {
            return Err(problem::of_video(404, "videoNotFound", "could not be found"));
        };
        if !video.has_comments {
            return Err(problem::of_video(403, "commentsDisabled", "has disabled comments"));
        }
        let mut comments: Vec<&Comment> =
            self.comments.iter().filter(|it| it.video == video.number).collect();
        comments.sort_by_key(|it| std::cmp::Reverse(it.at));
        if request.param("order") == Some("relevance") {
            comments.sort_by_key(|it| std::cmp::Reverse(it.n_likes));
        }
        let is_plain = request.param("textFormat") == Some("plainText");
        let (found, next) = window(request, &comments, 20..=100)?;
        let items: Vec<String> = found.iter().map(|comment| comment.json(is_plain)).collect();
        let n_items = items.len();
        Ok(page("youtube#commentThreadListResponse", items, (n_items, next)))
    }
}

/// Returns whether a video has all words of a query: `|` separates alternatives, `-` excludes.
fn matches(query: &str, video: &Video) -> bool {
    let text = format!("{} {}", video.title, video.description).to_lowercase();
    let has_all = |part: &str| {
        part.split_whitespace().all(|word| match word.strip_prefix('-') {
            Some(word) => !text.contains(word),
            None => text.contains(word.trim_matches('"')),
        })
    };
    query.split('|').any(has_all)
}

fn require<'a>(request: &'a Request, name: &str) -> Result<&'a str, Response> {
    let message = format!("The request is missing a required parameter: {name}.");
    request.param(name).ok_or_else(|| problem::bad("missingRequiredParameter", &message))
}

/// Returns the items of the page that is asked for, and the token of the next. The range has the usual and the largest
/// number of items.
fn window<'a, T>(
    request: &Request,
    items: &'a [T],
    n: std::ops::RangeInclusive<usize>,
) -> Result<(&'a [T], Option<String>), Response> {
    let n_wanted = match request.param("maxResults").map(str::parse::<usize>) {
        Some(Ok(wanted)) if (1..=*n.end()).contains(&wanted) => wanted,
        Some(_) => return Err(problem::invalid_value("maxResults")),
        None => *n.start(),
    };
    let start = match request.param("pageToken") {
        Some(token) => {
            let start = token.strip_prefix(TOKEN).and_then(|hex| usize::from_str_radix(hex, 16).ok());
            let invalid = || problem::bad("invalidPageToken", "The request specifies an invalid page token.");
            start.filter(|start| *start <= items.len()).ok_or_else(invalid)?
        }
        None => 0,
    };
    let end = items.len().min(start + n_wanted);
    let next = (end < items.len()).then(|| format!("{TOKEN}{end:x}"));
    Ok((&items[start..end], next))
}

fn page(kind: &str, items: Vec<String>, (n_all, next): (usize, Option<String>)) -> Page {
    let etag = etag(&items.concat());
    let mut head = json!({
        "kind": kind,
        "etag": etag,
        "pageInfo": {"totalResults": n_all, "resultsPerPage": items.len()},
    });
    if let Some(next) = next {
        head["nextPageToken"] = Value::String(next);
    }
    let head = head.to_string();
    let head = format!("{},\"items\":[", head.strip_suffix('}').unwrap());
    Page { headers: vec![("etag".to_owned(), etag)], head, items, tail: "]}".to_owned() }
}

/// Answers 304 if the client has the page already.
pub(super) fn unless_known(request: &Request, page: Page) -> Reply<NoStream> {
    let known = request.header("if-none-match").map(|it| it.trim_matches('"'));
    if known.is_some() && known == page.headers.first().map(|(_, etag)| etag.as_str()) {
        return Response { status: 304, headers: page.headers, body: Vec::new() }.into();
    }
    Reply::Page(page)
}
