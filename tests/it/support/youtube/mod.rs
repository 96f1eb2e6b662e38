//! The YouTube Data API, version 3, on loopback, with faults as verbs.
//!
//! Follows the public description, not any client: of developers.google.com/youtube/v3, the pages "Search: list",
//! "Videos: list", "CommentThreads: list", their resources, "Errors", "Quota costs" and the revision of June 2026 that
//! gave searches a quota of their own, and "Performance tips" for entity tags. Bodies of errors are those that public
//! integrations quote from real answers.
//!
//! Known habits of the real API are here too: search results escape their titles as HTML and say only what was published
//! when to the second, a search ends after 500 results, and quotas are also charged for what has not changed.

mod lists; // searches, videos and comments
mod problem; // errors, and what must be paid
mod resource; // what people publish
mod tests;

use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;

use super::web::{Reply, Request, Response, Site, WebHost};

pub use problem::Problem;
pub use resource::{CHANNEL_ID, Comment, Video, comment_id, video_id};

/// Paths for `WebHost::fault`.
pub const ANYTHING: &str = "/";
pub const SEARCH: &str = "/youtube/v3/search";
pub const VIDEOS: &str = "/youtube/v3/videos";
pub const COMMENTS: &str = "/youtube/v3/commentThreads";

/// How the API behaves from the start.
#[derive(Debug, Clone)]
pub struct YouTubeOptions {
    /// The one valid key.
    pub key: String,
    /// Number of searches a day, if they have a quota of their own. Otherwise a search costs 100 units.
    pub n_searches: Option<u32>,
    /// Number of units a day for everything else.
    pub n_units: u32,
}

impl Default for YouTubeOptions {
    fn default() -> Self {
        Self { key: "secret".to_owned(), n_searches: Some(100), n_units: 10_000 }
    }
}

/// What the API knows.
pub struct YouTube {
    options: YouTubeOptions,
    /// In order of publication.
    videos: Vec<Video>,
    comments: Vec<Comment>,
    problem: Option<Problem>,
    n_searches_used: u32,
    n_units_used: u32,
}

/// YouTube Data API.
pub struct YouTubeHost {
    /// Faults, the log of requests, and connections.
    pub web: WebHost<YouTube>,
}

impl YouTubeHost {
    /// Starts an API without videos.
    pub async fn start(options: YouTubeOptions) -> Self {
        // There are no streams, hence no pings.
        let web = WebHost::start(Duration::from_secs(30), |_| YouTube {
            options,
            videos: Vec::new(),
            comments: Vec::new(),
            problem: None,
            n_searches_used: 0,
            n_units_used: 0,
        });
        Self { web: web.await }
    }

    /// Publishes videos with titles of their own, now.
    pub fn publish(&self, numbers: Range<u32>) {
        self.add(numbers.map(Video::new));
    }

    /// Publishes videos.
    pub fn add(&self, videos: impl IntoIterator<Item = Video>) {
        self.web.change(|it| {
            it.videos.extend(videos);
            it.videos.sort_by_key(|video| video.at);
        });
    }

    /// Writes comments on a video, each with a text of its own, now.
    pub fn comment(&self, video: u32, numbers: Range<u32>) {
        self.add_comments(numbers.map(|number| Comment::new(number, video)));
    }

    /// Writes comments.
    pub fn add_comments(&self, comments: impl IntoIterator<Item = Comment>) {
        self.web.change(|it| it.comments.extend(comments));
    }

    /// Adds what is hardly a video to the results of every search. All of it is JSON. Returns how many.
    pub fn add_garbage(&self) -> u64 {
        let garbage = resource::garbage("videoId", "title");
        let n = garbage.len();
        self.add(garbage.into_iter().map(|raw| Video { raw: Some(raw), ..Video::new(u32::MAX) }));
        n as u64
    }

