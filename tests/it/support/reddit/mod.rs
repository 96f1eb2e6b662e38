//! Reddit's API on loopback, with faults as verbs.
//!
//! Follows the public description, not any client: of reddit.com/dev/api, the overview of listings and `/r/{sub}/new`,
//! `/r/{sub}/comments` and `/api/info`; of the wiki of `reddit-archive/reddit`, "OAuth2" and "API"; and for what these
//! leave open, `prawcore/rate_limit.py` of `praw-dev/prawcore` (headers of limits) and `praw/models/util.py` of
//! `praw-dev/praw` (what goes wrong with `before` and with pages from a cache).
//!
//! Both hosts of the real API, `www` for tokens and `oauth` for the rest, are one here.

mod listing; // posts and comments, in pages
mod refusal; // errors
mod tests;
mod thing; // what people write

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::web::{Reply, Request, Response, Site, WebHost};

pub use thing::{AUTHOR_ID, Kind, Thing, fullname};

/// Paths for `WebHost::fault`.
pub const ANYTHING: &str = "/";
pub const TOKEN: &str = "/api/v1/access_token";
pub const LISTINGS: &str = "/r/";

/// Number of requests in ten minutes.
const N_REQUESTS_MAX: u32 = 1_000;

/// What a subreddit lets people see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    Public,
    /// 403 for whoever was not let in.
    Private,
    /// 403 for whoever has not agreed.
    Quarantined,
    /// 404 for everybody.
    Banned,
}

/// How the API behaves from the start.
#[derive(Debug, Clone)]
pub struct RedditOptions {
    pub client_id: String,
    pub client_secret: String,
    /// How long a token is valid. Real ones are for 24 hours.
    pub token_life: Duration,
}

impl Default for RedditOptions {
    fn default() -> Self {
        Self {
            client_id: "client".to_owned(),
            client_secret: "secret".to_owned(),
            token_life: Duration::from_secs(24 * 3_600),
        }
    }
}

/// What the API knows.
pub struct Reddit {
    options: RedditOptions,
    /// In order of listings, oldest first.
    things: Vec<Thing>,
    /// What is gone from listings, and still known by its id.
    gone: Vec<Thing>,
    tokens: HashMap<String, Timestamp>,
    n_tokens_ever: u32,
    visibility: Visibility,
    /// Pages by their targets, if pages come from a cache.
    cache: Option<HashMap<String, super::web::Page>>,
    n_requests_used: u32,
    n_requests_max: u32,
    resets_at: Timestamp,
}

/// Reddit's API.
pub struct RedditHost {
    /// Faults, the log of requests, and connections.
    pub web: WebHost<Reddit>,
}

impl RedditHost {
    /// Starts an API with one subreddit, `r/nimbrel`, in which nobody has written yet.
    pub async fn start(options: RedditOptions) -> Self {
        // There are no streams, hence no pings.
        let web = WebHost::start(Duration::from_secs(30), |_| Reddit {
            options,
            things: Vec::new(),
            gone: Vec::new(),
            tokens: HashMap::new(),
            n_tokens_ever: 0,
            visibility: Visibility::Public,
            cache: None,
            n_requests_used: 0,
            n_requests_max: N_REQUESTS_MAX,
            resets_at: Timestamp::now() + SignedDuration::from_mins(10),
        });
        Self { web: web.await }
    }

    /// Publishes posts with texts of their own, written now.
    pub fn publish(&self, numbers: Range<u32>) {
        self.add(numbers.map(|number| Thing::new(Kind::Post, number)));
    }

    /// Publishes comments with texts of their own, written now.
    pub fn comment(&self, numbers: Range<u32>) {
        self.add(numbers.map(|number| Thing::new(Kind::Comment, number)));
    }

    /// Publishes posts and comments, each as the newest, whenever it was written: a moderator may approve an old one.
    pub fn add(&self, things: impl IntoIterator<Item = Thing>) {
        self.web.change(|it| it.things.extend(things));
    }

