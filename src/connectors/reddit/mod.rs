//! Reddit, through its Data API: <https://www.reddit.com/dev/api>.
//!
//! New posts and comments of subreddits are read from two listings, from the newest thing to what is known. A listing has
//! about 1,000 things; what was pushed out of it is declared as a gap. Deletions are never announced, so what was offered
//! is looked at again and again, less and less often.
//!
//! Reddit grants each app 100 requests a minute, counted over ten minutes. One request is made at a time.

mod client; // requests and their answers
mod limits; // what is left of Reddit's limit
mod listing; // passes through a listing
mod memory; // what was listed
mod name; // names of posts and comments
mod refusal; // what errors mean
mod request; // what to request
mod schedule; // when to ask
mod state; // what a position contains
mod sweep; // looking again at what was offered
mod thing; // JSON to posts
mod token; // proof that the app is approved

use std::collections::HashSet;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

pub use self::schedule::Pace;

use self::client::{Client, Hosts, RequestError};
use self::listing::{Moment, Taken};
use self::name::{Kind, Name};
use self::request::{ListingRequest, Request};
use self::state::State;
use self::thing::Page;
use super::access::Access;
use super::{Batch, Connector, ConnectorError};
use crate::egress;
use crate::models::source::{Checkpoint, SourceSettings};

/// Host that issues tokens.
const TOKEN_BASE: &str = "https://www.reddit.com";

/// Host that answers requests with a token.
const API_BASE: &str = "https://oauth.reddit.com";

/// Maximum number of subreddits of a source. They share one listing of posts and one of comments, and a test asks for each.
pub const SUBREDDITS_MAX: usize = 25;

/// Lengths that names of subreddits may have. Those of two letters are for languages.
const NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=21;

/// How often and how long Reddit is asked. Two listings take a tenth of the requests that it grants, and looks a fifth.
const PACE: Pace = Pace {
    interval: Duration::from_secs(10),
    first_look: Duration::from_secs(60),
    last_look: Duration::from_secs(24 * 3_600),
    timeout: egress::TIMEOUT,
    n_requests_max: 1_000,
    n_looks_max: 200,
};

/// How long a call waits for something to happen.
const WAIT: Duration = Duration::from_secs(1);

/// Connector that hears subreddits.
pub struct Reddit {
    client: Client,
    state: State,
    /// Position after the last batch, without `state`.
    position: Checkpoint,
    /// Time before which nothing is looked at again, because that is used up or has failed.
    no_looks_before: Timestamp,
    /// Whether the last request looked at something again, so that a listing is next if both are due.
    has_looked: bool,
    /// Request under way. It survives a call that was cancelled.
    attempt: Option<(Task, BoxFuture<'static, Result<Page, RequestError>>)>,
    /// Whether the last request was answered as it should.
    answers: bool,
}

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Task {
    /// A page of the listing of this kind.
    Pass(Kind),
    /// What these look like now.
    Look(Vec<Name>),
}

impl Reddit {
    /// Creates a connector that continues after `position`.
    ///
    /// # Errors
    /// If the address in the settings may not be reached, or the subreddits cannot be heard.
    pub fn new(
        access: Access,
        settings: &SourceSettings,
        position: Checkpoint,
    ) -> Result<Self, ConnectorError> {
        let check = |default: &str| {
            let base = settings.base_url.as_deref().unwrap_or(default);
            access.egress.check(base).map_err(|error| ConnectorError::Refused(error.to_string()))
        };
        let hosts = Hosts { tokens: check(TOKEN_BASE)?, api: check(API_BASE)? };
        let subreddits = subreddits(settings).map_err(ConnectorError::Refused)?.join("+");
        let host = hosts.api.to_string();
        Ok(Self {
            client: Client::new(access, hosts, PACE),
            state: State::at(&position, &host, subreddits),
            position: Checkpoint { host: Some(host), state: None, ..position },
            no_looks_before: Timestamp::MIN,
            has_looked: false,
            attempt: None,
            answers: false,
        })
    }

    /// Replaces how often and how long the host is asked.
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.client.pace = pace;
        self
    }

    /// Asks for the newest post of each subreddit. Returns what was found, in words.
    ///
    /// # Errors
    /// If one of them cannot be heard.
    pub async fn test(self) -> Result<String, ConnectorError> {
        let names: Vec<&str> = self.state.subreddits.split('+').collect();
        for name in &names {
            let subreddits = (*name).to_owned();
            let request = ListingRequest { kind: Kind::Post, subreddits, after: None, limit: 1 };
            self.client.ask(Request::Listing(request)).await?;
        }
        let seconds = self.client.interval(Timestamp::now()).as_secs();
        Ok(format!(
            "the app is approved; new posts and comments of r/{} are read every {seconds} seconds",
            names.join(", r/")
        ))
    }

