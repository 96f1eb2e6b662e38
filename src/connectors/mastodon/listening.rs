//! Makes one step of a run: reads a page of a timeline, or messages from the stream.

use std::future::pending;
use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;

use super::fill::{FillParams, Filled, move_mark};
use super::status::Entry;
use super::*;
use crate::connectors::Erasure;
use crate::models::new_post::NewPost;

/// Maximum number of messages in a batch.
const BATCH_EVENTS_MAX: usize = 2_000;

/// Total size of messages in bytes at which a batch is complete.
const BATCH_BYTES_MAX: usize = 8 << 20;

/// How long to collect messages after the first one, so that each batch costs one round trip to Redis.
const GATHER: Duration = Duration::from_millis(20);

/// How long a call waits for messages or a response before it returns an empty batch.
const WAIT: Duration = Duration::from_secs(1);

/// Number of statuses that a stream must miss, while it delivers none, to count as unavailable.
const MISSED_MIN: u64 = 3;

/// How far before the time of a position to read again on another instance, where posts arrive at other times.
const OVERLAP: SignedDuration = SignedDuration::from_secs(30);

impl Mastodon {
    pub(super) async fn next(&mut self) -> Result<Batch, ConnectorError> {
        let outcome = self.advance().await;
        if let Err(error) = &outcome {
            if self.connection.is_some() {
                self.n_stream_failures += 1;
                if self.n_stream_failures >= STREAM_FAILURES_MAX {
                    self.do_without_stream(error.to_string());
                }
            }
            self.start_over();
        }
        outcome
    }

    /// Starts over with the instance and the pages after the position.
    fn start_over(&mut self) {
        (self.instance, self.connection, self.request, self.fill) = (None, None, None, None);
        // Posts written in the meantime are fetched. Deletions are never announced again.
        self.received.retain(|event| matches!(event, Event::Deleted(_)));
        (self.n_bytes_received, self.broken, self.answers) = (0, None, false);
        self.stage = Stage::Before;
        self.visit();
    }

    /// Schedules all timelines to be filled.
    fn visit(&mut self) {
        self.unfilled = (0..self.timelines.len()).collect();
        (self.fill, self.n_missed) = (None, 0);
    }

    async fn advance(&mut self) -> Result<Batch, ConnectorError> {
        if let Some(broken) = self.broken.take_if(|_| self.received.is_empty()) {
            return Err(broken);
        }
        if self.instance.is_none() {
            self.load_instance().await?;
        }
        loop {
            if self.unfilled.is_empty() {
                self.go_on().await?;
            }
            self.ask()?;
            let Some(answer) = self.listen().await else {
                let batch = self.batch();
                return match self.broken.take_if(|_| batch.is_empty()) {
                    Some(broken) => Err(broken),
                    None => Ok(batch),
                };
            };
            let batch = self.fill_in(&answer?)?;
            if !batch.is_empty() {
                return Ok(batch);
            }
        }
    }

    /// Proceeds to the next stage once all timelines are filled.
    async fn go_on(&mut self) -> Result<(), ConnectorError> {
        let now = Instant::now();
        match self.stage {
            Stage::Before if self.without_stream.is_none() => {
                self.open().await?;
                match self.connection {
                    Some(_) => {
                        self.stage = Stage::Opened;
                        self.visit();
                    }
                    None => (self.stage, self.due_at) = (Stage::Live, now + self.interval()),
                }
            }
            Stage::Before => (self.stage, self.due_at) = (Stage::Live, now + self.interval()),
            Stage::Opened => {
                (self.stage, self.due_at) = (Stage::Live, now + self.pace.settle);
                self.n_streamed = 0;
            }
            Stage::Live if now >= self.due_at => {
                let again = |since: &Instant| since.elapsed() >= self.pace.without_stream;
                if self.without_stream.as_ref().is_some_and(|(_, since)| again(since)) {
                    self.without_stream = None;
                    self.instance = None;
                    // Before anything that may be cancelled, so that the next call opens the stream.
                    self.stage = Stage::Before;
                    self.load_instance().await?;
                } else {
                    let interval = match self.connection {
                        Some(_) => {
                            self.n_stream_failures = 0;
                            self.pace.check_every
                        }
                        None => self.interval(),
                    };
                    self.due_at = now + interval;
                }
                self.visit();
            }
            Stage::Live => {}
        }
        Ok(())
    }

