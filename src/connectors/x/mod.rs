//! X, read through version 2 of its API: <https://docs.x.com/x-api/introduction>.
//!
//! The filtered stream delivers posts that match rules. It has no position: posts written while there was no connection
//! are found by recent search, which reaches back seven days and finds a post half a minute after it was written. A
//! search therefore starts some time after each connection is opened. Until it is complete, the position marks the time
//! from which posts may be missing.
//!
//! X charges for every post that it delivers. A post is counted before it is yielded, nothing is requested that the
//! budget cannot pay for, and once the budget is spent, the connection is closed until the next month.

mod api; // requests, within the rate limits
mod connection; // to the stream
mod event; // lines of the stream, read
mod fill; // what was missed
mod limits; // when to ask again
mod lines; // a stream that comes in parts
mod post; // posts as X describes them
mod problem; // what X's refusals mean
mod recent; // posts that were read
mod rules; // what the stream delivers
mod search; // recent search
mod settings; // queries and the host
mod spending; // what it costs
mod times; // how long things take

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use self::api::Api;
use self::connection::Connection;
use self::event::Event;
use self::fill::{Fill, Floor};
use self::lines::Line;
use self::post::{Content, Delivered};
use self::problem::{HOW_TO_GET_A_TOKEN, Problem};
use self::recent::Recent;
use self::search::{NoPage, PAGE_POSTS, Page};
pub use self::settings::{QUERIES_MAX, QUERY_CHARS_MAX, queries};
use self::spending::Spending;
pub use self::times::Times;
use super::access::Access;
use super::silence::Rate;
use super::{Batch, Connector, ConnectorError};
use crate::egress::EgressError;
use crate::models::source::{Checkpoint, SourceGap, SourceSettings};

/// How long to wait for the first post of a batch.
const WAIT: Duration = Duration::from_secs(1);

/// How long to collect posts after the first one, so that each batch costs one round trip to Redis.
const GATHER: Duration = Duration::from_millis(20);

/// Maximum number of posts in a batch.
const BATCH_POSTS_MAX: usize = 1_000;

/// How far the position may lag behind the present while no posts arrive.
const IDLE_MAX: SignedDuration = SignedDuration::from_mins(10);

/// How far behind the present the position is then set, in case X delivers posts late.
const IDLE_BEHIND: SignedDuration = SignedDuration::from_mins(1);

/// How long to wait if the budget cannot pay for another page, or X refuses to search.
const NO_PAGE_WAIT: Duration = Duration::from_secs(3_600);

/// Connector that reads posts that match the queries of a source.
pub struct X {
    /// Client of the API; `None` without a token.
    api: Option<Api>,
    queries: Vec<String>,
    spending: Spending,
    times: Times,
    /// Position after the last batch, as it was yielded.
    position: Checkpoint,
    /// Position before which no posts are missing.
    floor: Floor,
    /// Search for posts that were missed after it; `None` if there are none.
    fill: Option<Fill>,
    recent: Recent,
    rate: Rate,
    connection: Option<Connection>,
    /// Connection that is being opened. Like `asking`, it survives a cancelled call.
    connecting: Option<BoxFuture<'static, Result<Connection, ConnectorError>>>,
    /// Page that is being requested.
    asking: Option<BoxFuture<'static, Result<Option<Page>, NoPage>>>,
    /// Posts that were received but not yet yielded.
    received: VecDeque<Delivered>,
    /// Period that X no longer has.
    gap: Option<SourceGap>,
    /// Number of posts that were received but not yet counted.
    n_unpaid: u64,
    /// Error that broke the connection after those posts.
    broken: Option<ConnectorError>,
}

