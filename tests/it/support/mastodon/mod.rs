//! A Mastodon instance on loopback, with faults as verbs.
//!
//! Follows the public description of the software, not any client:
//! - of docs.joinmastodon.org, the pages "streaming API methods", "timelines API methods", "statuses API methods",
//!   "instance API methods", "Rate limits" and the entities `Instance`, `Status` and `Account`;
//! - of the repository `mastodon/mastodon`, `streaming/index.js` for what the pages leave open (where a token is looked
//!   for, the refusal of an upgrade, subscriptions, feeds that are disabled, pings, the close code 1003), the serializers
//!   of instances and statuses, `api/rate_limit_headers.rb`, and the paginations of the two timelines.
//!
//! There is no replay: a stream has what happens after it was subscribed to.

mod channel; // who hears what
mod garbage; // what is hardly a status
mod rest; // timelines, statuses and the instance itself
mod status; // what people write
mod tests;

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::web::{End, Reply, Request, Response, Site, WebHost};

pub use channel::Subscriptions;
pub use status::{ACCOUNT_ID, Status, status_id};

use channel::Event;

/// Paths for `WebHost::fault`.
pub const ANYTHING: &str = "/";
pub const STREAMING: &str = "/api/v1/streaming";
pub const TIMELINES: &str = "/api/v1/timelines";

/// Who may read a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Public,
    /// Whoever has a token.
    Authenticated,
    /// Nobody but the instance's own staff. Timelines are empty, and streams have nothing but deletions.
    Disabled,
}

impl Access {
    fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Authenticated => "authenticated",
            Self::Disabled => "disabled",
        }
    }
}

/// Who may read the feeds of one kind.
#[derive(Debug, Clone, Copy)]
pub struct FeedAccess {
    /// What was written on this instance.
    pub local: Access,
    /// What was written elsewhere.
    pub remote: Access,
}

/// How an instance behaves from the start.
#[derive(Debug, Clone)]
pub struct InstanceOptions {
    /// The one valid token. With none, everything is open, streams too, as it was before version 4.2.
    pub token: Option<String>,
    pub live_feeds: FeedAccess,
    pub hashtag_feeds: FeedAccess,
    pub version: &'static str,
    /// Pause between pings. Real instances ping every 30 seconds.
    pub ping_every: Duration,
    /// Time in the id of the first status.
    pub ids_from: Timestamp,
}

impl Default for InstanceOptions {
    fn default() -> Self {
        let open = FeedAccess { local: Access::Public, remote: Access::Public };
        Self {
            token: None,
            live_feeds: open,
            hashtag_feeds: open,
            version: "4.5.2",
            ping_every: Duration::from_secs(30),
            ids_from: Timestamp::now(),
        }
    }
}

/// What an instance knows.
pub struct Instance {
    options: InstanceOptions,
    address: SocketAddr,
    /// By id.
    statuses: Vec<Status>,
    events: Vec<Event>,
    /// Number of requests left until the limit is reset.
    n_requests_left: u32,
    resets_at: Timestamp,
}

/// Mastodon instance.
pub struct MastodonHost {
    /// Faults, the log of requests, and connections.
    pub web: WebHost<Instance>,
}

impl MastodonHost {
    /// Starts an instance on which nobody has written yet.
    pub async fn start(options: InstanceOptions) -> Self {
        let web = WebHost::start(options.ping_every, |address| Instance {
            options,
            address,
            statuses: Vec::new(),
            events: Vec::new(),
            n_requests_left: rest::N_REQUESTS_MAX,
            resets_at: Timestamp::now() + SignedDuration::from_mins(5),
        });
        Self { web: web.await }
    }

    /// Returns the id of the status with this number.
    pub fn id(&self, number: u32) -> String {
        self.web.change(|it| it.id(&it.known(number)).to_string())
    }

    /// Publishes statuses with texts of their own, written now.
    pub fn publish(&self, numbers: Range<u32>) {
        self.add(numbers.map(Status::new));
    }

    /// Publishes statuses.
    pub fn add(&self, statuses: impl IntoIterator<Item = Status>) {
        self.web.change(|it| statuses.into_iter().for_each(|status| it.add(status)));
    }

    /// Publishes what is hardly a status, in timelines and streams alike. All of it is JSON. Returns how many.
    pub fn add_garbage(&self) -> u64 {
        self.web.change(|it| {
            let last_id = it.statuses.last().map_or(status_id(it.options.ids_from, 0), |last| it.id(last));
            let garbage = garbage::statuses(last_id);
            let n = garbage.len();
            garbage.into_iter().for_each(|status| it.add(status));
            n as u64
        })
    }

