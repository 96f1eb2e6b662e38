//! A subscriber that records when each post arrives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use hdrhistogram::Histogram;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use super::schedule::Schedule;
use super::worst_seconds::Seconds;

/// Beginning of the frame of a new post.
const NEW_POST: &str = r#"{"event":"message:new""#;

/// Beginning of the frame of a corrected post.
const CORRECTED: &str = r#"{"event":"message:update""#;

/// Largest latency that the histograms can represent, in microseconds.
const LATE_MAX: u64 = 120_000_000;

/// Latencies of the posts that arrived, in microseconds from when they were due.
pub struct ArrivalTimes {
    /// Latencies of posts with their first score.
    pub new: Histogram<u64>,
    /// Latencies of corrected scores. The server sends only perceptible changes.
    pub corrected: Histogram<u64>,
    /// Maximum latency for each second of the run.
    pub seconds: Seconds,
}

/// A subscriber to `messages`, which records when the posts of a run arrive.
pub struct Watcher {
    watching: JoinHandle<anyhow::Result<ArrivalTimes>>,
}

impl Watcher {
    /// Subscribes to `messages` and records the posts of a run until none has arrived for `timeout`.
    ///
    /// # Errors
    /// If the server rejects the connection.
    pub async fn start(params: WatcherParams) -> anyhow::Result<Self> {
        let url = format!("{}/ws", params.address.replacen("http://", "ws://", 1));
        let (mut socket, _) =
            tokio_tungstenite::connect_async(url).await.context("cannot open the socket")?;
        socket.send(Message::text(r#"{"op":"subscribe","feeds":["messages"]}"#)).await?;
        let watching = tokio::spawn(async move {
            let marker: Arc<str> = Arc::from(format!("\"id\":\"{}-", params.run));
            let empty = || Histogram::<u64>::new_with_bounds(1, LATE_MAX, 3);
            let seconds = Seconds::of(params.schedule, params.n_posts);
            let mut seen = ArrivalTimes { new: empty()?, corrected: empty()?, seconds };
            let n_enough =
                if params.ends_when_all_are_seen { u64::try_from(params.n_posts)? } else { u64::MAX };
            let mut said_at = params.schedule.due(params.n_posts);
            while seen.new.len() < n_enough {
                let timeout = (said_at + params.timeout).saturating_duration_since(Instant::now());
                let Ok(Some(message)) = tokio::time::timeout(timeout, socket.next()).await else {
                    break;
                };
                let Message::Text(text) = message? else {
                    continue;
                };
                let now = Instant::now();
                let Some(n) = number_after(&text, &marker) else {
                    continue;
                };
                said_at = said_at.max(now);
                let late = now.saturating_duration_since(params.schedule.due(n));
                let micros = u64::try_from(late.as_micros())?.max(1);
                if text.starts_with(NEW_POST) {
                    seen.new.saturating_record(micros);
                    seen.seconds.note(params.schedule.offset(n), micros);
                } else if text.starts_with(CORRECTED) {
                    seen.corrected.saturating_record(micros);
                }
            }
            Ok(seen)
        });
        Ok(Self { watching })
    }

    /// Waits until the run is over, and returns the latencies.
    ///
    /// # Errors
    /// If the connection broke.
    pub async fn finish(self) -> anyhow::Result<ArrivalTimes> {
        self.watching.await?
    }
}

/// What a [`Watcher`] waits for, and for how long.
pub struct WatcherParams {
    /// URL of the server, `http://…`.
    pub address: String,
    /// Prefix of the ids of the run's posts.
    pub run: String,
    /// Times at which the posts are due.
    pub schedule: Schedule,
    /// Number of posts that the run sends.
    pub n_posts: usize,
    /// How long the socket must be silent before the run is over.
    pub timeout: Duration,
    /// Whether to stop once every post has arrived.
    pub ends_when_all_are_seen: bool,
}

fn number_after(text: &str, marker: &str) -> Option<usize> {
    let rest = text.get(text.find(marker)? + marker.len()..)?;
    let end = rest.find('"')?;
    rest.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_of_the_run_is_recognised_in_its_frame() {
        let frame = r#"{"event":"message:new","data":{"post":{"uuid":"x","id":"run-42","platform":"p"}}}"#;
        assert_eq!(number_after(frame, "\"id\":\"run-"), Some(42));
        assert_eq!(number_after(frame, "\"id\":\"other-"), None);
    }
}
