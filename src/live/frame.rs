//! Frames sent to sessions. Each is encoded once and shared by all sessions.

use std::sync::{Arc, OnceLock};

use actix_http::ws::{OpCode, Parser};
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use crate::models::alert::Alert;
use crate::models::live::{AlertChange, FrameId};
use crate::models::metrics::LiveMetrics;
use crate::models::post::ScoredPost;
use crate::models::subscription::Subscription;
use crate::models::system_health::SystemHealth;

/// Content of a frame before encoding.
#[derive(Debug, Clone, Copy)]
pub enum LiveFrame<'a> {
    /// Whole live window, for a new subscriber.
    MetricsInitial(&'a LiveMetrics),
    /// Whole live window, after a change.
    MetricsUpdate(&'a LiveMetrics),
    /// Changes to the live window since the frame with the given id.
    MetricsDelta(&'a FrameId, &'a serde_json::Value),
    /// Post that was stored.
    MessageNew(&'a ScoredPost),
    /// Post whose score was corrected.
    MessageUpdate(&'a ScoredPost),
    /// Alert that opened, changed or resolved.
    Alert(AlertChange, &'a Alert),
    /// Health of the pipeline at the latest measurement.
    SystemUpdate(&'a SystemHealth),
    /// Subscription of the session, sent in reply to a change.
    Subscribed(SubscriptionState<'a>),
}

/// Subscription of a session and its position in the sequence.
#[derive(Debug, Clone, Copy)]
pub struct SubscriptionState<'a> {
    /// Feeds, filter, rate limit and form of the metrics.
    pub subscription: &'a Subscription,
    /// Whether the client is about to receive all frames that it missed.
    pub recovered: bool,
    /// Id that the next frames follow; `None` while the position in the sequence is unknown.
    pub since: Option<&'a FrameId>,
}

/// Encoded frame, shared by all sessions that receive it.
#[derive(Debug)]
pub struct Frame {
    /// Name of the event, such as `alert:churn`.
    pub event: &'static str,
    /// Position in the frame sequence, `epoch:offset`; `None` in replies to operations.
    pub id: Option<Box<str>>,
    /// Frame as JSON text.
    pub text: ByteString,
    /// Text message including its WebSocket header (RFC 6455, section 5.2). `text` is a slice of it, so the text is
    /// held in memory only once.
    pub message: Bytes,
    as_event: OnceLock<Bytes>,
}

/// Maximum length of the WebSocket header that a server sends.
const MESSAGE_HEADER_BYTES_MAX: usize = 10;

impl Frame {
    /// Creates a frame from its encoded text.
    pub fn new(event: &'static str, id: Option<Box<str>>, text: ByteString) -> Self {
        let mut message = BytesMut::with_capacity(text.len() + MESSAGE_HEADER_BYTES_MAX);
        Parser::write_message(&mut message, &text, OpCode::Text, true, false);
        let message = message.freeze();
        let header_bytes = message.len() - text.len();
        let text = ByteString::try_from(message.slice(header_bytes..)).unwrap_or(text);
        Self { event, id, text, message, as_event: OnceLock::new() }
    }

    /// Returns the `event` and `data` lines of a server-sent event. They are created on first use.
    pub fn as_event(&self) -> &Bytes {
        self.as_event.get_or_init(|| Bytes::from(format!("event: {}\ndata: {}\n\n", self.event, self.text)))
    }
}

/// Function that encodes frames. `app` passes it to the actors, so that they do not depend on the wire protocol.
/// Replies ignore the id.
pub type Encode = fn(&FrameId, LiveFrame<'_>) -> Option<Frame>;

/// Live window at one point in time, in all forms that sessions receive. Each form is encoded on first use.
#[derive(Debug)]
pub struct MetricsFrame {
    version: u64,
    id: FrameId,
    metrics: Arc<LiveMetrics>,
    encode: Encode,
    /// Encoded `metrics:initial`.
    initial: OnceLock<Option<Arc<Frame>>>,
    whole: OnceLock<Option<Arc<Frame>>>,
    delta: Option<Delta>,
}

/// Encoded changes since an earlier version.
#[derive(Debug)]
pub struct Delta {
    /// Version that the changes apply to.
    pub base: u64,
    /// Encoded `metrics:delta`.
    pub frame: Arc<Frame>,
}

/// Content and encoder of a [`MetricsFrame`].
pub struct MetricsParams {
    /// Sequence number that the broadcaster assigned to the frame, starting at 1.
    pub version: u64,
    /// Id of the latest update that the window includes.
    pub id: FrameId,
    /// Metrics of the window.
    pub metrics: Arc<LiveMetrics>,
    /// Function that encodes each form.
    pub encode: Encode,
    /// Changes since the previous version; if `None`, sessions that take deltas receive the whole window.
    pub delta: Option<Delta>,
}

impl MetricsFrame {
    /// Creates a frame without encoding any form.
    pub fn new(params: MetricsParams) -> Self {
        let MetricsParams { version, id, metrics, encode, delta } = params;
        Self { version, id, metrics, encode, initial: OnceLock::new(), whole: OnceLock::new(), delta }
    }

    /// Returns the sequence number that the broadcaster assigned to the frame, starting at 1.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the id of the latest update that the window includes.
    pub fn id(&self) -> &FrameId {
        &self.id
    }

    /// Returns the form for a new subscriber, or `None` if it cannot be encoded.
    pub fn initial(&self) -> Option<Arc<Frame>> {
        self.written(&self.initial, LiveFrame::MetricsInitial(&self.metrics))
    }

    /// Returns the form for a session that last received version `has`: the delta if the session takes deltas and the
    /// delta applies to that version, otherwise the whole window.
    pub fn update(&self, has: u64, takes_delta: bool) -> Option<Arc<Frame>> {
        if let Some(delta) = self.delta.as_ref().filter(|delta| takes_delta && delta.base == has) {
            return Some(Arc::clone(&delta.frame));
        }
        self.written(&self.whole, LiveFrame::MetricsUpdate(&self.metrics))
    }

    fn written(&self, form: &OnceLock<Option<Arc<Frame>>>, frame: LiveFrame<'_>) -> Option<Arc<Frame>> {
        form.get_or_init(|| (self.encode)(&self.id, frame).map(Arc::new)).clone()
    }
}
