//! WebSocket session, which passes the client's operations to the broadcaster. Updates reach the client through its
//! outbox.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix::fut::ActorFutureExt;
use actix::{Actor, ActorContext, AsyncContext, SpawnHandle, StreamHandler, WrapFuture};
use actix_http::ws::{Codec, Item};
use actix_web::http::Version;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use actix_web_actors::ws;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;

use super::rate_limit::RateLimit;
use super::read_gate::{ReadGate, SocketReader};
use super::session_handover::{SessionParams, SessionSlot};
use super::socket_writer::SocketWriter;
use super::{MESSAGE_BYTES_MAX, Refusal, SocketPermit, Sockets, TOKEN_PROTOCOL, close_codes, parse};
use crate::actors::messages::Watch;
use crate::live::encode;
use crate::live::frame::Frame;
use crate::live::outbox_batch::CloseReason;
use crate::live::protocol::{ClientOp, OpError, Subscribe};
use crate::models::live::FrameId;
use crate::models::subscription::{Feeds, Subscription};

/// Interval between pings: well below the minute after which proxies cut silent connections.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Time after which a silent peer is considered gone: two unanswered pings and some latency.
const SILENT_AFTER: Duration = Duration::from_secs(45);

/// Time after which a client that has sent no operation gets the default feeds. A reconnecting client sends its newest
/// id within a round trip of the handshake, and the updates that it missed must precede newer ones.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Handles to the connection that a session needs.
pub(super) struct ConnectionHandles {
    /// Writer for the connection. It reports when everything before the close reason has been sent.
    pub writer: Rc<SocketWriter>,
    /// Gate for the reader, which must be notified of parsed messages.
    pub gate: ReadGate,
}

/// Accepts the handshake. The session begins once the response is sent and the connection has left HTTP.
pub(super) fn accept(params: SessionParams, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
    let refuse = |why: &str| Refusal::Handshake(why.to_owned());
    if request.version() != Version::HTTP_11 {
        return Err(refuse("use HTTP/1.1"));
    }
    let response = ws::handshake_with_protocols(request, &[TOKEN_PROTOCOL]);
    let response = response.map_err(|error| refuse(&error.to_string()))?.finish();
    let slot = request.extensions().get::<SessionSlot>().cloned();
    slot.ok_or_else(|| refuse("this connection supports only HTTP"))?.fill(params);
    Ok(response)
}

/// Starts a client's session. The stream yields what to write in addition to the contents of the outbox.
pub(super) fn start(
    params: SessionParams,
    handles: ConnectionHandles,
    reader: SocketReader,
) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    let codec = Codec::new().max_size(MESSAGE_BYTES_MAX);
    ws::WebsocketContext::with_codec(Session::new(params, handles), reader, codec)
}

/// Stream that yields the close reason once everything before it is sent.
struct CloseSignal(Rc<SocketWriter>);

impl Stream for CloseSignal {
    type Item = CloseReason;

    /// Never registers a waker: the writer wakes the connection's task, which polls this stream.
    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.take_close_reason().map_or(Poll::Pending, |close_reason| Poll::Ready(Some(close_reason)))
    }
}

/// Actor that serves one WebSocket.
///
/// It handles the client's operations. Updates bypass it on their way from the outbox to the writer. While responses
/// remain unread, no further operations are read from the client, and the watchdog measures how long this lasts.
struct Session {
    sockets: Sockets,
    subscription: Subscription,
    /// Whether the client has subscribed; until then, it has the default subscription.
    has_subscribed: bool,
    /// Whether delivery has begun; after that, missed frames can no longer be inserted in order.
    has_begun: bool,
    default_timer: Option<SpawnHandle>,
    rate_limit: RateLimit,
    last_received_at: Instant,
    /// Fragments received so far of an incomplete message.
    partial: Option<BytesMut>,
    handles: ConnectionHandles,
    permit: SocketPermit,
}

type SessionContext = ws::WebsocketContext<Session>;

impl Session {
    fn new(params: SessionParams, handles: ConnectionHandles) -> Self {
        let now = Instant::now();
        Self {
            sockets: params.sockets,
            subscription: Subscription::default(),
            has_subscribed: false,
            has_begun: false,
            default_timer: None,
            rate_limit: RateLimit::new(now),
            last_received_at: now,
            partial: None,
            handles,
            permit: params.permit,
        }
    }

    fn end(context: &mut SessionContext, code: u16, why: &str) {
        context.close(Some(ws::CloseReason { code: code.into(), description: Some(why.to_owned()) }));
        context.stop();
    }

    fn check_alive(&mut self, context: &mut SessionContext) {
        if self.last_received_at.elapsed() > SILENT_AFTER {
            Self::end(context, close_codes::SILENT, "no response to pings");
            return;
        }
        context.ping(b"");
    }