    /// Sends messages on all streams that no instance sends. Returns how many.
    pub fn send_garbage(&self) -> u64 {
        let garbage = garbage::messages();
        let n = garbage.len();
        self.web.change(|it| it.events.extend(garbage.into_iter().map(Event::Raw)));
        n as u64
    }

    /// Edits a status. One that the instance does not show is announced nevertheless.
    pub fn edit(&self, number: u32, text: &str) {
        self.web.change(|it| {
            let mut edited = it.known(number);
            text.clone_into(&mut edited.text);
            edited.edited_at = Some(Timestamp::now());
            if let Some(status) = it.statuses.iter_mut().find(|it| it.number == number) {
                *status = edited.clone();
            }
            it.events.push(Event::Edited(Box::new(edited)));
        });
    }

    /// Changes a status without telling the streams, as it happens to counts.
    pub fn change(&self, number: u32, change: impl FnOnce(&mut Status)) {
        self.web.change(|it| change(it.statuses.iter_mut().find(|it| it.number == number).unwrap()));
    }

    /// Deletes a status. One that the instance does not show is announced nevertheless.
    pub fn delete(&self, number: u32) {
        self.web.change(|it| {
            let status = it.known(number);
            it.delete(status);
        });
    }

    /// Deletes the account that wrote all statuses, and each of them. Returns the id of the account.
    pub fn delete_author(&self) -> String {
        self.web.change(|it| {
            let statuses = it.statuses.clone();
            statuses.into_iter().for_each(|status| it.delete(status));
        });
        ACCOUNT_ID.to_owned()
    }

    /// Removes everything that was published so far, without a word.
    pub fn forget(&self) {
        self.web.change(|it| it.statuses.clear());
    }

    /// Sets who may read feeds.
    pub fn allow(&self, live_feeds: FeedAccess, hashtag_feeds: FeedAccess) {
        self.web.change(|it| (it.options.live_feeds, it.options.hashtag_feeds) = (live_feeds, hashtag_feeds));
    }

    /// Accepts another token from now on, and closes the streams of the old one.
    pub fn set_token(&self, token: Option<&str>) {
        self.web.change(|it| it.options.token = token.map(str::to_owned));
        self.web.disconnect(End::Close);
    }

    /// Sets how many more requests are answered until the limit is reset.
    pub fn limit_requests(&self, n_left: u32, resets_in: Duration) {
        let resets_at = Timestamp::now() + resets_in;
        self.web.change(|it| (it.n_requests_left, it.resets_at) = (n_left, resets_at));
    }
}

impl Instance {
    fn id(&self, status: &Status) -> u64 {
        status.id(self.options.ids_from)
    }

    fn json(&self, status: &Status) -> String {
        status.json(self.options.ids_from, self.address)
    }

    fn add(&mut self, status: Status) {
        let id = self.id(&status);
        let at = self.statuses.partition_point(|it| self.id(it) <= id);
        self.statuses.insert(at, status.clone());
        self.events.push(Event::Added(Box::new(status)));
    }

    /// Returns a status. One that the instance does not show is as it would have been.
    fn known(&self, number: u32) -> Status {
        let shown = self.statuses.iter().find(|it| it.number == number);
        shown.cloned().unwrap_or_else(|| Status::new(number))
    }

    fn delete(&mut self, status: Status) {
        self.statuses.retain(|it| it.number != status.number);
        self.events.push(Event::Deleted(Box::new(status)));
    }

    /// Checks the token of a request, wherever it is. Returns whether there is one.
    fn authenticate(&self, request: &Request) -> Result<bool, ()> {
        let header = request.header("authorization").map(|it| it.trim_start_matches("Bearer "));
        let token = header.or(request.param("access_token")).or(request.header("sec-websocket-protocol"));
        match (token, &self.options.token) {
            (Some(token), Some(valid)) if token != valid => Err(()),
            (token, valid) => Ok(token.is_some() || valid.is_none()),
        }
    }
}

impl Site for Instance {
    type Stream = Subscriptions;

    fn answer(&mut self, request: &Request) -> Reply<Subscriptions> {
        if request.path.starts_with(STREAMING) {
            return self.open_stream(request);
        }
        self.answer_rest(request)
    }

    fn refusal(&self, request: &Request, status: u16, wait_s: Option<u64>) -> Response {
        if request.path.starts_with(STREAMING) {
            return channel::refusal(status, wait_s);
        }
        rest::refusal(status, wait_s)
    }

    fn next_message(&mut self, stream: &mut Subscriptions) -> Option<String> {
        self.next_event(stream)
    }

    fn hear(&mut self, stream: &mut Subscriptions, message: &str) -> Option<String> {
        self.subscribe_as_told(stream, message)
    }

    fn failure(&self) -> String {
        channel::error("An unexpected error occurred", 500)
    }
}
