//! The TCP connection under a session, for ending it when nothing else can.

use std::any::Any;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::SockRef;

/// Which descriptor a connection has, noted as it is accepted.
#[derive(Debug, Clone, Copy)]
struct Descriptor(RawFd);

/// Notes what [`Line::under`] needs. Give it to `HttpServer::on_connect`; without it a jammed connection stays until its
/// peer reads or leaves.
pub fn note_connection(connection: &dyn Any, data: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>() {
        data.insert(Descriptor(stream.as_raw_fd()));
    }
}

/// A second hold on a connection. It costs a descriptor, and keeps the connection from being closed altogether until it
/// is dropped, so it goes with its session.
#[derive(Debug)]
pub(super) struct Line(OwnedFd);

impl Line {
    /// The connection that a request came on; `None` where connections are not noted, or descriptors have run out.
    pub fn under(request: &HttpRequest) -> Option<Self> {
        let Descriptor(descriptor) = *request.conn_data::<Descriptor>()?;
        // SAFETY: a request is answered by the task that owns its connection, which keeps the descriptor open meanwhile.
        let connection = unsafe { BorrowedFd::borrow_raw(descriptor) };
        connection.try_clone_to_owned().ok().map(Self)
    }

    /// Ends the connection, whatever its peer does. The task that owns it is woken and finds it broken; what the kernel
    /// still holds for the peer is thrown away, which a mere shutdown would keep until the peer reads.
    pub fn cut(&self) {
        let socket = SockRef::from(&self.0);
        // Either fails only where the connection has ended already.
        let _ = socket.set_linger(Some(Duration::ZERO));
        let _ = socket.shutdown(std::net::Shutdown::Both);
    }
}
