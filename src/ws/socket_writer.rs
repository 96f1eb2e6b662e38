//! What is written on a connection: shared bytes, straight from the outbox to the kernel.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use actix_web::rt::net::TcpStream;
use bytes::{Buf, Bytes};

use super::drain::BATCH_BYTES;
use crate::live::encode;
use crate::live::outbox::{Batch, CloseReason, Outbox};

/// Pieces handed to the kernel with one call.
const PIECES_MAX: usize = 16;

/// The writing half of a connection.
///
/// Frames are written as they are shared: nothing is copied between the broadcaster and the kernel. Where the kernel has no
/// room, the rest of one batch waits here and everything after it in the outbox, by its rules.
pub(super) struct Wire {
    /// The connection.
    pub stream: TcpStream,
    /// What waits for it.
    pub outbox: Arc<Outbox>,
    writing: RefCell<Writing>,
}

#[derive(Default)]
struct Writing {
    unsent: VecDeque<Bytes>,
    n_unsent: usize,
    /// Everything before it has been taken from the outbox, and nothing follows.
    close_reason: Option<CloseReason>,
    /// When that became known.
    leaves_since: Option<Instant>,
    is_broken: bool,
    /// The connection's own task, which waits for room.
    task: Option<Waker>,
}

impl Wire {
    /// Nothing was written yet.
    pub fn new(stream: TcpStream, outbox: Arc<Outbox>) -> Self {
        Self { stream, outbox, writing: RefCell::default() }
    }

    /// Sends what waits in the outbox, until nothing does or the kernel has no room. `bell` is rung when there is something
    /// again.
    pub fn pump(&self, bell: &Context<'_>) {
        let mut writing = self.writing.borrow_mut();
        while writing.unsent.is_empty() && !writing.is_broken && writing.close_reason.is_none() {
            let Poll::Ready(batch) = self.outbox.poll_batch(bell, BATCH_BYTES) else {
                return;
            };
            let is_all = batch.is_all;
            writing.take(batch);
            writing.write(&self.stream);
            if is_all && writing.unsent.is_empty() {
                return;
            }
        }
        // There is room to wait for, or an end to be made.
        writing.wake();
    }

    /// Sends something that is no frame of the outbox.
    pub fn say(&self, bytes: Bytes) {
        let mut writing = self.writing.borrow_mut();
        writing.push(bytes);
        writing.write(&self.stream);
    }

    /// Sends what the kernel had no room for, and answers once that is done. Whoever asks is the connection's task.
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn poll_flush(&self, context: &mut Context<'_>) -> Poll<Result<(), ErrorKind>> {
        let mut writing = self.writing.borrow_mut();
        if !writing.task.as_ref().is_some_and(|task| task.will_wake(context.waker())) {
            writing.task = Some(context.waker().clone());
        }
        loop {
            if writing.is_broken {
                return Poll::Ready(Err(ErrorKind::BrokenPipe));
            }
            if writing.unsent.is_empty() {
                return Poll::Ready(Ok(()));
            }
            if ready!(self.stream.poll_write_ready(context)).is_err() {
                writing.is_broken = true;
            }
            writing.write(&self.stream);
        }
    }

    /// Bytes the kernel had no room for.
    pub fn n_unsent(&self) -> usize {
        self.writing.borrow().n_unsent
    }

    /// For how long the session was to end and its peer has not taken what comes before.
    pub fn overdue(&self) -> Duration {
        let writing = self.writing.borrow();
        writing
            .leaves_since
            .filter(|_| !writing.unsent.is_empty())
            .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Gives the connection up, and lets its task know.
    pub fn break_off(&self) {
        // Whoever writes at the moment gives it up by itself.
        if let Ok(mut writing) = self.writing.try_borrow_mut() {
            writing.is_broken = true;
            writing.wake();
        }
    }

    /// Whoever writes while this is held panics.
    #[cfg(test)]
    pub fn hold(&self) -> std::cell::RefMut<'_, impl Sized> {
        self.writing.borrow_mut()
    }

    /// Why the session is to end, once everything before that is on its way. The connection's task is woken for it.
    pub fn take_close_reason(&self) -> Option<CloseReason> {
        let mut writing = self.writing.borrow_mut();
        if writing.unsent.is_empty() { writing.close_reason.take() } else { None }
    }
}

impl Writing {
    fn take(&mut self, batch: Batch) {
        for frame in &batch.frames {
            self.push(frame.message.clone());
        }
        if let Some(skipped) = batch.skipped {
            match encode::skipped(skipped) {
                Ok(frame) => self.push(frame.message),
                Err(error) => tracing::error!(%error, "a frame could not be encoded"),
            }
        }
        self.close_reason = batch.close_reason;
        self.leaves_since = batch.close_reason.map(|_| Instant::now());
    }

    fn push(&mut self, bytes: Bytes) {
        self.n_unsent += bytes.len();
        self.unsent.push_back(bytes);
    }

    /// Writes until all is written or the kernel has no room.
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
            // A connection that caught up gives back what it needed for it.
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
