//! Writer to a connection. Shared bytes go straight from the outbox to the kernel.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use actix_web::rt::net::TcpStream;
use bytes::{Buf, Bytes};

use super::outbox_batches::BATCH_BYTES;
use crate::live::encode;
use crate::live::outbox::Outbox;
use crate::live::outbox_batch::{Batch, CloseReason};

/// Maximum number of buffers to pass to the kernel in one call.
const PIECES_MAX: usize = 16;

/// Write half of a connection.
///
/// Frames are written from their shared buffers without copying. If the kernel has no room, the rest of one batch waits
/// here, and everything after it waits in the outbox, subject to the outbox's limits.
pub(super) struct SocketWriter {
    /// Connection to write to, shared with the reader.
    pub stream: TcpStream,
    /// Frames queued for the connection.
    pub outbox: Arc<Outbox>,
    state: RefCell<WriterState>,
}

#[derive(Default)]
struct WriterState {
    unsent: VecDeque<Bytes>,
    n_unsent: usize,
    /// Close reason, set once everything before it has been taken from the outbox.
    close_reason: Option<CloseReason>,
    /// Time at which the close reason was taken from the outbox.
    closing_since: Option<Instant>,
    is_broken: bool,
    /// Waker of the connection's task, which waits until the kernel has room again.
    task: Option<Waker>,
}

impl SocketWriter {
    /// Creates a writer for a new connection.
    pub fn new(stream: TcpStream, outbox: Arc<Outbox>) -> Self {
        Self { stream, outbox, state: RefCell::default() }
    }

    /// Sends frames from the outbox until it is empty or the kernel has no room. Wakes `context` when an empty outbox
    /// has frames again.
    pub fn pump(&self, context: &Context<'_>) {
        let mut state = self.state.borrow_mut();
        while state.unsent.is_empty() && !state.is_broken && state.close_reason.is_none() {
            let Poll::Ready(batch) = self.outbox.poll_batch(context, BATCH_BYTES) else {
                return;
            };
            let is_all = batch.is_all;
            state.take(batch);
            state.write(&self.stream);
            if is_all && state.unsent.is_empty() {
                return;
            }
        }
        // The connection's task must wait for room, or end the session.
        state.wake();
    }

    /// Sends bytes that do not come from the outbox, such as control frames.
    pub fn send(&self, bytes: Bytes) {
        let mut state = self.state.borrow_mut();
        state.push(bytes);
        state.write(&self.stream);
    }

    /// Sends the bytes that the kernel had no room for. Ready once everything is sent. Only the connection's task may
    /// poll it.
    ///
    /// # Errors
    /// If the connection is broken.
    pub fn poll_flush(&self, context: &mut Context<'_>) -> Poll<Result<(), ErrorKind>> {
        let mut state = self.state.borrow_mut();
        if !state.task.as_ref().is_some_and(|task| task.will_wake(context.waker())) {
            state.task = Some(context.waker().clone());
        }
        loop {
            if state.is_broken {
                return Poll::Ready(Err(ErrorKind::BrokenPipe));
            }
            if state.unsent.is_empty() {
                return Poll::Ready(Ok(()));
            }
            if ready!(self.stream.poll_write_ready(context)).is_err() {
                state.is_broken = true;
            }
            state.write(&self.stream);
        }
    }

    /// Returns the number of bytes that the kernel had no room for.
    pub fn n_unsent(&self) -> usize {
        self.state.borrow().n_unsent
    }

    /// Returns how long the end of the session has been delayed because the peer has not read what precedes it.
    pub fn overdue(&self) -> Duration {
        let state = self.state.borrow();
        state
            .closing_since
            .filter(|_| !state.unsent.is_empty())
            .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Marks the connection as broken and wakes its task.
    pub fn abort(&self) {
        // If the writer panicked, it still holds the borrow and gives up the connection by itself.
        if let Ok(mut state) = self.state.try_borrow_mut() {
            state.is_broken = true;
            state.wake();
        }
    }

    /// Borrows the state; a concurrent write would panic.
    #[cfg(test)]
    pub fn hold(&self) -> std::cell::RefMut<'_, impl Sized> {
        self.state.borrow_mut()
    }

    /// Returns the close reason once everything before it is sent. The connection's task is woken when that happens.
    pub fn take_close_reason(&self) -> Option<CloseReason> {
        let mut state = self.state.borrow_mut();
        if state.unsent.is_empty() { state.close_reason.take() } else { None }
    }
}

impl WriterState {
    fn take(&mut self, batch: Batch) {
        for frame in &batch.frames {
            self.push(frame.message.clone());
        }
        if let Some(skipped) = batch.skipped {
            match encode::skipped(skipped) {
                Ok(frame) => self.push(frame.message),
                Err(error) => tracing::error!(%error, "cannot encode a frame"),
            }
        }
        self.close_reason = batch.close_reason;
        self.closing_since = batch.close_reason.map(|_| Instant::now());
    }

    fn push(&mut self, bytes: Bytes) {
        self.n_unsent += bytes.len();
        self.unsent.push_back(bytes);
    }

    /// Writes until everything is written or the kernel has no room.
    fn write(&mut self, stream: &TcpStream) {
        while !self.unsent.is_empty() && !self.is_broken {
            let written = match self.unsent.front() {
                Some(only) if self.unsent.len() == 1 => stream.try_write(only),
                _ => {
                    let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
                    let n_pieces = pieces
                        .iter_mut()
                        .zip(&self.unsent)
                        .map(|(piece, bytes)| *piece = IoSlice::new(bytes))
                        .count();
                    stream.try_write_vectored(pieces.get(..n_pieces).unwrap_or_default())
                }
            };
            match written {
                Ok(0) => self.is_broken = true,
                Ok(n_bytes) => self.advance(n_bytes),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.is_broken = true,
            }
        }
        if self.unsent.is_empty() && self.unsent.capacity() > PIECES_MAX {
            // Once a connection has caught up, it releases its backlog's memory.
            self.unsent = VecDeque::new();
        }
    }

    fn advance(&mut self, mut n_bytes: usize) {
        self.n_unsent = self.n_unsent.saturating_sub(n_bytes);
        while let Some(front) = self.unsent.front_mut() {
            if front.len() > n_bytes {
                front.advance(n_bytes);
                return;
            }
            n_bytes -= front.len();
            self.unsent.pop_front();
        }
    }

    fn wake(&mut self) {
        if let Some(task) = self.task.take() {
            task.wake();
        }
    }
}