    /// Adds what is hardly a post to the listing of posts. All of it is JSON. Returns how many.
    pub fn add_garbage(&self) -> u64 {
        let garbage = thing::garbage();
        let n = garbage.len();
        let wrong = |raw| Thing { raw: Some(raw), ..Thing::new(Kind::Post, u32::MAX) };
        self.add(garbage.into_iter().map(wrong));
        n as u64
    }

    /// Edits a post or a comment.
    pub fn edit(&self, kind: Kind, number: u32, text: &str) {
        self.change(kind, number, |thing| {
            text.clone_into(&mut thing.text);
            thing.edited_at = Some(Timestamp::now());
        });
    }

    /// Changes a post or a comment without a word, as it happens to scores.
    pub fn change(&self, kind: Kind, number: u32, change: impl FnOnce(&mut Thing)) {
        self.web.change(|it| change(it.things.iter_mut().find(|thing| thing.is(kind, number)).unwrap()));
    }

    /// Deletes a post or a comment as its author does. Nobody is told, and a listing `before` it is empty for ever.
    pub fn delete(&self, kind: Kind, number: u32) {
        self.take_away(kind, number, |thing| {
            "[deleted]".clone_into(&mut thing.text);
            thing.has_author = false;
        });
    }

    /// Removes a post or a comment as a moderator does.
    pub fn remove(&self, kind: Kind, number: u32) {
        self.take_away(kind, number, |thing| {
            "[removed]".clone_into(&mut thing.text);
            thing.is_removed = true;
        });
    }

    fn take_away(&self, kind: Kind, number: u32, change: impl FnOnce(&mut Thing)) {
        self.web.change(|it| {
            let Some(index) = it.things.iter().position(|thing| thing.is(kind, number)) else { return };
            let mut thing = it.things.remove(index);
            change(&mut thing);
            it.gone.push(thing);
        });
    }

    /// Deletes the account that wrote everything. What it wrote stays, without its name. Returns the id of the account.
    pub fn delete_author(&self) -> String {
        self.web.change(|it| it.things.iter_mut().for_each(|thing| thing.has_author = false));
        AUTHOR_ID.to_owned()
    }

    /// Removes everything that was published so far.
    pub fn forget(&self) {
        self.web.change(|it| it.things.clear());
    }

    /// Sets what the subreddit lets people see.
    pub fn show(&self, visibility: Visibility) {
        self.web.change(|it| it.visibility = visibility);
    }

    /// Answers the same requests with the same pages from now on, or no longer.
    pub fn cache_pages(&self, is_on: bool) {
        self.web.change(|it| it.cache = is_on.then(HashMap::new));
    }

    /// Makes all tokens expire.
    pub fn expire_tokens(&self) {
        self.web.change(|it| it.tokens.clear());
    }

    /// Sets how many more requests are answered until the limit is reset.
    pub fn limit_requests(&self, n_left: u32, resets_in: Duration) {
        let resets_at = Timestamp::now() + resets_in;
        self.web.change(|it| {
            it.n_requests_max = it.n_requests_used + n_left;
            it.resets_at = resets_at;
        });
    }
}

/// Stream of a network that has none.
pub enum NoStream {}

impl Reddit {
    /// Gives a token to whoever knows the secret.
    fn grant(&mut self, request: &Request) -> Response {
        let expected = format!("{}:{}", self.options.client_id, self.options.client_secret);
        let basic = request.header("authorization").and_then(|it| it.strip_prefix("Basic "));
        if basic.and_then(|it| BASE64_STANDARD.decode(it).ok()).as_deref() != Some(expected.as_bytes()) {
            return refusal::of_status(401, None);
        }
        let form: HashMap<String, String> = form_urlencoded::parse(&request.body).into_owned().collect();
        let grants = ["client_credentials", "https://oauth.reddit.com/grants/installed_client"];
        if !form.get("grant_type").is_some_and(|it| grants.contains(&it.as_str())) {
            return Response::json(400, &json!({"error": "unsupported_grant_type"}));
        }
        self.n_tokens_ever += 1;
        let token = format!("token-{}", self.n_tokens_ever);
        self.tokens.insert(token.clone(), Timestamp::now() + self.options.token_life);
        let n_seconds = self.options.token_life.as_secs();
        let granted =
            json!({"access_token": token, "token_type": "bearer", "expires_in": n_seconds, "scope": "*"});
        Response::json(200, &granted)
    }

