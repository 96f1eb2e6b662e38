//! The API of X, version 2, on loopback, with faults as verbs.
//!
//! Follows the public description, not any client:
//! - of docs.x.com (repository `xdevplatform/docs`), the pages "Response codes & errors", "Rate limits", "Handling
//!   disconnections", "Recovery and redundancy", "Consuming streaming data", "Build a rule", "Build a query",
//!   "Pagination" of search, "Edit Posts", and the quickstarts of filtered stream, recent search and lookup;
//! - for the exact wording of problems, answers quoted in issues of `plhery/node-twitter-api-v2` (#152, #197),
//!   `xdevplatform/xdk` (#25), `mastashake08/discord-twitter-bot` (#7) and `rooteco/tweetscape` (#421).
//!
//! Where these are silent: a list of rules of which one is invalid creates none, as its summary tells valid rules from
//! created ones; and `backfill_minutes` without the right to it is an invalid request.

mod filter; // which posts a rule or a query matches
mod garbage; // what is hardly a post
mod problem; // errors
mod rules; // rules of the stream
mod search; // recent search, and posts by their ids
mod stream; // posts as they are written
mod tests;
mod tweet; // what people write

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::web::{Reply, Request, Response, Site, WebHost};

pub use stream::Listener;
pub use tweet::{AUTHOR_ID, Tweet, tweet_id};

/// Paths for `WebHost::fault`. A path also stands for those that begin with it.
pub const ANYTHING: &str = "/";
pub const STREAM: &str = "/2/tweets/search/stream";
pub const RULES: &str = "/2/tweets/search/stream/rules";
pub const RECENT: &str = "/2/tweets/search/recent";
pub const LOOKUP: &str = "/2/tweets";

/// How the API behaves from the start.
#[derive(Debug, Clone)]
pub struct XOptions {
    /// The one valid token.
    pub token: String,
    /// Pause between the empty lines of a stream. Real ones come every 20 seconds.
    pub ping_every: Duration,
    /// Whether `backfill_minutes` is allowed, which only Enterprise is.
    pub has_backfill: bool,
    pub n_rules_max: usize,
    /// Time in the id of the first post.
    pub ids_from: Timestamp,
}

impl Default for XOptions {
    fn default() -> Self {
        Self {
            token: "secret".to_owned(),
            ping_every: Duration::from_secs(20),
            has_backfill: false,
            n_rules_max: 1_000,
            ids_from: Timestamp::now(),
        }
    }
}

/// Requests of one endpoint in its window of 15 minutes.
#[derive(Debug, Clone, Copy)]
struct Window {
    n_max: u32,
    n_left: u32,
    resets_at: Timestamp,
}

/// What the API knows.
pub struct X {
    options: XOptions,
    /// By id.
    tweets: Vec<Tweet>,
    events: Vec<stream::Event>,
    rules: Vec<rules::Rule>,
    n_rules_ever: u64,
    n_streams: usize,
    windows: HashMap<(String, String), Window>,
    is_enrolled: bool,
    /// Number of posts that were paid for.
    n_posts_read: u64,
    n_posts_max: u64,
}

/// API of X.
pub struct XHost {
    /// Faults, the log of requests, and connections.
    pub web: WebHost<X>,
}

impl XHost {
    /// Starts an API without posts and rules.
    pub async fn start(options: XOptions) -> Self {
        let web = WebHost::start(options.ping_every, |_| X {
            options,
            tweets: Vec::new(),
            events: Vec::new(),
            rules: Vec::new(),
            n_rules_ever: 0,
            n_streams: 0,
            windows: HashMap::new(),
            is_enrolled: true,
            n_posts_read: 0,
            n_posts_max: u64::MAX,
        });
        Self { web: web.await }
    }

    /// Returns the id of the post with this number, before any edit.
    pub fn id(&self, number: u32) -> String {
        self.web.change(|x| x.known(number).first_id(x.options.ids_from).to_string())
    }

    /// Publishes posts with texts of their own, written now.
    pub fn publish(&self, numbers: Range<u32>) {
        self.add(numbers.map(Tweet::new));
    }

    /// Publishes posts.
    pub fn add(&self, tweets: impl IntoIterator<Item = Tweet>) {
        self.web.change(|x| tweets.into_iter().for_each(|tweet| x.add(tweet)));
    }

    /// Publishes what is hardly a post, in searches and streams alike. All of it is JSON. Returns how many.
    pub fn add_garbage(&self) -> u64 {
        self.web.change(|x| {
            let garbage = garbage::tweets(x.last_id());
            let n = garbage.len();
            garbage.into_iter().for_each(|tweet| x.add(tweet));
            n as u64
        })
    }

    /// Sends lines on all streams that the API never sends. Returns how many.
    pub fn send_garbage(&self) -> u64 {
        let garbage = garbage::lines();
        let n = garbage.len();
        self.web.change(|x| x.events.extend(garbage.into_iter().map(stream::Event::raw)));
        n as u64
    }

    /// Edits a post: the new version has an id of its own, and names those before. One that is not known is announced
    /// nevertheless.
    pub fn edit(&self, number: u32, text: &str) {
        self.web.change(|x| {
            let mut edited = x.known(number);
            let first_id = edited.first_id(x.options.ids_from);
            edited.later_ids.push(x.last_id().max(first_id) + 1);
            text.clone_into(&mut edited.text);
            x.tweets.retain(|it| it.number != number);
            x.add(edited);
        });
    }