    /// Requests the next page, if one is due and the instance allows it.
    pub(super) fn ask(&mut self) -> Result<(), ConnectorError> {
        let Some(&number) = self.unfilled.front().filter(|_| self.request.is_none()) else {
            return Ok(());
        };
        if let Err(paused) = self.check_pause() {
            // While the stream is open, the visit can wait.
            let can_wait = self.stage == Stage::Live && self.connection.is_some();
            return if can_wait { Ok(()) } else { Err(paused) };
        }
        let (Some(timeline), Some(mark)) = (self.timelines.get(number), self.marks.get(number)) else {
            return Ok(());
        };
        let overlap = if self.position.host.is_some() { OVERLAP } else { SignedDuration::ZERO };
        let fill = self.fill.get_or_insert_with(|| {
            Fill::new(FillParams {
                last: mark.clone(),
                since: self.position.at.saturating_sub(overlap).unwrap_or(self.position.at),
                pages_max: self.pace.pages_max,
                // Only a new connection can find that the instance has lost posts.
                has_history: timeline.tag.is_none() && self.stage == Stage::Before,
                now: Timestamp::now(),
            })
        });
        self.request = Some(self.client.get(timeline.page_url(&self.client.base, &fill.request())?));
        Ok(())
    }

    /// Receives messages until a batch is complete, the time is up, or the response to a request arrives. Returns that
    /// response.
    async fn listen(&mut self) -> Option<Result<Answer, ConnectorError>> {
        let wait = if self.received.is_empty() { WAIT } else { GATHER };
        let mut until = Instant::now() + wait;
        if self.stage == Stage::Live && self.unfilled.is_empty() {
            until = until.min(self.due_at);
        }
        loop {
            let has_room = self.received.len() < BATCH_EVENTS_MAX && self.n_bytes_received < BATCH_BYTES_MAX;
            let is_enough = !has_room && self.stage == Stage::Live;
            if is_enough || self.broken.is_some() {
                return None;
            }
            // An empty batch would look like a success.
            let may_end = self.answers || self.request.is_none();
            let is_heard = has_room && self.connection.is_some();
            tokio::select! {
                biased;
                answer = answer_of(&mut self.request), if self.request.is_some() => {
                    self.request = None;
                    self.answers = answer.is_ok();
                    return Some(answer);
                }
                message = next_of(&mut self.connection), if is_heard => {
                    if self.received.is_empty() && self.stage == Stage::Live {
                        until = until.min(Instant::now() + GATHER);
                    }
                    self.receive(message);
                }
                () = tokio::time::sleep_until(until), if may_end => break,
            }
        }
        if self.received.is_empty() {
            let silence = self.connection.as_ref().and_then(|it| it.silence(self.pace.silence));
            self.broken = self.broken.take().or(silence);
        }
        None
    }

    fn receive(&mut self, message: Result<Message, ConnectorError>) {
        match message {
            Ok(message) => {
                if let Some(event) = streaming::read(&message, self.reading(), &self.timelines) {
                    self.n_bytes_received += message.len();
                    self.received.push_back(event);
                }
            }
            Err(error) => self.broken = Some(error),
        }
    }

    /// Processes a page of the timeline that is being filled.
    pub(super) fn fill_in(&mut self, answer: &Answer) -> Result<Batch, ConnectorError> {
        self.note_pause(answer);
        let (Some(number), Some(fill)) = (self.unfilled.front().copied(), self.fill.take()) else {
            return Ok(Batch::default());
        };
        let Some(timeline) = self.timelines.get(number) else {
            return Ok(Batch::default());
        };
        let page = self.page(timeline, answer)?;
        let mut fill = fill;
        let Filled { entries, gap, last, is_done } = fill.take(page);
        let mut batch = Batch { gap, ..Batch::default() };
        let mut newest = None;
        for entry in &entries {
            if self.take(entry, &mut batch, &mut newest) {
                self.n_missed += 1;
            }
        }
        let is_moved = last.is_some_and(|last| self.move_to(number, last));
        // While another timeline is not yet filled, the time of the position applies to that one.
        if self.timelines.len() == 1 || (is_done && self.unfilled.len() == 1) {
            let newest = self.marks.iter().flatten().map(|mark| mark.at).max();
            self.position.at = self.position.at.max(newest.unwrap_or(self.position.at));
        }
        if is_moved {
            self.finish(&mut batch, newest);
        }
        match is_done {
            true => {
                self.unfilled.pop_front();
                self.judge_stream();
            }
            false => self.fill = Some(fill),
        }
        Ok(batch)
    }

