//! Handover of an accepted session from its handler to its connection.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::{SocketPermit, Sockets};
use crate::actors::messages::SessionId;
use crate::live::outbox::Outbox;

/// Everything that a session needs to start.
pub(super) struct SessionParams {
    /// Registry of live connections, with the channels to the broadcaster.
    pub sockets: Sockets,
    /// Permit for the connection, held until the session ends.
    pub permit: SocketPermit,
}

impl SessionParams {
    /// Returns the id and outbox of the session.
    pub fn id_and_outbox(&self) -> (SessionId, Arc<Outbox>) {
        (self.permit.id, Arc::clone(&self.permit.outbox))
    }
}

/// Slot where a handler leaves an accepted session for the connection to take over.
#[derive(Clone, Default)]
pub(super) struct SessionSlot(Rc<RefCell<Option<SessionParams>>>);

impl SessionSlot {
    /// Leaves a session in the slot.
    pub fn fill(&self, session: SessionParams) {
        *self.0.borrow_mut() = Some(session);
    }

    /// Takes the session out of the slot, if there is one.
    pub fn take(&self) -> Option<SessionParams> {
        self.0.borrow_mut().take()
    }
}