    /// Adds what is hardly a comment to a video. All of it is JSON. Returns how many.
    pub fn add_comment_garbage(&self, video: u32) -> u64 {
        let garbage = resource::garbage("videoId", "topLevelComment");
        let n = garbage.len();
        self.add_comments(
            garbage.into_iter().map(|raw| Comment { raw: Some(raw), ..Comment::new(u32::MAX, video) }),
        );
        n as u64
    }

    /// Changes the title of a video.
    pub fn edit(&self, number: u32, title: &str) {
        self.change(number, |video| title.clone_into(&mut video.title));
    }

    /// Changes the text of a comment.
    pub fn edit_comment(&self, number: u32, text: &str) {
        self.web.change(|it| {
            let comment = it.comments.iter_mut().find(|comment| comment.number == number).unwrap();
            text.clone_into(&mut comment.text);
            comment.updated_at = Timestamp::now();
        });
    }

    /// Changes a video, such as its counts.
    pub fn change(&self, number: u32, change: impl FnOnce(&mut Video)) {
        self.web.change(|it| change(it.videos.iter_mut().find(|video| video.number == number).unwrap()));
    }

    /// Deletes a video and its comments.
    pub fn delete(&self, number: u32) {
        self.web.change(|it| {
            it.videos.retain(|video| video.number != number);
            it.comments.retain(|comment| comment.video != number);
        });
    }

    /// Deletes a comment.
    pub fn delete_comment(&self, number: u32) {
        self.web.change(|it| it.comments.retain(|comment| comment.number != number));
    }

    /// Deletes the channel that published and wrote everything. Returns its id.
    pub fn delete_author(&self) -> String {
        self.forget();
        CHANNEL_ID.to_owned()
    }

    /// Removes everything that was published so far.
    pub fn forget(&self) {
        self.web.change(|it| {
            it.videos.clear();
            it.comments.clear();
        });
    }

    /// Refuses every request for a reason, or none.
    pub fn keep_problem(&self, problem: Option<Problem>) {
        self.web.change(|it| it.problem = problem);
    }

    /// Sets how many searches and how many units are left until midnight in California.
    pub fn set_quota(&self, n_searches_left: u32, n_units_left: u32) {
        self.web.change(|it| {
            it.options.n_searches = it.options.n_searches.map(|_| it.n_searches_used + n_searches_left);
            it.options.n_units = it.n_units_used + n_units_left;
        });
    }

    /// Returns how many searches and how many units were used.
    pub fn quota_used(&self) -> (u32, u32) {
        self.web.change(|it| (it.n_searches_used, it.n_units_used))
    }
}

/// Stream of a network that has none.
pub enum NoStream {}

impl Site for YouTube {
    type Stream = NoStream;

    fn answer(&mut self, request: &Request) -> Reply<NoStream> {
        if let Some(problem) = self.problem {
            return problem.response().into();
        }
        let key = request.param("key").or(request.header("x-goog-api-key"));
        match key {
            None => return Problem::NoKey.response().into(),
            Some(key) if key != self.options.key => return Problem::KeyInvalid.response().into(),
            Some(_) => {}
        }
        if let Err(problem) = self.pay(&request.path) {
            return problem.response().into();
        }
        let page = match (&*request.method, &*request.path) {
            ("GET", SEARCH) => self.search(request),
            ("GET", VIDEOS) => self.list_videos(request),
            ("GET", COMMENTS) => self.list_comments(request),
            _ => {
                return Response::text(
                    404,
                    "text/html; charset=UTF-8",
                    "<title>Error 404 (Not Found)!!1</title>",
                )
                .into();
            }
        };
        match page {
            Ok(page) => lists::unless_known(request, page),
            Err(problem) => problem.into(),
        }
    }

    fn refusal(&self, _: &Request, status: u16, wait_s: Option<u64>) -> Response {
        let refusal = problem::of_status(status);
        match wait_s {
            Some(seconds) => refusal.header("retry-after", seconds),
            None => refusal,
        }
    }
}
