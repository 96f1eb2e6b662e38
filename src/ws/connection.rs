//! From an HTTP connection to a live one: the application answers the handshake, and what it accepts goes on here.

use std::cell::RefCell;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_codec::{Framed, FramedParts};
use actix_http::body::{BodySize, BoxBody, MessageBody};
use actix_http::h1::{Codec, Message};
use actix_http::{ConnectionType, HttpMessage, Request, Response};
use actix_service::{Service, ServiceFactory, fn_factory, fn_service};
use actix_web::dev::ServiceResponse;
use actix_web::rt::net::TcpStream;
use bytes::Bytes;
use futures_util::{SinkExt, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::pump::{Connection, Pump};
use super::read_gate::{Appetite, Incoming};
use super::session::{self, SessionParams, Ways};
use super::socket_writer::Wire;

/// Answers to a client's operations that may wait for a client that does not read. With more, it is not listened to.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How long a peer may take to read the last words.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// How long a peer may take to hang up when it was told to, and how much it may still send. Hanging up first, while
/// something of it is unread, would make its kernel throw away the reason.
const HANG_UP_MAX: Duration = Duration::from_secs(1);
const HANG_UP_BYTES_MAX: u64 = 1 << 20;

/// Where a handler leaves the session it accepted, for the connection to go on with.
#[derive(Clone, Default)]
pub(super) struct Slot(Rc<RefCell<Option<SessionParams>>>);

impl Slot {
    /// Leaves a session.
    pub fn fill(&self, session: SessionParams) {
        *self.0.borrow_mut() = Some(session);
    }

    fn take(&self) -> Option<SessionParams> {
        self.0.borrow_mut().take()
    }
}

/// Answers requests that ask for another protocol, with `application`. Where it accepts, what remains of HTTP on this
/// connection is given up, its buffers too, and the session begins. Everything else is answered and ends the connection.
///
/// Give it to `HttpServiceBuilder::upgrade`.
pub(super) fn upgrades<A, B>(
    application: A,
) -> impl ServiceFactory<
    (Request, Framed<TcpStream, Codec>),
    Config = (),
    Response = (),
    Error = actix_web::Error,
    InitError = A::InitError,
>
where
    A: ServiceFactory<Request, Config = (), Response = ServiceResponse<B>, Error = actix_web::Error>
        + 'static,
    A::Service: 'static,
    B: MessageBody + 'static,
{
    fn_factory(move || {
        let application = application.new_service(());
        async move {
            let application = Rc::new(application.await?);
            let pump = Pump::start();
            Ok(fn_service(move |(request, framed)| {
                let answer = answer(Rc::clone(&application), pump.clone(), (request, framed));
                async move {
                    if let Err(error) = answer.await {
                        tracing::debug!(%error, "a connection broke before it was answered");
                    }
                    Ok(())
                }
            }))
        }
    })
}

async fn answer<A, B>(
    application: Rc<A>,
    pump: Pump,
    (request, mut framed): (Request, Framed<TcpStream, Codec>),
) -> io::Result<()>
where
    A: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    let slot = Slot::default();
    request.extensions_mut().insert(slot.clone());
    let answer: Response<BoxBody> = match application.call(request).await {
        Ok(answer) => answer.map_into_boxed_body().into(),
        Err(error) => error.error_response().into(),
    };
    let Some(session) = slot.take() else {
        return refuse(framed, answer).await;
    };
    framed.send(Message::Item((answer.drop_body(), BodySize::None))).await?;
    let FramedParts { io, read_buf, .. } = framed.into_parts();
    // Not the buffer itself, which would be kept for the life of the connection.
    let early = Bytes::copy_from_slice(&read_buf);
    drop(read_buf);
    Box::pin(live(pump, session, (io, early))).await;
    Ok(())
}

