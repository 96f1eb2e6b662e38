//! Sends checkpoints to a webhook, apart from chaining, which must not wait for a slow receiver.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::sync::watch;
use tracing::warn;

use super::checkpoint;
use crate::egress::{Egress, PostRequest};
use crate::models::audit::SignedCheckpoint;
use crate::telemetry::AUDIT_CHECKPOINTS_TOTAL;

/// Initial and maximum delay before a failed delivery is repeated.
const RETRY_DELAYS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// Delivers checkpoints. A checkpoint covers all earlier ones, so only the newest is delivered.
#[derive(Clone)]
pub struct Publisher {
    /// Client that reaches only allowed addresses.
    pub egress: Egress,
    /// Where checkpoints go.
    pub url: Url,
    /// The newest checkpoint.
    pub newest: watch::Receiver<Option<SignedCheckpoint>>,
}

impl Publisher {
    /// Waits for the next checkpoint, and delivers the newest. Returns false if there will be no more.
    pub async fn deliver_next(&mut self) -> bool {
        if self.newest.changed().await.is_err() {
            return false;
        }
        let (mut delay, longest) = RETRY_DELAYS;
        loop {
            let signed = self.newest.borrow_and_update().clone();
            let Some(signed) = signed else {
                return true;
            };
            if self.deliver(&signed).await {
                return true;
            }
            tokio::time::sleep(delay).await;
            delay = delay.saturating_mul(2).min(longest);
        }
    }

    /// Makes one attempt to deliver a checkpoint.
    pub async fn deliver(&self, signed: &SignedCheckpoint) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = checkpoint::to_line(signed).into_bytes();
        let outcome = self.egress.post(PostRequest { url: self.url.clone(), headers, body }).await;
        let failure = match outcome {
            Ok(response) if (200..300).contains(&response.status) => None,
            Ok(response) => Some(format!("status {}", response.status)),
            Err(error) => Some(error.to_string()),
        };
        let outcome = if failure.is_none() { "stored" } else { "failed" };
        metrics::counter!(AUDIT_CHECKPOINTS_TOTAL, "destination" => "webhook", "outcome" => outcome)
            .increment(1);
        if let Some(reason) = &failure {
            warn!(reason, "a checkpoint of the audit log was not delivered");
        }
        failure.is_none()
    }
}
