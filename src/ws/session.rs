//! One socket: hands on what it is given, and tells the broadcaster what its client wants.

use std::time::{Duration, Instant};

use actix::fut::ActorFutureExt;
use actix::{Actor, ActorContext, AsyncContext, Handler, StreamHandler, WrapFuture};
use actix_http::ws::Item;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws;
use bytes::BytesMut;

use super::frames::{ClientOp, OpError, Subscribe, Subscribed};
use super::rate_limit::RateLimit;
use super::{MESSAGE_BYTES_MAX, Place, Refusal, Sockets, TOKEN_PROTOCOL, close_codes, encode, parse};
use crate::actors::messages::{CloseSession, Connect, Deliver, Disconnect, SessionId, Watch};
use crate::models::subscription::{Feeds, Subscription};

/// Well below the minute after which proxies cut silent connections.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Two pings unanswered, and a little more for the way.
const SILENT_AFTER: Duration = Duration::from_secs(45);

/// How many frames may wait for a session before the broadcaster forgets it.
///
/// One update brings a frame for each of its posts at once, so the default of 16 would throw out healthy
/// browsers. Frames are shared between sessions; one that waits costs a few words.
const MAILBOX_FRAMES: usize = 512;

/// A farewell must get through even while the broadcaster is busy, or it would keep a dead session.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(5);

/// What a session starts with.
pub(super) struct SessionParams {
    /// Its name in this process.
    pub id: SessionId,
    /// The way to the broadcaster.
    pub sockets: Sockets,
    /// Given back when the session ends.
    pub place: Place,
}

/// Shakes hands and starts the session.
pub(super) fn start(
    params: SessionParams,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    ws::WsResponseBuilder::new(Session::new(params), request, payload)
        .protocols(&[TOKEN_PROTOCOL])
        .frame_size(MESSAGE_BYTES_MAX)
        .start()
        .map_err(|error| Refusal::Handshake(error.to_string()))
}

/// One socket.
///
/// It runs only while its peer reads: what is written waits in the connection, and the connection polls the
/// actor no more until that is gone. So a jammed socket fills its mailbox, which is what the broadcaster
/// notices, and nothing else.
struct Session {
    id: SessionId,
    sockets: Sockets,
    subscription: Subscription,
    /// Until the client first says what it wants, it has what a silent client gets.
    has_chosen: bool,
    rate_limit: RateLimit,
    heard_at: Instant,
    /// A message that arrives in pieces.
    partial: Option<BytesMut>,
    _place: Place,
}

type SessionContext = ws::WebsocketContext<Session>;

impl Session {
    fn new(params: SessionParams) -> Self {
        let now = Instant::now();
        Self {
            id: params.id,
            sockets: params.sockets,
            subscription: Subscription::default(),
            has_chosen: false,
            rate_limit: RateLimit::new(now),
            heard_at: now,
            partial: None,
            _place: params.place,
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
                self.watch(context);
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
        self.watch(context);
    }

    /// Tells the client first, so that the acknowledgement comes before the initial frames.
    fn watch(&mut self, context: &mut SessionContext) {
        let subscribed = Subscribed {
            feeds: self.subscription.feeds.iter().collect(),
            filter: self.subscription.filter.clone(),
            max_rate: self.subscription.max_rate,
            delta: self.subscription.delta,
            recovered: false,
            since: None,
        };
        send(context, encode::subscribed(&subscribed));
        let watch = Watch { id: self.id, subscription: self.subscription.clone() };
        if self.sockets.params.watch.try_send(watch).is_err() {
            Self::end(context, close_codes::TRY_AGAIN_LATER, "the broadcaster is busy");
        }
    }
}

impl Actor for Session {
    type Context = SessionContext;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX_FRAMES);
        let stopping = self.sockets.stopping.clone().cancelled_owned().into_actor(self);
        context.spawn(stopping.map(|(), _, context| {
            Self::end(context, close_codes::GOING_AWAY, "the server is stopping");
        }));
        context.run_interval(PING_EVERY, Self::check_life);
        let connect = Connect {
            id: self.id,
            deliver: context.address().recipient(),
            close: context.address().recipient(),
            subscription: self.subscription.clone(),
        };
        if self.sockets.params.connect.try_send(connect).is_err() {
            Self::end(context, close_codes::TRY_AGAIN_LATER, "the broadcaster is busy");
        }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        let disconnect = self.sockets.params.disconnect.clone();
        let id = self.id;
        if disconnect.try_send(Disconnect { id }).is_err() {
            // A broadcaster that is gone for good knows no sessions to forget.
            actix::spawn(async move { disconnect.send(Disconnect { id }, FAREWELL_PATIENCE).await.ok() });
        }
    }
}

impl Handler<Deliver> for Session {
    type Result = ();

    fn handle(&mut self, Deliver(frame): Deliver, context: &mut Self::Context) {
        context.text(&*frame);
    }
}

impl Handler<CloseSession> for Session {
    type Result = ();

    /// The broadcaster has forgotten this session, or is gone itself: nothing more would come.
    fn handle(&mut self, _: CloseSession, context: &mut Self::Context) {
        if self.sockets.stopping.is_cancelled() {
            return Self::end(context, close_codes::GOING_AWAY, "the server is stopping");
        }
        Self::end(context, close_codes::TRY_AGAIN_LATER, "news was lost; connect again");
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Session {
    fn handle(&mut self, received: Result<ws::Message, ws::ProtocolError>, context: &mut Self::Context) {
        let now = Instant::now();
        self.heard_at = now;
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
            Err(ws::ProtocolError::Overflow) => {
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

fn send(context: &mut SessionContext, encoded: Result<std::sync::Arc<str>, serde_json::Error>) {
    match encoded {
        Ok(text) => context.text(&*text),
        Err(error) => tracing::error!(%error, "a frame could not be encoded"),
    }
}
