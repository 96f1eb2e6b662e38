//! Connections that pass their dispatcher one request at a time, and end if the client reads nothing.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::rt::net::TcpStream;
use actix_web::rt::time::{Sleep, sleep};
use bytes::{Buf as _, Bytes, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection_state::ConnectionState;
use super::sliced_body;

/// Maximum number of bytes to read at once, and to hold back from the dispatcher.
const PIECE_BYTES: usize = 8 * 1024;

/// Maximum number of unsent bytes that the kernel accepts for a connection: enough for a gigabit connection over 1 ms,
/// and what the kernel has sent already does not count. By default, it buffers megabytes for a client that reads nothing.
const UNSENT_BYTES_MAX: u32 = 128 * 1024;

/// Number of bytes of queued responses, in all connections, above which those who read nothing are given less time.
const QUEUED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Time without progress after which a connection with a queued response ends while there are too many of them. It is
/// also how often a blocked connection is checked.
const STALL_MAX_WHEN_FULL: Duration = Duration::from_secs(2);

/// Connection that is read under the control of its [`ConnectionState`].
pub(super) struct GatedStream {
    stream: TcpStream,
    state: Rc<ConnectionState>,
    /// Bytes that were read but must not be passed yet.
    held: BytesMut,
    stall_max: Duration,
    /// Since when the kernel has accepted nothing, and when to check next.
    stalled: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl GatedStream {
    /// Creates the stream of an accepted connection, which ends if it accepts nothing for `stall_max` though responses
    /// are queued.
    pub fn new(stream: TcpStream, stall_max: Duration) -> Self {
        // Without this, the connection only takes more memory of the kernel.
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX);
        Self { stream, state: Rc::default(), held: BytesMut::new(), stall_max, stalled: None }
    }

    /// Returns the connection under this stream.
    pub const fn connection(&self) -> &TcpStream {
        &self.stream
    }

    /// Returns the state that decides what is passed.
    pub const fn state(&self) -> &Rc<ConnectionState> {
        &self.state
    }

    /// Gives up control of the connection. Returns it with the bytes that were held back.
    pub fn into_parts(self) -> (TcpStream, Bytes) {
        (self.stream, self.held.freeze())
    }

    /// Ready when the kernel has accepted nothing for too long.
    fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let stall_max = self.stall_max;
        let (since, check) = self
            .stalled
            .get_or_insert_with(|| (Instant::now(), Box::pin(sleep(STALL_MAX_WHEN_FULL.min(stall_max)))));
        while check.as_mut().poll(context).is_ready() {
            let is_full = self.state.has_queued() && sliced_body::n_queued() > QUEUED_BYTES_MAX;
            let limit = if is_full { STALL_MAX_WHEN_FULL.min(stall_max) } else { stall_max };
            let elapsed = since.elapsed();
            if elapsed >= limit {
                return Poll::Ready(());
            }
            *check = Box::pin(sleep((limit - elapsed).min(STALL_MAX_WHEN_FULL)));
        }
        Poll::Pending
    }
}

impl AsyncRead for GatedStream {
    /// Reads what may be passed. While nothing may be passed, it still reads one piece, so that it notices a client that
    /// hangs up.
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.state.is_closed() {
            return Poll::Ready(Ok(()));
        }
        if this.held.is_empty() {
            let n_bytes_max = buffer.remaining().min(PIECE_BYTES);
            let mut piece = ReadBuf::new(buffer.initialize_unfilled_to(n_bytes_max));
            std::task::ready!(Pin::new(&mut this.stream).poll_read(context, &mut piece))?;
            let n_passed = this.state.pass(piece.filled());
            let n_read = piece.filled().len();
            this.held.extend_from_slice(piece.filled().get(n_passed..).unwrap_or_default());
            if n_passed > 0 || n_read == 0 {
                buffer.advance(n_passed);
                return Poll::Ready(Ok(()));
            }
        } else {
            let n_bytes_max = this.held.len().min(buffer.remaining());
            let piece = this.held.get(..n_bytes_max).unwrap_or_default();
            let n_passed = this.state.pass(piece);
            if n_passed > 0 {
                buffer.put_slice(piece.get(..n_passed).unwrap_or_default());
                this.held.advance(n_passed);
                return Poll::Ready(Ok(()));
            }
        }
        this.state.wait(context);
        Poll::Pending
    }
}

