//! Raw TCP connection under a session or response body, which can be aborted from outside.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::SockRef;

/// File descriptor of a connection, recorded when the connection is accepted.
#[derive(Debug, Clone, Copy)]
struct Descriptor(RawFd);

/// Records the descriptor that [`RawSocket::of`] needs. Pass this function to `HttpServiceBuilder::on_connect_ext`.
/// Without it, a stalled connection stays open until its peer reads or leaves.
pub(super) fn record_descriptor(connection: &TcpStream, data: &mut Extensions) {
    data.insert(Descriptor(connection.as_raw_fd()));
}

/// Connection that can be aborted from outside.
///
/// It holds no descriptor of its own, because that would double the number of descriptors for ten thousand connections.
/// It may therefore be used only while its session or response body exists; the connection's task drops these before it
/// closes the descriptor.
#[derive(Debug)]
pub struct RawSocket {
    descriptor: RawFd,
    peer: SocketAddr,
}

impl RawSocket {
    /// Returns the connection of a request, or `None` if its descriptor was not recorded.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        let Descriptor(descriptor) = *request.conn_data::<Descriptor>()?;
        Some(Self { descriptor, peer: request.peer_addr()? })
    }

    /// Aborts the connection. The task that owns it is woken and finds it broken. Data that the kernel still holds for
    /// the peer is discarded; a mere shutdown would keep it until the peer reads.
    ///
    /// The session or response body must exist until this returns.
    pub fn abort(&self) {
        // SAFETY: the session is alive, so the connection's task has not closed the descriptor.
        let connection = unsafe { BorrowedFd::borrow_raw(self.descriptor) };
        let socket = SockRef::from(&connection);
        // Should that invariant ever break, comparing the peer's address keeps us from aborting an unrelated
        // connection.
        if socket.peer_addr().ok().and_then(|peer| peer.as_socket()) != Some(self.peer) {
            return;
        }
        // Both calls fail only if the connection has already ended.
        let _ = socket.set_linger(Some(Duration::ZERO));
        let _ = socket.shutdown(std::net::Shutdown::Both);
    }
}
