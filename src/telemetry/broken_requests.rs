//! Requests that the HTTP library could not read, or whose connection failed.
//!
//! Anyone who can reach the server can send any number of them, and the library logs an error for each. These lines are
//! kept out of the log. Instead, the requests are counted in a metric, and at most one line a minute says how many there
//! were.

use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, info};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::HTTP_BROKEN_REQUESTS_TOTAL;
use super::log_limit::LogLimit;

/// Module of the HTTP library that logs them.
const LIBRARY: &str = "actix_http::h1::dispatcher";

/// How the library's messages about them begin.
const PREFIX: &str = "stream error: ";

static LINES: LogLimit = LogLimit::new(Duration::from_secs(60));

/// Logs how many there were, if there is anything to log and the last line is at least a minute old.
pub(super) fn report(now: Instant) {
    if let Some(n_requests) = LINES.due(now) {
        info!(n_requests, "requests were broken: they were not valid HTTP, or their connections failed");
    }
}

/// Layer that counts broken requests.
pub(super) struct Counter;

impl<S: Subscriber> Layer<S> for Counter {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if let Some(why) = reason(event) {
            metrics::counter!(HTTP_BROKEN_REQUESTS_TOTAL, "why" => why).increment(1);
            LINES.count();
        }
    }
}

/// Format of the log that writes every event in the format `F`, except the library's lines about broken requests.
///
/// A filter that looks into events would do the same, but if no filter passes such an event, `tracing_subscriber` applies
/// its verdict to the next one.
pub(super) struct OtherEvents<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for OtherEvents<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if reason(event).is_some() {
            return Ok(());
        }
        self.0.format_event(context, out, event)
    }
}

/// Returns why a request was broken, if the event is about one.
fn reason(event: &Event<'_>) -> Option<&'static str> {
    if event.metadata().target() != LIBRARY {
        return None;
    }
    let mut message = Message(String::new());
    event.record(&mut message);
    let reason = message.0.strip_prefix(PREFIX)?;
    Some(if reason.starts_with("request parse error") { "malformed" } else { "connection" })
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a string never fails.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::EnvFilter;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn only_the_librarys_lines_about_broken_requests_are_kept_out_of_the_log() {
        let lines = Lines::default();
        let layer = tracing_subscriber::fmt::layer().with_writer(lines.clone()).with_ansi(false);
        let layer = layer.map_event_format(OtherEvents).with_filter(EnvFilter::new("info"));
        let subscriber = tracing_subscriber::registry().with(layer).with(super::super::errors::layer());
        tracing::subscriber::with_default(subscriber, || {
            for reason in ["request parse error: invalid Header provided", "I/O error: reset"] {
                tracing::error!(target: "actix_http::h1::dispatcher", "stream error: {}", &reason);
            }
            tracing::error!(target: "actix_http::h1::dispatcher", "write zero; closing");
            tracing::error!(target: "elsewhere", "stream error: ours");
            tracing::debug!(target: "elsewhere", "too fine");
        });
        let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().count(), 2, "{written}");
        assert!(written.contains("write zero") && written.contains("stream error: ours"), "{written}");
    }
}
