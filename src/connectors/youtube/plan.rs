//! Decides what to do next: search, check videos, or read comments.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::request::{Quota, Request, VIDEOS_MAX};
use super::{CommentPaging, Pass, YouTube, schedule};
use crate::connectors::ConnectorError;

/// How long before the newest known video a search starts, because searches find some videos only after hours.
const OVERLAP: SignedDuration = SignedDuration::from_hours(6);

/// How much earlier than due a video may be checked, together with others that are due.
const LOOK_SLACK: Duration = Duration::from_secs(600);

/// Next step.
pub(super) enum Plan {
    Ask(Request),
    /// There is nothing to do before this time.
    Wait(Timestamp),
    /// The next request needs a quota that is used up until `until`. `next` is the time of the next possible request,
    /// which may be earlier.
    UsedUp {
        quota: Quota,
        until: Timestamp,
        next: Timestamp,
    },
}

impl YouTube {
    /// Returns the next step. A search is completed before its videos are read, so that a gap is declared before the
    /// posts that follow it; and those are read before another search starts.
    pub(super) fn plan(&self, now: Timestamp) -> Plan {
        let mut next = Timestamp::MAX;
        let mut refused = None;
        let mut order = [self.looks(now), self.search(now), self.comments(now)];
        if self.pass.is_some() {
            order.swap(0, 1);
        }
        for (at, request) in order.into_iter().flatten() {
            if at > now {
                next = next.min(at);
                continue;
            }
            let quota = request.quota();
            let Some((_, until)) = self.used_up.iter().find(|(used, until)| *used == quota && *until > now)
            else {
                return Plan::Ask(request);
            };
            next = next.min(*until);
            refused = refused.or(Some((quota, *until)));
        }
        match refused {
            Some((quota, until)) => Plan::UsedUp { quota, until, next },
            None => Plan::Wait(next),
        }
    }

    /// Returns the next videos to check, and the time at which the first is due.
    fn looks(&self, now: Timestamp) -> Option<(Timestamp, Request)> {
        let videos = self.state.videos.by_look();
        let soon = schedule::after(now, LOOK_SLACK);
        let due = videos.iter().take(VIDEOS_MAX).take_while(|video| video.look_at <= soon);
        let request = Request::Videos(due.map(|video| video.id.clone()).collect());
        videos.first().map(|video| (video.look_at, request))
    }

    /// Returns the next search, and the time at which it is due.
    fn search(&self, now: Timestamp) -> Option<(Timestamp, Request)> {
        let next = self.state.searches.iter().enumerate().min_by_key(|(_, search)| search.due_at);
        let (search, due_at, page) = match &self.pass {
            Some(pass) => (self.state.searches.get(pass.search)?, now, pass.page.clone()),
            None => next.map(|(_, search)| (search, search.due_at.unwrap_or(now), None))?,
        };
        let after = search.after.saturating_sub(OVERLAP).unwrap_or(search.after);
        Some((due_at, Request::Search { query: search.query.clone(), after, page }))
    }

    /// Returns the next page of comments to read, and the time at which it is due.
    fn comments(&self, now: Timestamp) -> Option<(Timestamp, Request)> {
        if let Some(CommentPaging { video, page, .. }) = &self.paging {
            return Some((now, Request::Comments { video: video.clone(), page: page.clone() }));
        }
        let (due_at, video) = self.state.videos.next_comments()?;
        Some((due_at, Request::Comments { video: video.id.clone(), page: None }))
    }

    /// Starts a request.
    pub(super) fn begin(&mut self, request: Request, now: Timestamp) {
        let known = match &request {
            Request::Search { query, page, .. } => {
                let search = self.state.searches.iter().position(|search| search.query == *query);
                self.pass.get_or_insert_with(|| Pass {
                    search: search.unwrap_or_default(),
                    began_at: now,
                    page: None,
                    n_pages: 0,
                    newest: None,
                    oldest: None,
                });
                let known = search.and_then(|search| self.state.searches.get(search)?.version.clone());
                known.filter(|_| page.is_none())
            }
            Request::Videos(_) => None,
            Request::Comments { video, page } => {
                self.paging.get_or_insert_with(|| CommentPaging {
                    video: video.clone(),
                    page: None,
                    n_pages: 0,
                    newest: None,
                    oldest: None,
                });
                let known = self.state.videos.get(video).and_then(|video| video.version.clone());
                known.filter(|_| page.is_none())
            }
        };
        let attempt = self.client.ask(request.clone(), known);
        self.attempt = Some((request, attempt));
    }
}

/// Returns the error for a quota that is used up. `next` is the time of the next possible request, which may be
/// earlier.
pub(super) fn used_up(quota: Quota, until: Timestamp, next: Timestamp) -> ConnectorError {
    let what = match quota {
        Quota::Search => "the searches that Google grants a day",
        Quota::Video => "the units that Google grants a day",
        Quota::Comments => "the units that Google grants a day, except those for videos,",
    };
    let left = Duration::try_from(next.duration_since(Timestamp::now())).unwrap_or_default();
    ConnectorError::RateLimited {
        message: format!("{what} are used up; the next attempt is at {}", until.strftime("%H:%M UTC")),
        retry_after: Some(left),
    }
}
