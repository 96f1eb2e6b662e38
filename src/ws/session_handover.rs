//! Hands an accepted session over from its handler to its connection.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::{SocketPermit, Sockets};
use crate::actors::messages::SessionId;
use crate::live::outbox::Outbox;

/// Parameters of a session.
pub(super) struct SessionParams {
    /// All live connections, with the channels to the broadcaster.
    pub sockets: Sockets,
    /// Permit, released when the session ends.
    pub permit: SocketPermit,
}

impl SessionParams {
    /// Returns the session's id and outbox.
    pub fn id_and_outbox(&self) -> (SessionId, Arc<Outbox>) {
        (self.permit.id, Arc::clone(&self.permit.outbox))
    }
}

/// Slot in which a handler leaves the session that it accepted, for the connection to take over.
#[derive(Clone, Default)]
pub(super) struct SessionSlot(Rc<RefCell<Option<SessionParams>>>);

impl SessionSlot {
    /// Stores a session.
    pub fn fill(&self, session: SessionParams) {
        *self.0.borrow_mut() = Some(session);
    }

    /// Takes the session out of the slot.
    pub fn take(&self) -> Option<SessionParams> {
        self.0.borrow_mut().take()
    }
}