    /// Counts a request. Returns whether it is answered.
    fn count(&mut self) -> bool {
        let now = Timestamp::now();
        if self.resets_at <= now {
            (self.n_requests_used, self.n_requests_max) = (0, N_REQUESTS_MAX);
            self.resets_at = now + SignedDuration::from_mins(10);
        }
        let is_answered = self.n_requests_used < self.n_requests_max;
        self.n_requests_used += u32::from(is_answered);
        is_answered
    }

    /// Returns the headers of limits: a number with a fraction, one without, and seconds.
    fn limits(&self) -> Vec<(String, String)> {
        let n_left = self.n_requests_max - self.n_requests_used;
        let n_seconds = (self.resets_at.duration_since(Timestamp::now()).as_millis() as f64 / 1_000.0).ceil();
        refusal::limits(n_left, self.n_requests_used, n_seconds.max(0.0) as u64)
    }

    fn route(&mut self, request: &Request) -> Reply<NoStream> {
        let parts: Vec<&str> = request.path.trim_matches('/').trim_end_matches(".json").split('/').collect();
        match parts[..] {
            ["r", names, listing @ ("new" | "comments")] => {
                // Several are joined by `+`.
                if !names.split('+').any(|name| name.eq_ignore_ascii_case("nimbrel")) {
                    return refusal::of_status(404, None).into();
                }
                if let Some(refused) = refusal::of_visibility(self.visibility) {
                    return refused.into();
                }
                let kind = if listing == "new" { Kind::Post } else { Kind::Comment };
                Reply::Page(self.cached(request, kind))
            }
            ["api", "info"] => Reply::Page(self.info(request)),
            _ => refusal::of_status(404, None).into(),
        }
    }

    fn cached(&mut self, request: &Request, kind: Kind) -> super::web::Page {
        let target = format!("{} {:?}", request.path, request.query);
        if let Some(page) = self.cache.as_ref().and_then(|cache| cache.get(&target)) {
            return page.clone();
        }
        let page = self.listing(request, kind);
        if let Some(cache) = &mut self.cache {
            cache.insert(target, page.clone());
        }
        page
    }
}

impl Site for Reddit {
    type Stream = NoStream;

    fn answer(&mut self, request: &Request) -> Reply<NoStream> {
        // Programs that do not say who they are get no further than the edge.
        let agent = request.header("user-agent").unwrap_or_default().to_lowercase();
        let is_usual = ["python", "java", "curl", "reqwest"].iter().any(|name| agent.starts_with(name));
        if agent.is_empty() || is_usual {
            return refusal::edge(429).into();
        }
        if (&*request.method, &*request.path) == ("POST", TOKEN) {
            return self.grant(request).into();
        }
        let expires_at = request.bearer().and_then(|token| self.tokens.get(token));
        if expires_at.is_none_or(|at| *at <= Timestamp::now()) {
            let reason = "Bearer realm=\"reddit\", error=\"invalid_token\"";
            return refusal::of_status(401, None).header("www-authenticate", reason).into();
        }
        if !self.count() {
            let mut refused = refusal::of_status(429, None);
            refused.headers.extend(self.limits());
            return refused.into();
        }
        let mut reply = self.route(request);
        match &mut reply {
            Reply::Response(response) => response.headers.extend(self.limits()),
            Reply::Page(page) => page.headers.extend(self.limits()),
            Reply::WebSocket(_) | Reply::Lines(..) => {}
        }
        reply
    }

    fn refusal(&self, _: &Request, status: u16, wait_s: Option<u64>) -> Response {
        refusal::of_status(status, wait_s)
    }
}
