//! Text of `GET /metrics`: rendered and compressed once for all requests that wait for it.

use std::time::Instant;

use actix_web::web;
use bytes::Bytes;
use flate2::Compression;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Mutex;

use super::error::ApiError;
use super::precompressed;
use crate::telemetry::process;

/// Metrics of this process as text. A text takes milliseconds of processor time, so only one is rendered at a time. A
/// request gets one that was begun after it arrived, and shares it with all others that waited: however many connections
/// request the metrics, they take little from other clients.
pub struct Exposition {
    prometheus: PrometheusHandle,
    latest: Mutex<Option<Rendered>>,
}

/// Text as of one moment.
#[derive(Clone)]
pub struct Rendered {
    begun_at: Instant,
    /// The text itself.
    pub plain: Bytes,
    /// The same text, compressed.
    pub gzip: Bytes,
}

impl Exposition {
    /// Creates the text of what this recorder counts.
    pub fn new(prometheus: PrometheusHandle) -> Self {
        Self { prometheus, latest: Mutex::new(None) }
    }

    /// Returns the metrics as of now or later.
    ///
    /// # Errors
    /// If the server is stopping.
    pub async fn read(&self) -> Result<Rendered, ApiError> {
        let asked_at = Instant::now();
        let mut latest = self.latest.lock().await;
        if let Some(rendered) = latest.as_ref().filter(|rendered| asked_at <= rendered.begun_at) {
            return Ok(rendered.clone());
        }
        let begun_at = Instant::now();
        let prometheus = self.prometheus.clone();
        let rendering = web::block(move || {
            let plain = Bytes::from(prometheus.render() + &process::exposition());
            let gzip = precompressed::gzip(&plain, Compression::fast());
            Rendered { begun_at, plain, gzip }
        });
        let rendered = rendering.await.map_err(|_| ApiError::Busy { what: "the server is stopping" })?;
        Ok(latest.insert(rendered).clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::Read as _;

    use futures_util::future::join_all;
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[tokio::test]
    async fn requests_that_wait_share_a_text_that_was_begun_after_they_arrived() {
        let exposition = Exposition::new(PrometheusBuilder::new().build_recorder().handle());
        // The others arrive while the first text is rendered.
        let read = join_all((0..100).map(|_| exposition.read())).await;
        let read: Vec<Rendered> = read.into_iter().map(Result::unwrap).collect();
        let texts: HashSet<_> = read.iter().map(|rendered| rendered.plain.as_ptr()).collect();
        assert_eq!(texts.len(), 2);
        let later = exposition.read().await.unwrap();
        assert!(
            read.iter().all(|rendered| rendered.begun_at < later.begun_at),
            "a later request gets an old text"
        );
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&later.gzip[..]).read_to_end(&mut plain).unwrap();
        assert!(!plain.is_empty() && plain == later.plain);
    }
}
