//! One socket: hands on what it is given, and tells the broadcaster what its client wants.

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

use super::connection::Slot;
use super::rate_limit::RateLimit;
use super::read_gate::{Appetite, Incoming};
use super::socket_writer::Wire;
use super::{MESSAGE_BYTES_MAX, Place, Refusal, Sockets, TOKEN_PROTOCOL, close_codes, parse};
use crate::actors::messages::{SessionId, Watch};
use crate::live::encode;
use crate::live::frame::Frame;
use crate::live::outbox::{CloseReason, Outbox};
use crate::live::protocol::{ClientOp, OpError, Subscribe};
use crate::models::live::FrameId;
use crate::models::subscription::{Feeds, Subscription};

/// Well below the minute after which proxies cut silent connections.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Two pings unanswered, and a little more for the way.
const SILENT_AFTER: Duration = Duration::from_secs(45);

/// How long a client may say nothing before it gets the default feeds, from its beginning on. A client that comes back
/// says what it has seen within a round trip of the handshake, and what it missed must come before what is new.
const SPEECHLESS_MAX: Duration = Duration::from_secs(2);

/// What a session starts with.
pub(super) struct SessionParams {
    /// The way to the broadcaster.
    pub sockets: Sockets,
    /// Given back when the session ends.
    pub place: Place,
}

/// A session's ways to its connection.
pub(super) struct Ways {
    /// Says when it is to end.
    pub wire: Rc<Wire>,
    /// Is told of what it hears.
    pub appetite: Appetite,
}

impl SessionParams {
    /// Whose session it is, and what waits for it.
    pub fn place(&self) -> (SessionId, Arc<Outbox>) {
        (self.place.id, Arc::clone(&self.place.outbox))
    }
}

/// Shakes hands. The session begins once the answer is on its way, on a connection that is no longer one of HTTP.
pub(super) fn accept(params: SessionParams, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
    let refuse = |why: &str| Refusal::Handshake(why.to_owned());
    if request.version() != Version::HTTP_11 {
        return Err(refuse("it is asked for with HTTP/1.1"));
    }
    let answer = ws::handshake_with_protocols(request, &[TOKEN_PROTOCOL]);
    let answer = answer.map_err(|error| refuse(&error.to_string()))?.finish();
    let slot = request.extensions().get::<Slot>().cloned();
    slot.ok_or_else(|| refuse("this connection can only speak HTTP"))?.fill(params);
    Ok(answer)
}

/// Listens to a client, and answers with what is to be written besides its news.
pub(super) fn start(
    params: SessionParams,
    ways: Ways,
    incoming: Incoming,
) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    let codec = Codec::new().max_size(MESSAGE_BYTES_MAX);
    ws::WebsocketContext::with_codec(Session::new(params, ways), incoming, codec)
}

/// Tells when a session is to end, and everything before that is on its way.
struct Farewell(Rc<Wire>);

impl Stream for Farewell {
    type Item = CloseReason;

    /// The wire wakes the connection's task, which is the one that asks.
    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.take_close_reason().map_or(Poll::Pending, |close_reason| Poll::Ready(Some(close_reason)))
    }
}

/// One socket.
///
/// It hears its client and knows what it wants; news goes past it, from the outbox to the wire. It is not listened to while
/// its answers find no reader, and then the watchdog counts the seconds.
struct Session {
    sockets: Sockets,
    subscription: Subscription,
    /// Until the client first says what it wants, it has what a silent client gets.
    has_chosen: bool,
    /// Frames come; what was missed can no longer be told in its order.
    has_begun: bool,
    speechless: Option<SpawnHandle>,
    rate_limit: RateLimit,
    heard_at: Instant,
    /// A message that arrives in pieces.
    partial: Option<BytesMut>,
    ways: Ways,
    place: Place,
}

type SessionContext = ws::WebsocketContext<Session>;

impl Session {
    fn new(params: SessionParams, ways: Ways) -> Self {
        let now = Instant::now();
        Self {
            sockets: params.sockets,
            subscription: Subscription::default(),
            has_chosen: false,
            has_begun: false,
            speechless: None,
            rate_limit: RateLimit::new(now),
            heard_at: now,
            partial: None,
            ways,
            place: params.place,
        }
    }

    fn end(context: &mut SessionContext, code: u16, why: &str) {
        context.close(Some(ws::CloseReason { code: code.into(), description: Some(why.to_owned()) }));
        context.stop();
    }

    fn check_life(&mut self, context: &mut SessionContext) {
        if self.heard_at.elapsed() > SILENT_AFTER {
            Self::end(context, close_codes::SILENT, "no answer to pings");
            return;
        }
        context.ping(b"");
    }