    /// Adds a fragment to a message, and handles the message once it is complete.
    fn assemble(&mut self, piece: Item, context: &mut SessionContext) {
        let (bytes, is_last) = match piece {
            Item::FirstBinary(_) => {
                return Self::end(context, close_codes::UNSUPPORTED, "send text, not binary");
            }
            Item::FirstText(bytes) => {
                self.partial = Some(BytesMut::new());
                (bytes, false)
            }
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        let partial = self.partial.get_or_insert_default();
        if partial.len() + bytes.len() > MESSAGE_BYTES_MAX {
            return Self::end(context, close_codes::TOO_BIG, "a message is at most 64 KiB");
        }
        partial.extend_from_slice(&bytes);
        if !is_last {
            return;
        }
        let whole = self.partial.take().unwrap_or_default();
        match std::str::from_utf8(&whole) {
            Ok(text) => self.handle_operation(text, context),
            Err(_) => Self::end(context, close_codes::INVALID, "text must be UTF-8"),
        }
    }

    fn handle_operation(&mut self, text: &str, context: &mut SessionContext) {
        match parse::client_op(text) {
            Ok(ClientOp::Ping) => send(context, encode::pong()),
            Ok(ClientOp::Subscribe(op)) => self.subscribe(op, context),
            Ok(ClientOp::Unsubscribe(op)) => {
                self.has_subscribed = true;
                self.subscription.feeds = self.subscription.feeds.without(op.feeds.into_iter().collect());
                self.watch(None, context);
            }
            Err(error) => refuse(context, &error),
        }
    }

    fn subscribe(&mut self, op: Subscribe, context: &mut SessionContext) {
        let current = if self.has_subscribed { self.subscription.feeds } else { Feeds::NONE };
        self.has_subscribed = true;
        self.subscription.feeds = current.with(op.feeds.into_iter().collect());
        if let Some(filter) = op.filter {
            self.subscription.filter = filter;
        }
        self.subscription.max_rate = op.max_rate.or(self.subscription.max_rate);
        self.subscription.delta = op.delta.unwrap_or(self.subscription.delta);
        // Parsing has already validated the id.
        let since = op.since.and_then(|since| since.parse().ok());
        self.watch(since, context);
    }

    /// Sends the subscription to the broadcaster, which responds to the client, because only it knows the position in
    /// the sequence.
    fn watch(&mut self, since: Option<FrameId>, context: &mut SessionContext) {
        if let Some(default_timer) = self.default_timer.take() {
            context.cancel_future(default_timer);
        }
        // An empty epoch makes it a fresh start, and the response says so.
        let begun = FrameId { epoch: String::new(), offset: 0 };
        let since = if self.has_begun { since.map(|_| begun) } else { since };
        self.has_begun = true;
        self.send_watch(since, context);
    }

    fn send_watch(&mut self, since: Option<FrameId>, context: &mut SessionContext) {
        let watch = Watch {
            id: self.permit.id,
            principal: self.permit.principal,
            outbox: Arc::clone(&self.permit.outbox),
            subscription: self.subscription.clone(),
            since,
            is_requested: self.has_subscribed,
        };
        if self.sockets.params.watch.try_send(watch).is_err() {
            Self::end(context, close_codes::TRY_AGAIN_LATER, "live delivery is busy");
        }
    }
}

impl Actor for Session {
    type Context = SessionContext;

    fn started(&mut self, context: &mut Self::Context) {
        context.add_stream(CloseSignal(Rc::clone(&self.handles.writer)));
        let stopping = self.sockets.stopping.clone().cancelled_owned().into_actor(self);
        context.spawn(stopping.map(|(), _, context| {
            Self::end(context, close_codes::GOING_AWAY, "the server is stopping");
        }));
        context.run_interval(PING_EVERY, Self::check_alive);
        self.default_timer = Some(context.run_later(SUBSCRIBE_TIMEOUT, |session, _| {
            session.default_timer = None;
            session.has_begun = true;
            session.permit.outbox.release();
        }));
        self.send_watch(None, context);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.sockets.unregister(self.permit.id);
    }
}

impl StreamHandler<CloseReason> for Session {
    fn handle(&mut self, close_reason: CloseReason, context: &mut Self::Context) {
        if self.sockets.stopping.is_cancelled() {
            return Self::end(context, close_codes::GOING_AWAY, "the server is stopping");
        }
        let (code, why) = close_codes::of(close_reason);
        Self::end(context, code, why);
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Session {
    fn handle(&mut self, received: Result<ws::Message, ws::ProtocolError>, context: &mut Self::Context) {
        let now = Instant::now();
        self.last_received_at = now;
        let is_over_limit = self.handles.gate.is_over_limit();
        self.handles.gate.message_parsed();
        let is_counted = !matches!(received, Ok(ws::Message::Pong(_) | ws::Message::Close(_)));
        if is_counted && !self.rate_limit.admit(now) {
            return Self::end(context, close_codes::TOO_MANY_OPERATIONS, "too many operations");
        }
        match received {
            Ok(ws::Message::Text(text)) => self.handle_operation(&text, context),
            Ok(ws::Message::Continuation(piece)) => self.assemble(piece, context),
            Ok(ws::Message::Ping(payload)) => context.pong(&payload),
            Ok(ws::Message::Pong(_) | ws::Message::Nop) => {}
            Ok(ws::Message::Binary(_)) => {
                Self::end(context, close_codes::UNSUPPORTED, "send text, not binary");
            }
            Ok(ws::Message::Close(reason)) => {
                context.close(reason);
                context.stop();
            }
            Err(error) if is_over_limit || matches!(error, ws::ProtocolError::Overflow) => {
                Self::end(context, close_codes::TOO_BIG, "a message is at most 64 KiB");
            }
            // Only one of these errors concerns the content: text that is not UTF-8.
            Err(ws::ProtocolError::Io(error)) if error.kind() == std::io::ErrorKind::Other => {
                Self::end(context, close_codes::INVALID, "text must be UTF-8");
            }
            Err(_) => Self::end(context, close_codes::PROTOCOL_ERROR, "WebSocket protocol error"),
        }
    }

    fn finished(&mut self, context: &mut Self::Context) {
        context.stop();
    }
}

fn refuse(context: &mut SessionContext, error: &OpError) {
    send(context, encode::error(error));
}

fn send(context: &mut SessionContext, encoded: Result<Frame, serde_json::Error>) {
    match encoded {
        Ok(frame) => context.text(frame.text),
        Err(error) => tracing::error!(%error, "cannot encode a frame"),
    }
}
