//! The TCP connection under a session or a body, for ending it when nothing else can.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::SockRef;

/// Which descriptor a connection has, noted as it is accepted.
#[derive(Debug, Clone, Copy)]
struct Descriptor(RawFd);

/// Notes what `Line::under` needs. Give it to `HttpServiceBuilder::on_connect_ext`; without it a jammed connection stays until its
/// peer reads or leaves.
pub(super) fn note_connection(connection: &TcpStream, data: &mut Extensions) {
    data.insert(Descriptor(connection.as_raw_fd()));
}

/// A connection that can be ended from outside.
///
/// It holds no descriptor of its own, which would double what ten thousand connections need. So it may only be used while
/// its session, or the body that is sent on it, lives: the task of a connection drops those before it closes the descriptor.
#[derive(Debug)]
pub struct Line {
    descriptor: RawFd,
    peer: SocketAddr,
}

impl Line {
    /// The connection that a request came on; `None` where connections are not noted.
    pub fn under(request: &HttpRequest) -> Option<Self> {
        let Descriptor(descriptor) = *request.conn_data::<Descriptor>()?;
        Some(Self { descriptor, peer: request.peer_addr()? })
    }

    /// Ends the connection, whatever its peer does. The task that owns it is woken and finds it broken; what the kernel
    /// still holds for the peer is thrown away, which a mere shutdown would keep until the peer reads.
    ///
    /// Its session or body must be alive, and stay so until this returns.
    pub fn cut(&self) {
        // SAFETY: the session lives, so the connection's task has not closed the descriptor.
        let connection = unsafe { BorrowedFd::borrow_raw(self.descriptor) };
        let socket = SockRef::from(&connection);
        // Should that ever cease to hold, no stranger's connection is ended for it.
        if socket.peer_addr().ok().and_then(|peer| peer.as_socket()) != Some(self.peer) {
            return;
        }
        // Either fails only where the connection has ended already.
        let _ = socket.set_linger(Some(Duration::ZERO));
        let _ = socket.shutdown(std::net::Shutdown::Both);
    }
}