    /// Puts the pieces of a message together.
    fn gather(&mut self, piece: Item, context: &mut SessionContext) {
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
            Ok(text) => self.hear(text, context),
            Err(_) => Self::end(context, close_codes::INVALID, "text must be UTF-8"),
        }
    }

    fn hear(&mut self, text: &str, context: &mut SessionContext) {
        match parse::client_op(text) {
            Ok(ClientOp::Ping) => send(context, encode::pong()),
            Ok(ClientOp::Subscribe(wish)) => self.subscribe(wish, context),
            Ok(ClientOp::Unsubscribe(wish)) => {
                self.has_chosen = true;
                self.subscription.feeds = self.subscription.feeds.without(wish.feeds.into_iter().collect());
                self.watch(None, context);
            }
            Err(error) => refuse(context, &error),
        }
    }

    fn subscribe(&mut self, wish: Subscribe, context: &mut SessionContext) {
        let held = if self.has_chosen { self.subscription.feeds } else { Feeds::NONE };
        self.has_chosen = true;
        self.subscription.feeds = held.with(wish.feeds.into_iter().collect());
        if let Some(filter) = wish.filter {
            self.subscription.filter = filter;
        }
        self.subscription.max_rate = wish.max_rate.or(self.subscription.max_rate);
        self.subscription.delta = wish.delta.unwrap_or(self.subscription.delta);
        // Parsing has seen to it that it is an id.
        let since = wish.since.and_then(|since| since.parse().ok());
        self.watch(since, context);
    }

    /// The broadcaster answers: only it knows where the sequence stands, and the answer comes before what follows.
    fn watch(&mut self, since: Option<FrameId>, context: &mut SessionContext) {
        if let Some(speechless) = self.speechless.take() {
            context.cancel_future(speechless);
        }
        // An epoch that is none makes it a fresh start, and the answer says so.
        let begun = FrameId { epoch: String::new(), offset: 0 };
        let since = if self.has_begun { since.map(|_| begun) } else { since };
        self.has_begun = true;
        self.send_watch(since, context);
    }

    fn send_watch(&mut self, since: Option<FrameId>, context: &mut SessionContext) {
        let watch = Watch {
            id: self.place.id,
            outbox: Arc::clone(&self.place.outbox),
            subscription: self.subscription.clone(),
            since,
            is_asked: self.has_chosen,
        };
        if self.sockets.params.watch.try_send(watch).is_err() {
            Self::end(context, close_codes::TRY_AGAIN_LATER, "the broadcaster is busy");
        }
    }
}

impl Actor for Session {
    type Context = SessionContext;

    fn started(&mut self, context: &mut Self::Context) {
        context.add_stream(Farewell(Rc::clone(&self.ways.wire)));
        let stopping = self.sockets.stopping.clone().cancelled_owned().into_actor(self);
        context.spawn(stopping.map(|(), _, context| {
            Self::end(context, close_codes::GOING_AWAY, "the server is stopping");
        }));
        context.run_interval(PING_EVERY, Self::check_life);
        self.speechless = Some(context.run_later(SPEECHLESS_MAX, |session, _| {
            session.speechless = None;
            session.has_begun = true;
            session.place.outbox.release();
        }));
        self.send_watch(None, context);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.sockets.say_goodbye(self.place.id);
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
        self.heard_at = now;
        let is_too_much = self.ways.appetite.is_too_much();
        self.ways.appetite.hear();
        let is_counted = !matches!(received, Ok(ws::Message::Pong(_) | ws::Message::Close(_)));
        if is_counted && !self.rate_limit.admit(now) {
            return Self::end(context, close_codes::TOO_MANY_OPERATIONS, "too many operations");
        }
        match received {
            Ok(ws::Message::Text(text)) => self.hear(&text, context),
            Ok(ws::Message::Continuation(piece)) => self.gather(piece, context),
            Ok(ws::Message::Ping(payload)) => context.pong(&payload),
            Ok(ws::Message::Pong(_) | ws::Message::Nop) => {}
            Ok(ws::Message::Binary(_)) => {
                Self::end(context, close_codes::UNSUPPORTED, "send text, not binary");
            }
            Ok(ws::Message::Close(reason)) => {
                context.close(reason);
                context.stop();
            }
            Err(error) if is_too_much || matches!(error, ws::ProtocolError::Overflow) => {
                Self::end(context, close_codes::TOO_BIG, "a message is at most 64 KiB");
            }
            // The only one of these that is about what was sent: text that is not UTF-8.
            Err(ws::ProtocolError::Io(error)) if error.kind() == std::io::ErrorKind::Other => {
                Self::end(context, close_codes::INVALID, "text must be UTF-8");
            }
            Err(_) => Self::end(context, close_codes::PROTOCOL_ERROR, "not the websocket protocol"),
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
        Err(error) => tracing::error!(%error, "a frame could not be encoded"),
    }
}
