//! Sending loop shared by `replay` and `synth`: sends a playback's posts until they end or a signal arrives, and
//! reports progress.

use std::io::{IsTerminal as _, stdout};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::target::Target;
use crate::connectors::playback::Playback;
use crate::connectors::playback::delivery::{DeliveryParams, Listener, Progress, Waiting, deliver};
use crate::models::new_post::Rejection;

/// Maximum number of rejected lines to report individually. If a whole file is wrong, the first few show why.
const BAD_LINES_SHOWN: u64 = 20;

/// Stream options shared by `replay` and `synth`.
#[derive(Debug, Clone, clap::Args)]
pub struct FeedParams {
    #[command(flatten)]
    pub target: Target,
    /// Number of entries queued in Redis above which the command pauses
    #[arg(long, env = "GROUNDSWELL_HIGH_WATER", default_value_t = 500_000)]
    pub high_water: u64,
    /// Days for which the server keeps posts; older ones are not sent
    #[arg(long, env = "GROUNDSWELL_RETENTION_DAYS", default_value_t = 90)]
    pub retention_days: u32,
}

/// Sends all posts of a playback. On SIGINT or SIGTERM, stops after the posts that are already due.
///
/// # Errors
/// If no server is found, Redis rejects a command, or the playback fails.
pub async fn feed(mut playback: impl Playback + Send, params: &FeedParams) -> anyhow::Result<()> {
    let stream = params.target.connect().await?;
    let delivery = DeliveryParams {
        producer: stream.producer(),
        high_water: params.high_water,
        retention: Duration::from_secs(u64::from(params.retention_days) * 86_400),
        stop: stopped_by_signal()?,
    };
    let begun = Instant::now();
    let outcome = if stdout().is_terminal() {
        let mut bar = Bar::new(begun);
        let outcome = deliver(&mut playback, &delivery, &mut bar).await;
        bar.bar.finish();
        outcome
    } else {
        deliver(&mut playback, &delivery, &mut JsonLines { begun, n_bad: 0 }).await
    };
    stream.close().await;
    let done = outcome?;
    let seconds = begun.elapsed().as_secs_f64();
    if !stdout().is_terminal() {
        let seconds = (10.0 * seconds).round() / 10.0;
        let done = json!({"event": "done", "sent": done.n_sent, "bad": done.n_bad, "seconds": seconds});
        super::print(&done.to_string());
    }
    Ok(())
}

fn stopped_by_signal() -> anyhow::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = CancellationToken::new();
    let shown = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        shown.cancel();
    });
    Ok(stop)
}

fn per_second(n: u64, begun: Instant) -> u64 {
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    n.saturating_mul(1_000) / ms
}

/// Reports progress as a bar on a terminal.
struct Bar {
    begun: Instant,
    bar: ProgressBar,
    n_bad: u64,
}

impl Bar {
    fn new(begun: Instant) -> Self {
        Self { begun, bar: ProgressBar::new_spinner(), n_bad: 0 }
    }
}

impl Listener for Bar {
    fn progress(&mut self, progress: &Progress) {
        if let Some((position, length)) = progress.position {
            if self.bar.length() != Some(length) {
                self.bar.set_length(length);
                // The template is constant and valid; if it were not, a plain bar would do.
                if let Ok(style) = ProgressStyle::with_template("{bar:32} {percent:>3}%  {msg}") {
                    self.bar.set_style(style);
                }
            }
            self.bar.set_position(position);
        }
        let waiting = match progress.waiting {
            Some(Waiting::StreamFull) => ", waiting: the server is behind",
            Some(Waiting::RedisAway) => ", waiting: Redis does not respond",
            None => "",
        };
        let bad = if progress.n_bad > 0 {
            format!(", {} skipped", HumanCount(progress.n_bad))
        } else {
            String::new()
        };
        let rate = HumanCount(per_second(progress.n_sent, self.begun));
        self.bar.set_message(format!("{} posts, {rate}/s{bad}{waiting}", HumanCount(progress.n_sent)));
        self.bar.tick();
    }

    fn bad(&mut self, line: u64, rejection: &Rejection) {
        self.n_bad += 1;
        if self.n_bad <= BAD_LINES_SHOWN {
            let field = if rejection.field.is_empty() { "" } else { &format!(" `{}`:", rejection.field) };
            self.bar.println(format!("line {line}:{field} {}", rejection.message));
        }
    }
}

/// Reports progress as JSON lines, for other programs.
struct JsonLines {
    begun: Instant,
    n_bad: u64,
}

impl Listener for JsonLines {
    fn progress(&mut self, progress: &Progress) {
        let shown = json!({
            "event": "progress",
            "sent": progress.n_sent,
            "bad": progress.n_bad,
            "per_second": per_second(progress.n_sent, self.begun),
            "waiting": progress.waiting,
        });
        super::print(&shown.to_string());
    }

    fn bad(&mut self, line: u64, rejection: &Rejection) {
        self.n_bad += 1;
        if self.n_bad <= BAD_LINES_SHOWN {
            let shown = json!({
                "event": "bad",
                "line": line,
                "code": rejection.code,
                "field": rejection.field,
                "message": rejection.message,
            });
            super::print(&shown.to_string());
        }
    }
}