impl X {
    /// Creates a connector that continues after `position`. A missing token or budget is reported by the first batch.
    ///
    /// # Errors
    /// If the queries are invalid, or the address is not a URL that may be reached.
    pub fn new(
        access: Access,
        settings: &SourceSettings,
        position: Checkpoint,
    ) -> Result<Self, ConnectorError> {
        let Access { egress, credentials, meter } = access;
        let queries = queries(settings).map_err(ConnectorError::Refused)?;
        let base = settings::base(&egress, settings)?;
        let host = base.to_string();
        let is_of_this_host = position.host.as_deref() == Some(host.as_str());
        let id = position.cursor.filter(|_| is_of_this_host);
        let state = position.state.as_ref().filter(|_| is_of_this_host);
        let kept = state.and_then(|state| serde_json::from_value(state.clone()).ok());
        let floor = kept.unwrap_or(Floor { at: position.at, id });
        Ok(Self {
            api: credentials.token.as_deref().and_then(|token| Api::new(egress, base, token)),
            queries,
            spending: Spending::new(meter, settings.usd_per_month.unwrap_or_default()),
            times: Times::default(),
            position: Checkpoint { host: Some(host), cursor: id, ..position },
            floor,
            fill: None,
            recent: Recent::default(),
            rate: Rate::default(),
            connection: None,
            connecting: None,
            asking: None,
            received: VecDeque::new(),
            gap: None,
            n_unpaid: 0,
            broken: None,
        })
    }

    /// Replaces the delays and timeouts.
    pub fn with_times(self, times: Times) -> Self {
        let api = self.api.map(|api| api.with_timeout(times.timeout));
        Self { api, times, ..self }
    }

    /// Fetches the rules of the app, which costs nothing. Returns a description of the result.
    ///
    /// # Errors
    /// If posts cannot be read.
    pub async fn test(self) -> Result<String, ConnectorError> {
        let api = self.usable()?;
        rules::n_missing(&api, &self.queries).await?;
        let (budget, n_posts) = (self.spending.budget(), self.spending.n_posts_a_month());
        match self.spending.n_posts_left().await {
            Ok(0) => Err(self.spending.spent(Timestamp::now())),
            Ok(n_left) => Ok(format!(
                "approved; the budget of {budget} pays for {n_posts} posts a month, and for {n_left} more this month"
            )),
            Err(_) => Ok(format!("approved; the budget of {budget} pays for {n_posts} posts a month")),
        }
    }

    /// Returns the client, if there is a token and a budget.
    fn usable(&self) -> Result<Api, ConnectorError> {
        let missing = || {
            ConnectorError::NeedsKey(format!("X requires a bearer token; to get one, {HOW_TO_GET_A_TOKEN}"))
        };
        let api = self.api.clone().ok_or_else(missing)?;
        match self.spending.n_posts_a_month() {
            0 => Err(Spending::missing()),
            _ => Ok(api),
        }
    }

    async fn next(&mut self) -> Result<Batch, ConnectorError> {
        self.pay().await?;
        if self.received.is_empty() {
            if let Some(broken) = self.broken.take() {
                self.connection = None;
                return Err(broken);
            }
            if self.connection.is_none() {
                self.connect().await?;
            }
            self.receive().await;
            self.pay().await?;
        }
        let batch = self.batch(Timestamp::now());
        match self.broken.take_if(|_| batch.is_empty()) {
            Some(broken) => {
                self.connection = None;
                Err(broken)
            }
            None => Ok(batch),
        }
    }

    /// Counts the posts that were received, before they are yielded.
    async fn pay(&mut self) -> Result<(), ConnectorError> {
        if self.n_unpaid == 0 {
            return Ok(());
        }
        match self.spending.charge(self.n_unpaid).await {
            Ok(n_left) => {
                self.n_unpaid = 0;
                if n_left == 0 {
                    self.connection = None;
                    self.broken = Some(self.spending.spent(Timestamp::now()));
                }
                Ok(())
            }
            Err(error) => {
                // Stops spending while the cost cannot be counted.
                self.connection = None;
                Err(error)
            }
        }
    }

