//! What is sent to sessions, encoded once for all of them.

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

/// What a frame says.
#[derive(Debug, Clone, Copy)]
pub enum LiveFrame<'a> {
    /// The window, to somebody who has just subscribed.
    MetricsInitial(&'a LiveMetrics),
    /// The window, changed.
    MetricsUpdate(&'a LiveMetrics),
    /// What has changed in the window since the frame with that id.
    MetricsDelta(&'a FrameId, &'a serde_json::Value),
    /// A post was stored.
    MessageNew(&'a ScoredPost),
    /// A post has a better score.
    MessageUpdate(&'a ScoredPost),
    /// An alert opened, grew or was resolved.
    Alert(AlertChange, &'a Alert),
    /// The pipeline's health.
    SystemUpdate(&'a SystemHealth),
    /// What a session is now subscribed to.
    Subscribed(Standing<'a>),
}

/// A session's subscription as it now stands.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// What it gets.
    pub subscription: &'a Subscription,
    /// Whether everything it missed follows.
    pub recovered: bool,
    /// After which id what follows begins; absent while nobody knows where the sequence stands.
    pub since: Option<&'a FrameId>,
}

/// One frame as text, shared by all who get it.
#[derive(Debug)]
pub struct Frame {
    /// Such as `alert:churn`.
    pub event: &'static str,
    /// Its place in the sequence, `epoch:offset`; absent where it answers a client's own operation.
    pub id: Option<Box<str>>,
    /// The whole of it, JSON.
    pub text: ByteString,
    /// The same as a WebSocket's text message, with its head (RFC 6455, section 5.2). The text is a part of it, so it is
    /// held once.
    pub message: Bytes,
    as_event: OnceLock<Bytes>,
}

/// The most that stands before the text of a message from a server.
const MESSAGE_HEAD_BYTES_MAX: usize = 10;

impl Frame {
    /// A frame whose text is that.
    pub fn new(event: &'static str, id: Option<Box<str>>, text: ByteString) -> Self {
        let mut message = BytesMut::with_capacity(text.len() + MESSAGE_HEAD_BYTES_MAX);
        Parser::write_message(&mut message, &text, OpCode::Text, true, false);
        let message = message.freeze();
        let head_bytes = message.len() - text.len();
        let text = ByteString::try_from(message.slice(head_bytes..)).unwrap_or(text);
        Self { event, id, text, message, as_event: OnceLock::new() }
    }

    /// The lines `event` and `data` of a server-sent event, made once.
    pub fn as_event(&self) -> &Bytes {
        self.as_event.get_or_init(|| Bytes::from(format!("event: {}\ndata: {}\n\n", self.event, self.text)))
    }
}

/// Writes a frame as text. Handed over by `app`, so that actors need not know the wire protocol. The id is that of news;
/// of an answer it is not used.
pub type Encode = fn(&FrameId, LiveFrame<'_>) -> Option<Frame>;

/// The live window as of some moment, in the forms in which it is shown. Each is written when the first wants it.
#[derive(Debug)]
pub struct MetricsFrame {
    version: u64,
    id: FrameId,
    metrics: Arc<LiveMetrics>,
    encode: Encode,
    /// For whom it is the first.
    initial: OnceLock<Option<Arc<Frame>>>,
    whole: OnceLock<Option<Arc<Frame>>>,
    delta: Option<Delta>,
}

/// What changed since the version before.
#[derive(Debug)]
pub struct Delta {
    /// Which version it applies to.
    pub base: u64,
    /// The frame.
    pub frame: Arc<Frame>,
}

/// What a [`MetricsFrame`] is made of.
pub struct MetricsParams {
    /// Counts the frames of one broadcaster, from 1.
    pub version: u64,
    /// As of which id.
    pub id: FrameId,
    /// The window.
    pub metrics: Arc<LiveMetrics>,
    /// Writes it.
    pub encode: Encode,
    /// What has changed; absent, those who want only that get the whole.
    pub delta: Option<Delta>,
}

impl MetricsFrame {
    /// Nothing is written yet.
    pub fn new(params: MetricsParams) -> Self {
        let MetricsParams { version, id, metrics, encode, delta } = params;
        Self { version, id, metrics, encode, initial: OnceLock::new(), whole: OnceLock::new(), delta }
    }

    /// Which one of its broadcaster it is.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// As of which id.
    pub fn id(&self) -> &FrameId {
        &self.id
    }

    /// For somebody who has just subscribed.
    pub fn initial(&self) -> Option<Arc<Frame>> {
        self.written(&self.initial, LiveFrame::MetricsInitial(&self.metrics))
    }

    /// For somebody who was last sent version `has`, and takes what has changed or not.
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
