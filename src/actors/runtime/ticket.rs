//! Ticket for a batch, which holds the permit while the batch is in flight and reports how the batch was settled.

use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// How a batch was settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The transaction has committed, and the entries may be acknowledged.
    Recorded,
    /// A stage could not handle the batch. One of its posts may be the cause.
    Failed {
        /// Cause of the failure, for people to read.
        reason: String,
    },
    /// The ticket was dropped, because the stage that held it died or the process is stopping.
    Abandoned,
}

/// Settled batch, reported to the ingester.
///
/// It carries the permit, which is therefore released only after the ingester has acted on the settlement. The channel
/// has one slot per permit, so it is never full.
#[derive(Debug)]
pub struct Settled {
    /// Number that the ingester gave the batch.
    pub batch: u64,
    /// Whether the batch was recorded, failed or abandoned.
    pub settlement: Settlement,
    _permit: OwnedSemaphorePermit,
}

/// Permit for a batch in flight, held until the batch is settled.
///
/// Dropping it unsettled, for example in a panic, reports [`Settlement::Abandoned`]. That is safe: abandoned entries stay
/// pending in Redis and are delivered again.
#[derive(Debug)]
pub struct Ticket {
    batch: u64,
    permit: Option<OwnedSemaphorePermit>,
    report: mpsc::Sender<Settled>,
}

impl Ticket {
    /// Issues a ticket for a batch. The capacity of the `report` channel must be the number of permits.
    pub fn issue(batch: u64, permit: OwnedSemaphorePermit, report: mpsc::Sender<Settled>) -> Self {
        Self { batch, permit: Some(permit), report }
    }

    /// Settles the batch as recorded, after the transaction that stores all of it has committed.
    pub fn recorded(mut self) {
        self.settle(Settlement::Recorded);
    }

    /// Settles the batch as failed, because it cannot be handled as it is.
    pub fn failed(mut self, reason: impl Into<String>) {
        self.settle(Settlement::Failed { reason: reason.into() });
    }

    fn settle(&mut self, settlement: Settlement) {
        let Some(permit) = self.permit.take() else {
            return;
        };
        // An ingester that has restarted in the meantime does not receive this. Its successor claims the entries, so nothing
        // is lost.
        let _ = self.report.try_send(Settled { batch: self.batch, settlement, _permit: permit });
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.settle(Settlement::Abandoned);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    fn issue(report: &mpsc::Sender<Settled>, permits: &Arc<Semaphore>) -> Ticket {
        Ticket::issue(7, Arc::clone(permits).try_acquire_owned().unwrap(), report.clone())
    }

    #[test]
    fn a_dropped_ticket_reports_its_batch_abandoned() {
        let (report, mut settled) = mpsc::channel(1);
        let permits = Arc::new(Semaphore::new(1));
        drop(issue(&report, &permits));
        let settled = settled.try_recv().unwrap();
        assert_eq!((settled.batch, &settled.settlement), (7, &Settlement::Abandoned));
    }

    #[test]
    fn a_recorded_ticket_reports_once_and_only_that() {
        let (report, mut settled) = mpsc::channel(2);
        let permits = Arc::new(Semaphore::new(1));
        issue(&report, &permits).recorded();
        assert_eq!(settled.try_recv().unwrap().settlement, Settlement::Recorded);
        assert!(settled.try_recv().is_err());
    }

    #[test]
    fn the_permit_is_released_only_once_the_settlement_is_handled() {
        let (report, mut settled) = mpsc::channel(1);
        let permits = Arc::new(Semaphore::new(1));
        issue(&report, &permits).recorded();
        assert_eq!(permits.available_permits(), 0);
        drop(settled.try_recv().unwrap());
        assert_eq!(permits.available_permits(), 1);
    }
}
