//! Stream of the batches in an outbox.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;

use crate::live::outbox::Outbox;
use crate::live::outbox_batch::Batch;

/// Approximate size of a batch in bytes. A frame that has left the outbox can no longer be replaced by a newer one, so
/// batches are small, but large enough to be worth a system call.
pub(super) const BATCH_BYTES: usize = 32 * 1024;

/// Endless stream of the batches in an outbox.
pub(super) struct Drain {
    outbox: Arc<Outbox>,
    /// Whether the last poll returned a batch. The connection then gets a chance to send it before the next one is
    /// taken.
    is_sending: bool,
}

impl Drain {
    pub fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox, is_sending: false }
    }
}

impl Stream for Drain {
    type Item = Batch;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Batch>> {
        if std::mem::take(&mut self.is_sending) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let batch = std::task::ready!(self.outbox.poll_batch(context, BATCH_BYTES));
        self.is_sending = true;
        Poll::Ready(Some(batch))
    }
}