impl AsyncWrite for GatedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        self.state.blocked();
        if self.poll_stalled(context).is_pending() {
            return Poll::Pending;
        }
        // What the kernel still holds for the client is discarded.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state.flushed();
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use actix_http::Request;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::super::connection_state::ResponseGuard;
    use super::*;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    async fn gate_with_peer(stall_max: Duration) -> (GatedStream, TcpStream) {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (GatedStream::new(listener.accept().await.unwrap().0, stall_max), peer)
    }

    /// Reads once, as the dispatcher does.
    async fn read(gate: &mut GatedStream) -> Vec<u8> {
        let mut buffer = BytesMut::with_capacity(64 * 1024);
        gate.read_buf(&mut buffer).await.unwrap();
        buffer.to_vec()
    }

    async fn assert_nothing_is_passed(gate: &mut GatedStream) {
        let mut buffer = BytesMut::with_capacity(1_024);
        assert!(futures_util::poll!(std::pin::pin!(gate.read_buf(&mut buffer))).is_pending());
    }

    fn parsed(gate: &GatedStream) -> ResponseGuard {
        Rc::clone(gate.state()).begin_response(&mut Request::new())
    }

    #[tokio::test]
    async fn the_next_request_waits_for_the_end_of_the_response() {
        let (mut gate, mut peer) = gate_with_peer(Duration::MAX).await;
        peer.write_all(&GET.repeat(1_000)).await.unwrap();
        for _ in 0..1_000 {
            let mut head = read(&mut gate).await;
            while head.len() < GET.len() {
                // The piece that was read ended within it.
                head.extend(read(&mut gate).await);
            }
            assert_eq!(head, GET);
            assert_nothing_is_passed(&mut gate).await;
            let guard = parsed(&gate);
            gate.flush().await.unwrap();
            assert_nothing_is_passed(&mut gate).await;
            assert!(gate.held.len() <= PIECE_BYTES, "{} bytes", gate.held.len());
            drop(guard);
        }
    }

    #[tokio::test]
    async fn a_head_that_the_dispatcher_does_not_understand_ends_the_connection() {
        let (mut gate, mut peer) = gate_with_peer(Duration::MAX).await;
        peer.write_all(&GET.repeat(2)).await.unwrap();
        assert_eq!(read(&mut gate).await, GET);
        gate.flush().await.unwrap();
        assert!(read(&mut gate).await.is_empty());
    }

    #[tokio::test]
    async fn a_request_that_was_not_passed_on_its_own_ends_the_connection() {
        let (mut gate, mut peer) = gate_with_peer(Duration::MAX).await;
        peer.write_all(&GET.repeat(2)).await.unwrap();
        assert_eq!(read(&mut gate).await, GET);
        let first = parsed(&gate);
        let second = parsed(&gate);
        drop((first, second));
        assert!(read(&mut gate).await.is_empty());
    }

    #[tokio::test]
    async fn nothing_is_passed_while_the_client_does_not_read_and_in_the_end_the_connection_ends() {
        let (mut gate, mut peer) = gate_with_peer(Duration::from_millis(50)).await;
        peer.write_all(&GET.repeat(2)).await.unwrap();
        assert_eq!(read(&mut gate).await, GET);
        drop(parsed(&gate));
        let piece = vec![0; 64 * 1024];
        let mut n_written = 0;
        while let Poll::Ready(written) = futures_util::poll!(std::pin::pin!(gate.write(&piece))) {
            n_written += written.unwrap();
            assert!(n_written < 1 << 30, "the kernel accepts everything");
        }
        assert_nothing_is_passed(&mut gate).await;
        let error = poll_fn(|context| Pin::new(&mut gate).poll_write(context, &piece)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