/// The answer to a request that asks for another protocol and does not get it, and the end of the connection. Some answers,
/// such as server-sent events, have no end: whoever leaves one gives its place back.
async fn refuse(mut framed: Framed<TcpStream, Codec>, mut answer: Response<BoxBody>) -> io::Result<()> {
    answer.head_mut().set_connection_type(ConnectionType::Close);
    let (head, body) = answer.into_parts();
    let size = body.size();
    framed.feed(Message::Item((head, size))).await?;
    if !size.is_eof() {
        let mut body = pin!(body);
        loop {
            let chunk = tokio::select! {
                biased;
                chunk = std::future::poll_fn(|context| body.as_mut().poll_next(context)) => chunk,
                () = hear_out(framed.io_mut()) => return Ok(()),
            };
            let Some(chunk) = chunk else {
                break;
            };
            let chunk = chunk.map_err(|error| io::Error::other(error.to_string()))?;
            framed.send(Message::Chunk(Some(chunk))).await?;
        }
        framed.feed(Message::Chunk(None)).await?;
    }
    SinkExt::<Message<(Response<()>, BodySize)>>::flush(&mut framed).await?;
    hang_up(framed.io_mut()).await;
    Ok(())
}

/// One session, from its handshake to its end.
async fn live(pump: Pump, session: SessionParams, (stream, early): (TcpStream, Bytes)) {
    let (id, outbox) = session.place();
    let wire = Rc::new(Wire::new(stream, outbox));
    let appetite = Appetite::default();
    let incoming = Incoming::new(Rc::clone(&wire), appetite.clone(), early);
    let ways = Ways { wire: Rc::clone(&wire), appetite: appetite.clone() };
    let mut said = Box::pin(session::start(session, ways, incoming));
    let connection = pump.connect(id, Rc::clone(&wire));
    let life = Life { wire: &wire, connection: &connection, appetite };
    std::future::poll_fn(|context| life.poll(said.as_mut(), context)).await;
    // Nothing more is taken from its outbox.
    drop(connection);
    let farewell = std::future::poll_fn(|context| wire.poll_flush(context));
    let is_told = matches!(timeout(FAREWELL_MAX, farewell).await, Ok(Ok(())));
    // With it go its place and its listeners; the connection is closed after them.
    drop(said);
    if let (true, Some(wire)) = (is_told, Rc::into_inner(wire)) {
        let mut stream = wire.stream;
        hang_up(&mut stream).await;
    }
}

/// What a connection does whenever it is woken.
struct Life<'a> {
    wire: &'a Wire,
    connection: &'a Connection,
    appetite: Appetite,
}

impl Life<'_> {
    /// Ends with the session or its peer.
    fn poll<S>(&self, mut said: Pin<&mut S>, context: &mut Context<'_>) -> Poll<()>
    where
        S: Stream<Item = Result<Bytes, actix_web::Error>>,
    {
        loop {
            match self.wire.poll_flush(context) {
                Poll::Ready(Ok(())) => self.connection.pump(),
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending if self.wire.n_unsent() > ANSWER_BYTES_MAX => return Poll::Pending,
                // Asked at the latest with the next ping.
                Poll::Pending if self.wire.overdue() > FAREWELL_MAX => return Poll::Ready(()),
                Poll::Pending => {}
            }
            self.wire.outbox.is_alive();
            match said.as_mut().poll_next(context) {
                Poll::Ready(Some(Ok(bytes))) => self.wire.say(bytes),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        if self.appetite.goes_on() {
            // Nobody else would wake it for what was read already.
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

/// Waits until the peer ends the connection.
async fn hear_out(stream: &mut TcpStream) {
    let _ = tokio::io::copy(stream, &mut tokio::io::sink()).await;
}

/// Ends the writing half, and waits a little for the peer to end the other.
async fn hang_up(stream: &mut TcpStream) {
    if stream.shutdown().await.is_ok() {
        let unread = &mut stream.take(HANG_UP_BYTES_MAX);
        let _ = timeout(HANG_UP_MAX, tokio::io::copy(unread, &mut tokio::io::sink())).await;
    }
}
