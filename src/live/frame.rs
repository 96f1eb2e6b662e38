//! Frames sent to sessions. Each is encoded once for all sessions.

use std::sync::{Arc, OnceLock};

use actix_http::ws::{OpCode, Parser};
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use crate::models::alert::Alert;
use crate::models::live::{AlertChange, FrameId};
use crate::models::metrics::LiveMetrics;
use crate::models::post::ScoredPost;
use crate::models::stage_health::SystemHealth;
use crate::models::subscription::Subscription;

/// What a frame contains.
#[derive(Debug, Clone, Copy)]
pub enum LiveFrame<'a> {
    /// Live window for a new subscriber.
    MetricsInitial(&'a LiveMetrics),
    /// Live window after a change.
    MetricsUpdate(&'a LiveMetrics),
    /// Changes to the live window since the frame with this id.
    MetricsDelta(&'a FrameId, &'a serde_json::Value),
    /// A post was stored.
    MessageNew(&'a ScoredPost),
    /// A post was corrected.
    MessageUpdate(&'a ScoredPost),
    /// An alert opened, grew or was resolved.
    Alert(AlertChange, &'a Alert),
    /// Health of the pipeline.
    SystemUpdate(&'a SystemHealth),
    /// Reply with the current subscription.
    Subscribed(SubscriptionState<'a>),
}

/// Current subscription of a session.
#[derive(Debug, Clone, Copy)]
pub struct SubscriptionState<'a> {
    /// Feeds, filter and rate limit.
    pub subscription: &'a Subscription,
    /// Whether all missed frames follow.
    pub recovered: bool,
    /// Id after which the following frames begin; `None` while the sequence position is unknown.
    pub since: Option<&'a FrameId>,
}

/// Encoded frame, shared by all sessions that receive it.
#[derive(Debug)]
pub struct Frame {
    /// Event name, such as `alert:churn`.
    pub event: &'static str,
    /// Position in the sequence, `epoch:offset`; `None` in replies to operations.
    pub id: Option<Box<str>>,
    /// Frame as JSON text.
    pub text: ByteString,
    /// Text message with its WebSocket header (RFC 6455, section 5.2). The text is a slice of it, so it is held in memory
    /// only once.
    pub message: Bytes,
    as_event: OnceLock<Bytes>,
}

/// Maximum length of the WebSocket header that a server sends.
const MESSAGE_HEADER_BYTES_MAX: usize = 10;

impl Frame {
    /// Creates a frame from its text.
    pub fn new(event: &'static str, id: Option<Box<str>>, text: ByteString) -> Self {
        let mut message = BytesMut::with_capacity(text.len() + MESSAGE_HEADER_BYTES_MAX);
        Parser::write_message(&mut message, &text, OpCode::Text, true, false);
        let message = message.freeze();
        let header_bytes = message.len() - text.len();
        let text = ByteString::try_from(message.slice(header_bytes..)).unwrap_or(text);
        Self { event, id, text, message, as_event: OnceLock::new() }
    }

    /// Returns the `event` and `data` lines of a server-sent event, encoded on first use.
    pub fn as_event(&self) -> &Bytes {
        self.as_event.get_or_init(|| Bytes::from(format!("event: {}\ndata: {}\n\n", self.event, self.text)))
    }
}

/// Frame encoder. `app` passes it in, so that actors do not depend on the wire protocol. Replies ignore the id.
pub type Encode = fn(&FrameId, LiveFrame<'_>) -> Option<Frame>;

/// Live window at one moment, in all forms that sessions receive. Each form is encoded on first use.
#[derive(Debug)]
pub struct MetricsFrame {
    version: u64,
    id: FrameId,
    metrics: Arc<LiveMetrics>,
    encode: Encode,
    /// Form for new subscribers.
    initial: OnceLock<Option<Arc<Frame>>>,
    whole: OnceLock<Option<Arc<Frame>>>,
    delta: Option<Delta>,
}

/// Changes since the previous version.
#[derive(Debug)]
pub struct Delta {
    /// Version to which the changes apply.
    pub base: u64,
    /// Encoded frame.
    pub frame: Arc<Frame>,
}

/// Fields of a [`MetricsFrame`].
pub struct MetricsParams {
    /// Frame number within the broadcaster, starting at 1.
    pub version: u64,
    /// Id of the last update included.
    pub id: FrameId,
    /// Figures of the window.
    pub metrics: Arc<LiveMetrics>,
    /// Encoder of all forms.
    pub encode: Encode,
    /// Changes since the previous version. Without them, sessions that take deltas receive the whole window.
    pub delta: Option<Delta>,
}

impl MetricsFrame {
    /// Creates a frame. No form is encoded yet.
    pub fn new(params: MetricsParams) -> Self {
        let MetricsParams { version, id, metrics, encode, delta } = params;
        Self { version, id, metrics, encode, initial: OnceLock::new(), whole: OnceLock::new(), delta }
    }

    /// Returns the frame number within the broadcaster.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the id of the last update included.
    pub fn id(&self) -> &FrameId {
        &self.id
    }

    /// Returns the form for a new subscriber.
    pub fn initial(&self) -> Option<Arc<Frame>> {
        self.written(&self.initial, LiveFrame::MetricsInitial(&self.metrics))
    }

    /// Returns the form for a session that last received version `has`: a delta if the session takes deltas and this one
    /// applies.
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