    /// Moves the mark of a timeline forward. Returns whether it has moved.
    fn move_to(&mut self, number: usize, to: Mark) -> bool {
        let Some(mark) = self.marks.get_mut(number) else {
            return false;
        };
        let is_newer = mark.as_ref().is_none_or(|mark| status::by_age(&to.id, &mark.id).is_gt());
        if is_newer {
            *mark = Some(to);
        }
        is_newer
    }

    /// Gives up on a stream that is open but delivers nothing while pages contain new statuses.
    fn judge_stream(&mut self) {
        if self.stage != Stage::Live || !self.unfilled.is_empty() {
            return;
        }
        if self.connection.is_some() && self.n_streamed == 0 && self.n_missed >= MISSED_MIN {
            self.do_without_stream("it omits posts".to_owned());
            self.due_at = Instant::now() + self.interval();
        }
        self.n_streamed = 0;
    }

    /// Returns the messages from the stream as a batch, once all earlier posts have been fetched.
    pub(super) fn batch(&mut self) -> Batch {
        let mut batch = Batch::default();
        if self.stage != Stage::Live {
            return batch;
        }
        let mut newest = None;
        let mut is_moved = false;
        self.n_bytes_received = 0;
        for event in std::mem::take(&mut self.received) {
            match event {
                Event::Status { entry, timeline } => {
                    self.n_stream_failures = 0;
                    self.take(&entry, &mut batch, &mut newest);
                    if let Some(mark) = timeline.and_then(|number| self.marks.get_mut(number)) {
                        self.n_streamed += 1;
                        let before = mark.clone();
                        move_mark(mark, &entry);
                        is_moved |= *mark != before;
                    }
                }
                Event::Deleted(id) => batch.erasures.extend(self.recent.note_deleted(&id).map(Erasure::Post)),
                Event::Unreadable => batch.n_unreadable += 1,
                Event::Refused(why) => {
                    self.do_without_stream(why);
                    self.due_at = Instant::now();
                }
                Event::Failed(why) => self.broken = Some(ConnectorError::Interrupted(why)),
                Event::Other => {}
            }
        }
        if is_moved {
            // During visits, the time may still apply to a timeline that is not filled.
            if let Some(at) = newest.filter(|_| self.unfilled.is_empty()) {
                self.position.at = self.position.at.max(at);
            }
            self.finish(&mut batch, newest);
        }
        batch
    }

    /// Adds a status to a batch if it is new. Returns whether it is.
    fn take(&mut self, entry: &Entry, batch: &mut Batch, newest: &mut Option<Timestamp>) -> bool {
        match entry {
            Ok(status) => {
                *newest = (*newest).max(Some(status.at));
                let is_news = self.recent.note(status);
                if let Some(post) = status.post.as_deref().filter(|_| is_news) {
                    let parent = status.in_reply_to.as_deref().and_then(|id| self.recent.uri(id));
                    let parent_id = parent.map(str::to_owned);
                    batch.posts.push(NewPost { parent_id, ..post.clone() });
                }
                is_news
            }
            Err(unreadable) => {
                let is_news = self.recent.note_unreadable(unreadable);
                batch.n_unreadable += u64::from(is_news);
                is_news
            }
        }
    }

    /// Completes a batch that moves the position.
    fn finish(&mut self, batch: &mut Batch, newest: Option<Timestamp>) {
        self.position.host = Some(self.client.base.to_string());
        batch.checkpoint = Some(self.checkpoint());
        let age = newest.map(|newest| Timestamp::now().duration_since(newest));
        batch.lag = age.map(|age| Duration::try_from(age).unwrap_or_default());
    }
}

/// Waits for the response to a request; never returns if there is no request.
async fn answer_of(
    request: &mut Option<BoxFuture<'static, Result<Answer, ConnectorError>>>,
) -> Result<Answer, ConnectorError> {
    match request {
        Some(request) => request.await,
        None => pending().await,
    }
}

/// Waits for the next message of the stream; never returns if there is no stream.
async fn next_of(connection: &mut Option<Connection>) -> Result<Message, ConnectorError> {
    match connection {
        Some(connection) => connection.next().await,
        None => pending().await,
    }
}
