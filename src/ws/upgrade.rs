//! Upgrades HTTP connections: the application answers the handshake, and this module runs the accepted session.

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
use super::read_gate::{ReadGate, SocketReader};
use super::request_gate::GatedStream;
use super::session::{self, ConnectionHandles};
use super::session_handover::{SessionParams, SessionSlot};
use super::socket_writer::SocketWriter;

/// Maximum size in bytes of unsent responses to operations; while it is exceeded, nothing is read from the client.
const RESPONSE_BYTES_MAX: usize = 64 * 1024;

/// Maximum time to flush the last frames to the peer.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum time to wait for the peer to close its side, while discarding what it still sends. If the server closed the
/// socket while unread bytes remained, the kernel would reset the connection and the peer would never see the close
/// reason.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const CLOSE_BYTES_MAX: u64 = 1 << 20;

/// Returns a service that passes upgrade requests to `application`. If the application accepts a session, the HTTP
/// state of the connection and its buffers are dropped and the session begins. After any other response, the connection
/// is closed.
///
/// Pass it to `HttpServiceBuilder::upgrade`.
pub(super) fn upgrades<A, B>(
    application: A,
) -> impl ServiceFactory<
    (Request, Framed<GatedStream, Codec>),
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
                let served = serve_upgrade(Rc::clone(&application), pump.clone(), (request, ungated(framed)));
                async move {
                    if let Err(error) = served.await {
                        tracing::debug!(%error, "a connection broke before its response");
                    }
                    Ok(())
                }
            }))
        }
    })
}

/// Returns the connection without its gate: the application reads nothing but what follows this request.
fn ungated(framed: Framed<GatedStream, Codec>) -> Framed<TcpStream, Codec> {
    let FramedParts { io, codec, mut read_buf, write_buf, .. } = framed.into_parts();
    let (stream, held) = io.into_parts();
    read_buf.extend_from_slice(&held);
    let mut parts = FramedParts::with_read_buf(stream, codec, read_buf);
    parts.write_buf = write_buf;
    Framed::from_parts(parts)
}

async fn serve_upgrade<A, B>(
    application: Rc<A>,
    pump: Pump,
    (request, mut framed): (Request, Framed<TcpStream, Codec>),
) -> io::Result<()>
where
    A: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    let slot = SessionSlot::default();
    request.extensions_mut().insert(slot.clone());
    let response: Response<BoxBody> = match application.call(request).await {
        Ok(response) => response.map_into_boxed_body().into(),
        Err(error) => error.error_response().into(),
    };
    let Some(session) = slot.take() else {
        return refuse(framed, response).await;
    };
    framed.send(Message::Item((response.drop_body(), BodySize::None))).await?;
    let FramedParts { io, read_buf, .. } = framed.into_parts();
    // Copied, because keeping the buffer itself would keep its capacity for the lifetime of the connection.
    let early = Bytes::copy_from_slice(&read_buf);
    drop(read_buf);
    Box::pin(live(pump, session, (io, early))).await;
    Ok(())
}

/// Sends a response that is not an upgrade and closes the connection. An endless response, such as server-sent events,
/// is dropped when the client hangs up, which releases its permit.
async fn refuse(mut framed: Framed<TcpStream, Codec>, mut response: Response<BoxBody>) -> io::Result<()> {
    response.head_mut().set_connection_type(ConnectionType::Close);
    let (head, body) = response.into_parts();
    let size = body.size();
    framed.feed(Message::Item((head, size))).await?;
    if !size.is_eof() {
        let mut body = pin!(body);
        loop {
            let chunk = tokio::select! {
                biased;
                chunk = std::future::poll_fn(|context| body.as_mut().poll_next(context)) => chunk,
                () = wait_for_hang_up(framed.io_mut()) => return Ok(()),
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
    close(framed.io_mut()).await;
    Ok(())
}

/// Runs a session from the end of its handshake until its connection is closed.
async fn live(pump: Pump, session: SessionParams, (stream, early): (TcpStream, Bytes)) {
    let (id, outbox) = session.id_and_outbox();
    let writer = Rc::new(SocketWriter::new(stream, outbox));
    let gate = ReadGate::default();
    let reader = SocketReader::new(Rc::clone(&writer), gate.clone(), early);
    let handles = ConnectionHandles { writer: Rc::clone(&writer), gate: gate.clone() };
    let mut output = Box::pin(session::start(session, handles, reader));
    let connection = pump.connect(id, Rc::clone(&writer));
    let driver = Driver { writer: &writer, connection: &connection, gate };
    std::future::poll_fn(|context| driver.poll(output.as_mut(), context)).await;
    // From here on nothing takes frames from the outbox.
    drop(connection);
    let flush = std::future::poll_fn(|context| writer.poll_flush(context));
    let is_flushed = matches!(timeout(FLUSH_TIMEOUT, flush).await, Ok(Ok(())));
    // Releases the permit and unregisters the socket, before the connection is closed.
    drop(output);
    if let (true, Some(writer)) = (is_flushed, Rc::into_inner(writer)) {
        let mut stream = writer.stream;
        close(&mut stream).await;
    }
}

/// Drives a session and its connection whenever their task is woken.
struct Driver<'a> {
    writer: &'a SocketWriter,
    connection: &'a Connection,
    gate: ReadGate,
}

impl Driver<'_> {
    /// Ready when the session or the connection ends.
    fn poll<S>(&self, mut output: Pin<&mut S>, context: &mut Context<'_>) -> Poll<()>
    where
        S: Stream<Item = Result<Bytes, actix_web::Error>>,
    {
        loop {
            match self.writer.poll_flush(context) {
                Poll::Ready(Ok(())) => self.connection.pump(),
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending if self.writer.n_unsent() > RESPONSE_BYTES_MAX => return Poll::Pending,
                // Checked no later than at the next ping.
                Poll::Pending if self.writer.overdue() > FLUSH_TIMEOUT => return Poll::Ready(()),
                Poll::Pending => {}
            }
            self.writer.outbox.is_alive();
            match output.as_mut().poll_next(context) {
                Poll::Ready(Some(Ok(bytes))) => self.writer.send(bytes),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        if self.gate.should_resume() {
            // For bytes that were already read, nothing else would wake the task.
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

/// Waits until the peer closes the connection.
async fn wait_for_hang_up(stream: &mut TcpStream) {
    let _ = tokio::io::copy(stream, &mut tokio::io::sink()).await;
}

/// Shuts down the write half and waits briefly for the peer to close the other half.
async fn close(stream: &mut TcpStream) {
    if stream.shutdown().await.is_ok() {
        let unread = &mut stream.take(CLOSE_BYTES_MAX);
        let _ = timeout(CLOSE_TIMEOUT, tokio::io::copy(unread, &mut tokio::io::sink())).await;
    }
}