    /// Opens a connection. Posts that were missed before are searched for afterwards.
    async fn connect(&mut self) -> Result<(), ConnectorError> {
        let api = self.usable()?;
        let (queries, spending) = (&self.queries, &self.spending);
        let connecting = self
            .connecting
            .get_or_insert_with(|| connection::open(api, queries.clone(), spending.clone()).boxed());
        let outcome = connecting.await;
        self.connecting = None;
        self.connection = Some(outcome?);
        // A page of an earlier search must not be taken for one of this search.
        self.asking = None;
        let due_at = Instant::now() + self.times.settle;
        let searches = settings::combined(&self.queries);
        self.fill = Some(Fill::new(&self.floor, &searches, Timestamp::now(), due_at));
        Ok(())
    }

    /// Requests a page of missed posts, if it is due.
    fn ask(&mut self) {
        let due = self.fill.as_ref().filter(|fill| fill.due_at <= Instant::now());
        let (None, Some(fill), Some(api)) = (&self.asking, due, self.api.clone()) else {
            return;
        };
        let Some(mut request) = fill.request(*PAGE_POSTS.end()) else {
            return;
        };
        let spending = self.spending.clone();
        self.asking = Some(
            async move {
                let n_left = spending.n_posts_left().await.map_err(NoPage::Failed)?;
                if n_left < *PAGE_POSTS.start() {
                    return Ok(None);
                }
                request.n_posts_max = n_left.min(*PAGE_POSTS.end());
                search::page(&api, &request).await.map(Some)
            }
            .boxed(),
        );
    }

    /// Receives posts until there are enough for a batch, the time is up, or the connection breaks.
    async fn receive(&mut self) {
        self.ask();
        let mut until = Instant::now() + WAIT;
        while self.received.len() < BATCH_POSTS_MAX && self.broken.is_none() {
            let Some(connection) = &mut self.connection else {
                return;
            };
            let asking = async {
                match &mut self.asking {
                    Some(asking) => asking.await,
                    None => std::future::pending().await,
                }
            };
            let was_empty = self.received.is_empty();
            tokio::select! {
                part = connection.stream.next() => self.hear(part),
                page = asking => {
                    self.asking = None;
                    self.take_page(page);
                    return;
                }
                () = tokio::time::sleep_until(until) => break,
            }
            if was_empty && !self.received.is_empty() {
                until = Instant::now() + GATHER;
            }
        }
        if let (true, None, Some(connection)) = (self.received.is_empty(), &self.broken, &self.connection) {
            let (heard, post) = (connection.heard_at.elapsed(), connection.post_at.elapsed());
            let broken = self.times.silence.broken(&self.rate, heard, post);
            self.broken = broken.map(ConnectorError::Interrupted);
        }
    }