    /// Changes a post without a word, as it happens to counts.
    pub fn change(&self, number: u32, change: impl FnOnce(&mut Tweet)) {
        self.web.change(|x| change(x.tweets.iter_mut().find(|it| it.number == number).unwrap()));
    }

    /// Deletes a post. Nobody is told.
    pub fn delete(&self, number: u32) {
        self.web.change(|x| x.tweets.retain(|it| it.number != number));
    }

    /// Deletes everything that the author of the posts has written. Returns the id of the author.
    pub fn delete_author(&self) -> String {
        self.forget();
        AUTHOR_ID.to_owned()
    }

    /// Removes everything that was published so far.
    pub fn forget(&self) {
        self.web.change(|x| x.tweets.clear());
    }

    /// Returns the values and tags of the rules.
    pub fn rules(&self) -> Vec<(String, Option<String>)> {
        self.web.change(|x| x.rules.iter().map(|rule| (rule.value.clone(), rule.tag.clone())).collect())
    }

    /// Adds or removes the app from the projects that may use the API.
    pub fn enroll(&self, is_enrolled: bool) {
        self.web.change(|x| x.is_enrolled = is_enrolled);
    }

    /// Sets how many more requests an endpoint answers until its window ends.
    pub fn limit_requests(&self, (method, path): (&str, &str), n_left: u32, resets_in: Duration) {
        let resets_at = Timestamp::now() + resets_in;
        let key = (method.to_owned(), path.to_owned());
        self.web.change(|x| x.windows.insert(key, Window { n_max: n_max(method, path), n_left, resets_at }));
    }

    /// Sets how many posts may be read in this month.
    pub fn cap_usage(&self, n_posts_max: u64) {
        self.web.change(|x| x.n_posts_max = n_posts_max);
    }

    /// Returns how many posts were read, each as often as it was sent.
    pub fn n_posts_read(&self) -> u64 {
        self.web.change(|x| x.n_posts_read)
    }
}

/// Returns the number of requests that an app has in 15 minutes.
fn n_max(method: &str, path: &str) -> u32 {
    match (method, path) {
        ("GET", STREAM) => 50,
        ("POST", RULES) => 100,
        ("GET", LOOKUP) => 3_500,
        _ => 450,
    }
}

impl X {
    /// Returns a post. One that is not known is as it would have been.
    fn known(&self, number: u32) -> Tweet {
        let known = self.tweets.iter().find(|it| it.number == number);
        known.cloned().unwrap_or_else(|| Tweet::new(number))
    }

    fn id(&self, tweet: &Tweet) -> u64 {
        tweet.id(self.options.ids_from)
    }

    fn last_id(&self) -> u64 {
        self.tweets.last().map_or(tweet_id(self.options.ids_from, 0), |last| self.id(last))
    }

    fn add(&mut self, tweet: Tweet) {
        let id = self.id(&tweet);
        let at = self.tweets.partition_point(|it| self.id(it) <= id);
        self.tweets.insert(at, tweet.clone());
        self.events.push(stream::Event::new(tweet));
    }

    /// Counts a request. Returns the headers that say so, or the refusal.
    fn count(&mut self, request: &Request) -> Result<Vec<(String, String)>, Response> {
        let key = (request.method.clone(), request.path.clone());
        let n_max = n_max(&request.method, &request.path);
        let now = Timestamp::now();
        let fresh = Window { n_max, n_left: n_max, resets_at: now + SignedDuration::from_mins(15) };
        let window = self.windows.entry(key).or_insert(fresh);
        if window.resets_at <= now {
            *window = fresh;
        }
        if window.n_left == 0 {
            let mut refusal = problem::rate_limited();
            refusal.headers.extend(problem::limits(window.n_max, 0, window.resets_at));
            return Err(refusal);
        }
        window.n_left -= 1;
        Ok(problem::limits(window.n_max, window.n_left, window.resets_at))
    }

    fn route(&mut self, request: &Request) -> Reply<Listener> {
        if request.bearer() != Some(&self.options.token) {
            return problem::unauthorized().into();
        }
        if !self.is_enrolled {
            return problem::not_enrolled().into();
        }
        match (&*request.method, &*request.path) {
            ("GET", RULES) => self.list_rules().into(),
            ("POST", RULES) => self.change_rules(request).into(),
            _ if self.n_posts_read >= self.n_posts_max => problem::usage_capped().into(),
            ("GET", STREAM) => self.listen(request),
            ("GET", RECENT) => self.search(request),
            ("GET", LOOKUP) => self.look_up(request),
            _ => problem::not_found().into(),
        }
    }
}

impl Site for X {
    type Stream = Listener;

    fn answer(&mut self, request: &Request) -> Reply<Listener> {
        let limits = match self.count(request) {
            Ok(limits) => limits,
            Err(refusal) => return refusal.into(),
        };
        let mut reply = self.route(request);
        match &mut reply {
            Reply::Response(Response { headers, .. }) | Reply::Lines(_, headers) => headers.extend(limits),
            Reply::Page(page) => page.headers.extend(limits),
            Reply::WebSocket(_) => {}
        }
        reply
    }

    fn refusal(&self, _: &Request, status: u16, wait_s: Option<u64>) -> Response {
        problem::refusal(status, wait_s)
    }

    fn next_message(&mut self, listener: &mut Listener) -> Option<String> {
        self.next_post(listener)
    }

    fn ended(&mut self, _: &mut Listener) {
        self.n_streams -= 1;
    }

    fn failure(&self) -> String {
        problem::operational_disconnect()
    }
}