    async fn next(&mut self) -> Result<Batch, ConnectorError> {
        loop {
            if self.attempt.is_none() {
                let now = Timestamp::now();
                let (due_at, task) = self.task(now);
                if due_at > now {
                    let left = due_at.duration_since(now);
                    tokio::time::sleep(Duration::try_from(left).unwrap_or_default().min(WAIT)).await;
                    return Ok(Batch::default());
                }
                let request = match &task {
                    Task::Pass(kind) => {
                        let subreddits = self.state.subreddits.clone();
                        Request::Listing(self.state.listing_mut(*kind).begin(&subreddits, now))
                    }
                    Task::Look(names) => Request::Info(names.clone()),
                };
                self.has_looked = matches!(task, Task::Look(_));
                self.attempt = Some((task, self.client.ask(request)));
            }
            let Some((_, attempt)) = &mut self.attempt else {
                return Ok(Batch::default());
            };
            let outcome = match self.answers {
                true => match tokio::time::timeout(WAIT, attempt).await {
                    Ok(outcome) => outcome,
                    Err(_) => return Ok(Batch::default()),
                },
                // An empty batch would look like a success.
                false => attempt.await,
            };
            let Some((task, _)) = self.attempt.take() else {
                return Ok(Batch::default());
            };
            let moment = Moment {
                now: Timestamp::now(),
                pace: Pace { interval: self.client.interval(Timestamp::now()), ..self.client.pace },
            };
            if let (Task::Look(_), Err(RequestError::UsedUp(until))) = (&task, &outcome) {
                self.no_looks_before = *until;
                // There may be something else to do.
                continue;
            }
            self.answers = outcome.is_ok();
            return match outcome {
                Ok(page) => Ok(self.take(&task, page, moment)),
                Err(error) => Err(self.take_failure(&task, error, moment)),
            };
        }
    }

    /// Returns what to do next, and when. A pass is finished before there is anything else.
    fn task(&self, now: Timestamp) -> (Timestamp, Task) {
        let State { posts, comments, .. } = &self.state;
        if let Some(listing) = [posts, comments].into_iter().find(|listing| listing.is_passing()) {
            return (now, Task::Pass(listing.kind));
        }
        let next = if posts.due_at <= comments.due_at { posts } else { comments };
        let look_at = sweep::due_at(&self.state).map(|at| at.max(self.no_looks_before));
        let goes_first = |at: &Timestamp| match *at <= now && next.due_at <= now {
            true => !self.has_looked,
            false => *at < next.due_at,
        };
        match look_at.filter(goes_first) {
            Some(at) => (at, Task::Look(sweep::due(&self.state, now))),
            None => (next.due_at, Task::Pass(next.kind)),
        }
    }

    /// Remembers what an answer says, and returns what is new in it.
    fn take(&mut self, task: &Task, page: Page, moment: Moment) -> Batch {
        let Taken { mut batch, is_changed } = match task {
            Task::Pass(kind) => self.state.listing_mut(*kind).take(page, moment),
            Task::Look(names) => sweep::take(&mut self.state, names, (page, moment)),
        };
        if is_changed {
            self.position.at = self.position.at.max(self.state.heard_until());
            batch.checkpoint = Some(Checkpoint { state: self.state.stored(), ..self.position.clone() });
        }
        batch
    }

    /// Decides how to go on after a failure.
    fn take_failure(&mut self, task: &Task, error: RequestError, moment: Moment) -> ConnectorError {
        let error = ConnectorError::from(error);
        match task {
            // The same page is asked for again, unless it is what is refused.
            Task::Pass(kind) if !error.is_temporary() => self.state.listing_mut(*kind).give_up(moment),
            Task::Pass(_) => {}
            // What is new goes first.
            Task::Look(_) => self.no_looks_before = schedule::after(moment.now, moment.pace.first_look),
        }
        error
    }
}

/// Returns the subreddits in settings, or why they cannot be heard.
///
/// # Errors
/// If there are none or too many, or one is no name of a subreddit, or is there twice.
pub fn subreddits(settings: &SourceSettings) -> Result<Vec<String>, String> {
    let names = settings.subreddits.clone().unwrap_or_default();
    if !(1..=SUBREDDITS_MAX).contains(&names.len()) {
        return Err(format!("there must be 1 to {SUBREDDITS_MAX} subreddits"));
    }
    // <https://github.com/reddit-archive/reddit>: `subreddit_rx` and `language_subreddit_rx`.
    let is_name = |name: &&String| {
        NAME_CHARS.contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.starts_with('_')
            && (name.len() > 2 || name.bytes().all(|byte| byte.is_ascii_lowercase()))
    };
    if let Some(wrong) = names.iter().find(|name| !is_name(name)) {
        return Err(format!(
            "`{wrong}` is no subreddit: write 3 to 21 letters, digits and underscores, without `r/`"
        ));
    }
    let n_distinct = names.iter().map(|name| name.to_ascii_lowercase()).collect::<HashSet<_>>().len();
    if n_distinct != names.len() {
        return Err("each subreddit must be there once".to_owned());
    }
    Ok(names)
}

impl Connector for Reddit {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Batch, ConnectorError>> {
        self.next().boxed()
    }
}

#[cfg(test)]
mod tests;