    /// Processes a chunk of the stream.
    fn hear(&mut self, part: Result<Option<Bytes>, EgressError>) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let part = match part {
            Ok(Some(part)) => part,
            Ok(None) => {
                let words = "X closed the connection".to_owned();
                self.broken = Some(ConnectorError::Interrupted(words));
                return;
            }
            Err(error) => {
                self.broken = Some(ConnectorError::Interrupted(format!("the connection broke: {error}")));
                return;
            }
        };
        let (now, at) = (Instant::now(), Timestamp::now());
        connection.heard_at = now;
        let mut events = Vec::new();
        for line in connection.lines.take(&part) {
            match line {
                Line::Empty => {}
                Line::Text(text) => events.push(event::read(&text, &connection.rules, at)),
                Line::TooLong => events.push(Event::Unreadable),
            }
        }
        for event in events {
            match event {
                Event::Post(delivered) => {
                    if let Some(connection) = &mut self.connection {
                        self.rate.observe(now.duration_since(connection.post_at));
                        connection.post_at = now;
                    }
                    self.take(delivered, at);
                }
                // Another user of the app made the rule, but the account pays.
                Event::OfOthers(_) => self.n_unpaid += 1,
                Event::Ends(problem) => self.broken = Some(self.end(&problem)),
                Event::Unreadable => {
                    self.n_unpaid += 1;
                    self.received.push_back(Delivered { version: None, content: Content::Unreadable });
                }
            }
        }
    }

    /// Returns the error for a connection that X closed.
    fn end(&self, problem: &Problem) -> ConnectorError {
        if !problem.is_too_many_connections() {
            return ConnectorError::Interrupted(format!("X ended the connection: {}", problem.words));
        }
        if let Some(api) = &self.api {
            api.note_refused_stream();
        }
        problem::too_many_connections(None)
    }

    /// Processes a page of missed posts.
    fn take_page(&mut self, page: Result<Option<Page>, NoPage>) {
        let Some(fill) = &mut self.fill else {
            return;
        };
        match page {
            Ok(Some(page)) => {
                self.gap = fill.note(&page);
                if let Some(gap) = &self.gap {
                    self.floor = Floor { at: gap.to, id: None };
                }
                let now = Timestamp::now();
                page.posts.into_iter().for_each(|delivered| self.take(delivered, now));
            }
            Ok(None) => fill.due_at = Instant::now() + NO_PAGE_WAIT,
            Err(NoPage::TooOld(start)) => fill.note_too_old(start, &self.floor),
            Err(NoPage::Failed(error)) if error.is_temporary() => fill.note_failure(&error, rand::random()),
            // The stream works nevertheless.
            Err(NoPage::Failed(error)) => fill.note_refusal(&error, NO_PAGE_WAIT),
        }
    }

    /// Queues a post, unless it was read before.
    fn take(&mut self, delivered: Delivered, now: Timestamp) {
        if self.count(&delivered, now) || delivered.content == Content::Unreadable {
            self.received.push_back(delivered);
        }
    }

    /// Counts a post that X charges for. Returns whether it is read for the first time.
    fn count(&mut self, delivered: &Delivered, now: Timestamp) -> bool {
        let Some(version) = delivered.version else {
            // X also charges for posts that cannot be parsed.
            self.n_unpaid += 1;
            return true;
        };
        let reading = self.recent.note(version, now);
        self.n_unpaid += u64::from(reading.is_charged);
        reading.is_new
    }

    /// Returns the received posts as a batch.
    fn batch(&mut self, now: Timestamp) -> Batch {
        let mut batch = Batch { gap: self.gap.take(), ..Batch::default() };
        let mut newest_at = None;
        let mut position = self.position.clone();
        while let Some(Delivered { version, content }) = self.received.pop_front() {
            if let Some(at) = content.at() {
                newest_at = newest_at.max(Some(at));
                position.cursor = position.cursor.max(version);
            }
            match content {
                Content::Post(post) => batch.posts.push(*post),
                Content::Repost(_) => {}
                Content::Unreadable => batch.n_unreadable += 1,
            }
        }
        position.at = position.at.max(newest_at.unwrap_or(position.at));
        batch.lag = newest_at.map(|at| Duration::try_from(now.duration_since(at)).unwrap_or_default());
        if let Some(fill) = self.fill.take_if(|fill| fill.is_done()) {
            position.at = position.at.max(fill.opened_at);
        }
        if self.fill.is_none() {
            if self.connection.is_some() && now.duration_since(position.at) > IDLE_MAX {
                position.at = now.checked_sub(IDLE_BEHIND).unwrap_or(position.at);
            }
            self.floor = Floor { at: position.at, id: position.cursor };
        }
        let is_whole = self.floor.at == position.at && self.floor.id == position.cursor;
        position.state = (!is_whole).then(|| serde_json::to_value(&self.floor).ok()).flatten();
        if position != self.position {
            batch.checkpoint = Some(position.clone());
            self.position = position;
        }
        batch
    }
}

impl Connector for X {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Batch, ConnectorError>> {
        self.next().boxed()
    }

    fn notice(&self) -> Option<String> {
        let why = self.fill.as_ref()?.refusal()?;
        Some(format!("posts from before the connection cannot be searched: {why}"))
    }
}
