//! Processes responses: yields posts, erasures and gaps, and updates the position.

use std::collections::HashSet;

use jiff::Timestamp;

use super::client::{Reply, until_day_end};
use super::refusal::Refusal;
use super::request::Request;
use super::resources::{self, Found, Item, Page, Thread, Unreadable};
use super::schedule::{self, Budget};
use super::{CommentPaging, Pass, YouTube, client};
use crate::connectors::{Batch, ConnectorError, Erasure};
use crate::egress::fetch::Version;
use crate::models::source::SourceGap;

/// Maximum number of pages per search. The API returns about 500 videos, which are ten pages, without saying that there
/// are more.
const SEARCH_PAGES_MAX: u64 = 8;

/// Maximum number of pages of comments to read at once.
const COMMENT_PAGES_MAX: u64 = 20;

/// Batch that is built from a response.
struct Taking {
    /// Time at which the response arrived.
    now: Timestamp,
    batch: Batch,
}

impl YouTube {
    /// Records a response, and returns the new items in it.
    pub(super) fn take(&mut self, request: Request, reply: Reply, now: Timestamp) -> Batch {
        let mut taking = Taking { now, batch: Batch::default() };
        match (request, reply.answer) {
            (Request::Search { .. }, client::Answer::Found(page, version)) => {
                self.take_found(page, version, &mut taking);
            }
            (Request::Search { .. }, _) => self.end_pass(None),
            (Request::Videos(asked), client::Answer::Videos(page)) => {
                self.take_videos(&asked, page, &mut taking)
            }
            (Request::Comments { .. }, client::Answer::Threads(page, version)) => {
                self.take_threads(page, version, &mut taking);
            }
            (Request::Comments { .. }, _) => self.end_paging(now),
            // An unknown version cannot be unchanged.
            (Request::Videos(_), _) => {}
        }
        if let Some(n_left) = reply.n_searches_left {
            self.spread_searches(n_left, now);
        }
        self.state.videos.forget_old(now);
        self.finish(taking)
    }

    /// Records that a request for one video or page failed. Returns the error if it concerns all requests.
    pub(super) fn take_refusal(
        &mut self,
        request: &Request,
        refusal: Refusal,
        now: Timestamp,
    ) -> Result<Batch, ConnectorError> {
        let taking = Taking { now, batch: Batch::default() };
        let words = |what: &str| Err(ConnectorError::Interrupted(what.to_owned()));
        let Request::Comments { video, .. } = request else {
            if let (Request::Search { .. }, Refusal::UnknownPage) = (request, &refusal) {
                // Starts again from the first page.
                self.pass = None;
            }
            return match refusal {
                Refusal::Other(error) => Err(error),
                _ => words("the host rejects a page token that it issued"),
            };
        };
        self.paging = None;
        let Some(known) = self.state.videos.get_mut(video) else {
            return Ok(taking.batch);
        };
        match refusal {
            Refusal::CommentsDisabled => known.comments_at = None,
            Refusal::VideoGone => {
                // A single response is not conclusive, so the video is checked again at once.
                (known.is_missing, known.look_at) = (true, now);
                known.comments_at = self.client.pace.next_comments(known.published_at, now);
            }
            Refusal::VideoRefused | Refusal::UnknownPage | Refusal::UsedUp => {
                known.comments_at = self.client.pace.next_comments(known.published_at, now);
            }
            Refusal::Other(error) => {
                // The other videos' comments come first, in case the error concerns this one.
                known.comments_at = Some(schedule::after(now, self.client.pace.first_look));
                return Err(error);
            }
        }
        Ok(self.finish(taking))
    }

    /// Adds the position and the lag to the batch.
    fn finish(&mut self, Taking { now, mut batch }: Taking) -> Batch {
        batch.posts.sort_by_key(|post| post.created_at.unwrap_or(Timestamp::MAX));
        let newest = batch.posts.last().map(|post| post.created_at.unwrap_or(now));
        batch.lag = newest.map(|at| now.duration_since(at).try_into().unwrap_or_default());
        self.position.at = self.position.at.max(self.state.searched_until().unwrap_or(self.position.at));
        self.position.host = Some(self.client.base.to_string());
        batch.checkpoint = Some(self.checkpoint());
        batch
    }

    fn take_found(&mut self, page: Page<Found>, version: Version, taking: &mut Taking) {
        let Taking { now, batch } = taking;
        let now = *now;
        let Some(pass) = &mut self.pass else {
            return;
        };
        pass.n_pages += 1;
        for item in page.items {
            let found = match item {
                Ok(found) => found,
                Err(unreadable) => {
                    batch.n_unreadable += u64::from(self.state.seen.is_news(unreadable.key, 0));
                    continue;
                }
            };
            if let Some(at) = found.published_at {
                pass.newest = pass.newest.max(Some(at.min(now)));
                pass.oldest = Some(pass.oldest.map_or(at, |oldest| oldest.min(at)));
            }
            // Videos that have been evicted were read before.
            if !self.state.seen.contains(resources::video_key(&found.id)) {
                self.state.videos.add(&found, now);
            }
        }
        match page.next {
            Some(next) if pass.n_pages < SEARCH_PAGES_MAX => pass.page = Some(next),
            next => {
                batch.gap = next.and_then(|_| self.unsearched());
                let is_one_page = self.pass.as_ref().is_some_and(|pass| pass.n_pages == 1);
                self.end_pass(is_one_page.then_some(version));
            }
        }
    }

    /// Returns the period that a search did not cover, because it found too many videos.
    fn unsearched(&self) -> Option<SourceGap> {
        let pass = self.pass.as_ref()?;
        let search = self.state.searches.get(pass.search)?;
        let to = pass.oldest?;
        let reason = "more videos were found than YouTube returns; use narrower queries".to_owned();
        (search.after < to).then_some(SourceGap { from: search.after, to, reason })
    }

