//! Ends connections whose peers have stopped reading.
//!
//! A session runs only while its peer reads: what is written waits in the connection, and the connection polls the
//! session no more until that is gone, its timers included (actix-web issue 2441). So this looks from outside.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::raw_socket::Line;
use crate::actors::messages::SessionId;
use crate::live::outbox::Outbox;
use crate::telemetry::SOCKETS_EVICTED_TOTAL;

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A session that is to end, and whose peer does not even take that, gets no more time.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// A session is polled at least with every ping, each twenty seconds.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// All connections with sessions. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Lines {
    lines: Arc<Mutex<HashMap<SessionId, Watched>>>,
}

struct Watched {
    outbox: Arc<Outbox>,
    line: Option<Line>,
    is_cut: bool,
}

impl Lines {
    /// Watches a connection until [`Self::release`].
    pub fn hold(&self, id: SessionId, outbox: Arc<Outbox>, line: Option<Line>) {
        self.lock().insert(id, Watched { outbox, line, is_cut: false });
    }

    /// Lets go of a connection whose session ends. Afterwards it is not touched any more.
    pub fn release(&self, id: SessionId) {
        self.lock().remove(&id);
    }

    /// Ends whatever takes nothing for `stall_max`, until it is told to stop.
    pub async fn watch(self, stall_max: Duration, stopping: CancellationToken) {
        let mut look = tokio::time::interval(LOOK_EVERY.min(stall_max));
        loop {
            tokio::select! {
                _ = look.tick() => self.look(Instant::now(), stall_max),
                () = stopping.cancelled() => return,
            }
        }
    }

    fn look(&self, now: Instant, stall_max: Duration) {
        for (id, watched) in self.lock().iter_mut().filter(|(_, watched)| !watched.is_cut) {
            let stalled = watched.outbox.stalled_for(now);
            let is_over = stalled >= stall_max
                || (watched.outbox.is_closing() && stalled >= FAREWELL_MAX.min(stall_max))
                || watched.outbox.silent_for(now) >= SILENCE_MAX;
            if !is_over {
                continue;
            }
            watched.is_cut = true;
            debug!(session = id.0, ?stalled, "a connection that takes nothing is ended");
            metrics::counter!(SOCKETS_EVICTED_TOTAL).increment(1);
            if let Some(line) = &watched.line {
                // Its session lives: it cannot let go of the connection while this holds the lock.
                line.cut();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Watched>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
