//! Registry of all connections: aborts those whose peers have stopped reading, and ends those of a principal.
//!
//! A session runs only while its peer reads: as long as written bytes are pending, the connection does not poll the
//! session, which also stops its timers (actix-web issue 2441). The watchdog therefore runs outside the session.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::abort_handle::RawSocket;
use crate::actors::messages::SessionId;
use crate::live::outbox::Outbox;
use crate::models::principal::Principal;
use crate::telemetry::SOCKETS_EVICTED_TOTAL;

/// Interval between checks.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Maximum time for the peer of a closing session to read the close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum time between polls of a session. Each ping polls the session, so it is polled at least every twenty seconds.
const POLL_TIMEOUT: Duration = Duration::from_secs(60);

/// Raw connections of all sessions. Clones share them.
#[derive(Clone, Default)]
pub(super) struct RawSockets {
    sockets: Arc<Mutex<HashMap<SessionId, Watched>>>,
}

/// Connection with what is needed to watch and to end it.
pub(super) struct Watched {
    principal: Principal,
    outbox: Arc<Outbox>,
    socket: Option<RawSocket>,
    is_aborted: bool,
}

impl Watched {
    /// Creates the entry of a connection.
    pub fn new(principal: Principal, outbox: Arc<Outbox>, socket: Option<RawSocket>) -> Self {
        Self { principal, outbox, socket, is_aborted: false }
    }
}

impl RawSockets {
    /// Watches a connection until [`Self::release`].
    pub fn hold(&self, id: SessionId, watched: Watched) {
        self.lock().insert(id, watched);
    }

    /// Stops watching a connection whose session is ending. The connection is not accessed afterwards.
    pub fn release(&self, id: SessionId) {
        self.lock().remove(&id);
    }

    /// Closes the outbox of every connection whose principal matches. A peer that does not read its close reason is then
    /// aborted like any other.
    pub fn end(&self, is_ended: impl Fn(&Principal) -> bool) {
        for watched in self.lock().values().filter(|watched| is_ended(&watched.principal)) {
            watched.outbox.end();
        }
    }

    /// Returns the principals of all connections, each once.
    pub fn principals(&self) -> HashSet<Principal> {
        self.lock().values().map(|watched| watched.principal).collect()
    }

    /// Aborts every connection whose peer has read nothing for `stall_max`, until cancelled.
    pub async fn watch(self, stall_max: Duration, stopping: CancellationToken) {
        let mut ticks = tokio::time::interval(CHECK_EVERY.min(stall_max));
        loop {
            tokio::select! {
                _ = ticks.tick() => self.check(Instant::now(), stall_max),
                () = stopping.cancelled() => return,
            }
        }
    }

    fn check(&self, now: Instant, stall_max: Duration) {
        for (id, watched) in self.lock().iter_mut().filter(|(_, watched)| !watched.is_aborted) {
            let stalled = watched.outbox.stalled_for(now);
            let is_over = stalled >= stall_max
                || (watched.outbox.is_closing() && stalled >= CLOSE_TIMEOUT.min(stall_max))
                || watched.outbox.silent_for(now) >= POLL_TIMEOUT;
            if !is_over {
                continue;
            }
            watched.is_aborted = true;
            debug!(session = id.0, ?stalled, "aborting a connection whose peer reads nothing");
            metrics::counter!(SOCKETS_EVICTED_TOTAL).increment(1);
            if let Some(socket) = &watched.socket {
                // The session is alive: it cannot release the connection while this code holds the lock.
                socket.abort();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Watched>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