    /// Records the end of a search. A version that has not changed is kept.
    fn end_pass(&mut self, version: Option<Version>) {
        let Some(Pass { search, began_at, n_pages, newest, .. }) = self.pass.take() else {
            return;
        };
        let Some(search) = self.state.searches.get_mut(search) else {
            return;
        };
        search.after = search.after.max(newest.unwrap_or(search.after));
        search.searched_at = Some(began_at);
        search.due_at = Some(schedule::after(began_at, self.client.pace.interval));
        if n_pages > 0 {
            (search.n_pages, search.version) = (n_pages, version);
        }
    }

    /// Spreads the searches over the rest of the day, so that the quota suffices.
    fn spread_searches(&mut self, n_left: u64, now: Timestamp) {
        let pace = self.client.pace;
        let n_each = self.state.searches.iter().map(|search| search.n_pages.max(1)).sum();
        let budget = Budget { n_left, n_each, until_reset: until_day_end(now) };
        let interval = budget.spread(pace.interval);
        for search in &mut self.state.searches {
            search.due_at = search.searched_at.map(|at| schedule::after(at, interval));
        }
    }

    fn take_videos(&mut self, asked: &[String], page: Page<Item>, taking: &mut Taking) {
        let Taking { now, batch } = taking;
        let (now, pace) = (*now, self.client.pace);
        let present: Option<HashSet<String>> =
            resources::ids(&page).map(|ids| ids.into_iter().map(str::to_owned).collect());
        let unreadable: HashSet<_> =
            page.items.iter().filter_map(|item| item.as_ref().err()?.id.clone()).collect();
        let mut times: Vec<(String, Option<Timestamp>)> =
            unreadable.into_iter().map(|id| (id, None)).collect();
        times.extend(page.items.iter().flatten().map(|item| (item.id.clone(), item.published_at)));
        for (id, published_at) in times {
            let Some(video) = self.state.videos.get_mut(&id) else {
                continue;
            };
            video.published_at = published_at.unwrap_or(video.published_at);
            if !video.is_read {
                video.comments_at = Some(now);
            }
            (video.is_read, video.is_missing) = (true, false);
            video.look_at = pace.next_look(video.published_at, now);
        }
        self.offer(page.items, batch);
        for id in asked {
            if present.as_ref().is_some_and(|ids| ids.contains(id)) {
                continue;
            }
            let Some(video) = self.state.videos.get_mut(id) else {
                continue;
            };
            // Google's servers do not all learn about a video at the same time, so a single response is not conclusive.
            if video.is_missing && present.is_some() {
                self.state.videos.remove(id);
                batch.erasures.push(Erasure::Post(format!("video:{id}")));
                continue;
            }
            video.is_missing |= present.is_some();
            video.look_at = schedule::after(now, pace.first_look);
        }
    }

    fn take_threads(&mut self, page: Page<Thread>, version: Version, taking: &mut Taking) {
        let Taking { now, batch } = taking;
        let now = *now;
        let Some(paging) = &mut self.paging else {
            return;
        };
        paging.n_pages += 1;
        let times = || page.items.iter().flatten().filter_map(|thread| thread.published_at);
        paging.newest = paging.newest.max(times().max());
        // A comment that is pinned to the top does not mean that only older ones follow.
        let last = times().next_back();
        paging.oldest = last.or(paging.oldest);
        let before =
            self.state.videos.get(&paging.video).map(|video| (video.published_at, video.last_comment_at));
        let (published_at, last_comment_at) = before.unwrap_or((now, None));
        let is_reached = last.zip(last_comment_at).is_some_and(|(last, known)| last < known);
        let is_full = paging.n_pages >= COMMENT_PAGES_MAX;
        let (oldest, video, n_pages) = (paging.oldest, paging.video.clone(), paging.n_pages);
        paging.page = page.next.clone();
        let mut items = Vec::new();
        for thread in page.items {
            match thread {
                Ok(thread) => items.extend(thread.comments),
                Err(unreadable) => items.push(Err(unreadable)),
            }
        }
        self.offer(items, batch);
        if page.next.is_some() && !is_reached && !is_full {
            return;
        }
        if let (Some(_), false, Some(to)) = (page.next, is_reached, oldest) {
            let reason = "more comments were written on a video than are read at once".to_owned();
            let from = last_comment_at.unwrap_or(published_at).min(to);
            batch.gap = Some(SourceGap { from, to, reason });
        }
        self.end_paging(now);
        if let Some(video) = self.state.videos.get_mut(&video) {
            video.version = (n_pages == 1).then_some(version);
        }
    }

    /// Records how far the comments of a video were read. A version that has not changed is kept.
    fn end_paging(&mut self, now: Timestamp) {
        let Some(CommentPaging { video, newest, .. }) = self.paging.take() else {
            return;
        };
        if let Some(video) = self.state.videos.get_mut(&video) {
            video.last_comment_at = video.last_comment_at.max(newest);
            video.comments_at = self.client.pace.next_comments(video.published_at, now);
        }
    }

    /// Yields new and edited items.
    fn offer(&mut self, items: Vec<Result<Item, Unreadable>>, batch: &mut Batch) {
        for item in items {
            match item {
                Ok(item) if self.state.seen.is_news(item.key, item.content) => batch.posts.push(item.post),
                Ok(_) => {}
                Err(unreadable) => {
                    batch.n_unreadable += u64::from(self.state.seen.is_news(unreadable.key, 0));
                }
            }
        }
    }
}
