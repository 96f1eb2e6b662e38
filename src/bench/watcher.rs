//! A browser's side of the socket: when each post is seen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use hdrhistogram::Histogram;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

/// How the frame of a new post begins.
const NEW_POST: &str = r#"{"event":"message:new""#;

/// When posts were due, by their number: the clock of an open loop does not wait for answers.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// When the first is due.
    pub start: Instant,
    /// From one to the next.
    pub interval: Duration,
}

impl Schedule {
    /// When the `n`th is due.
    pub fn due(&self, n: usize) -> Instant {
        self.start + self.interval.mul_f64(n as f64)
    }
}

/// Records, for each post seen, the time since it was due, in microseconds.
pub struct Watcher {
    watching: JoinHandle<anyhow::Result<Histogram<u64>>>,
}

impl Watcher {
    /// Subscribes to `messages` and watches for `n_posts` posts of a run, or until nothing has come for `patience`.
    ///
    /// # Errors
    /// When the server refuses the socket.
    pub async fn start(params: WatcherParams) -> anyhow::Result<Self> {
        let url = format!("{}/ws", params.address.replacen("http://", "ws://", 1));
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.context("no socket")?;
        socket.send(Message::text(r#"{"op":"subscribe","feeds":["messages"]}"#)).await?;
        let watching = tokio::spawn(async move {
            let marker: Arc<str> = Arc::from(format!("\"id\":\"{}-", params.run));
            let mut seen = Histogram::<u64>::new_with_bounds(1, 120_000_000, 3)?;
            while seen.len() < u64::try_from(params.n_posts)? {
                let Ok(Some(message)) = tokio::time::timeout(params.patience, socket.next()).await else {
                    break;
                };
                let Message::Text(text) = message? else {
                    continue;
                };
                let now = Instant::now();
                // A post that is corrected later is seen once.
                if !text.starts_with(NEW_POST) {
                    continue;
                }
                if let Some(n) = number_after(&text, &marker) {
                    let late = now.saturating_duration_since(params.schedule.due(n));
                    seen.saturating_record(u64::try_from(late.as_micros())?.max(1));
                }
            }
            Ok(seen)
        });
        Ok(Self { watching })
    }

    /// What was seen, once all was.
    ///
    /// # Errors
    /// When the socket broke.
    pub async fn finish(self) -> anyhow::Result<Histogram<u64>> {
        self.watching.await?
    }
}

/// What to watch for.
pub struct WatcherParams {
    /// The server, `http://…`.
    pub address: String,
    /// What the posts' ids begin with.
    pub run: String,
    /// When they are due.
    pub schedule: Schedule,
    /// How many there will be.
    pub n_posts: usize,
    /// How long a silence means that no more will come.
    pub patience: Duration,
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
