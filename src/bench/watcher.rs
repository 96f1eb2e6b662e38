//! A subscriber that records when each post is seen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use hdrhistogram::Histogram;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use super::schedule::Schedule;
use super::stalls::Seconds;

/// How the frame of a new post begins.
const NEW_POST: &str = r#"{"event":"message:new""#;

/// How the frame of a corrected post begins.
const CORRECTED: &str = r#"{"event":"message:update""#;

/// Largest distinguishable latency, in microseconds.
const LATE_MAX: u64 = 120_000_000;

/// Latencies of the posts seen, in microseconds since they were due.
pub struct ArrivalTimes {
    /// Latencies until a post was first seen.
    pub new: Histogram<u64>,
    /// Latencies until a post was seen with a corrected score; only perceptible changes are sent.
    pub corrected: Histogram<u64>,
    /// The maximum latency for each second in which posts were due.
    pub seconds: Seconds,
}

/// Records when posts are seen.
pub struct Watcher {
    watching: JoinHandle<anyhow::Result<ArrivalTimes>>,
}

impl Watcher {
    /// Subscribes to `messages` and waits for a run's posts until nothing arrives for `timeout`.
    ///
    /// # Errors
    /// If the server rejects the socket.
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

    /// Returns the latencies once the run is over.
    ///
    /// # Errors
    /// If the socket broke.
    pub async fn finish(self) -> anyhow::Result<ArrivalTimes> {
        self.watching.await?
    }
}

/// Parameters of a [`Watcher`].
pub struct WatcherParams {
    /// URL of the server, `http://…`.
    pub address: String,
    /// Prefix of the posts' ids.
    pub run: String,
    /// When the posts are due.
    pub schedule: Schedule,
    /// Number of posts.
    pub n_posts: usize,
    /// Silence after which no more posts are expected.
    pub timeout: Duration,
    /// Whether to stop once each post was seen.
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
