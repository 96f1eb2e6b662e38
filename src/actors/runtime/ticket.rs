//! The ticket that rides with a batch: its place in flight, and the promise of an answer.

use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// How a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// Its transaction committed: the entries may be acknowledged.
    Recorded,
    /// A stage could not handle it and says why. One of its posts may be to blame.
    Failed {
        /// What went wrong, for people.
        reason: String,
    },
    /// The ticket was dropped: a stage died with it, or the process is stopping.
    Abandoned,
}

/// A settled batch on its way back to the ingester.
///
/// Carries the permit, so that a place in flight is free only once the ingester has acted on the
/// settlement; the channel, as wide as there are permits, can therefore never be full.
#[derive(Debug)]
pub struct Settled {
    /// Which batch.
    pub batch: u64,
    /// How it ended.
    pub settlement: Settlement,
    _place: OwnedSemaphorePermit,
}

/// Holds a batch's place in flight until the batch is settled.
///
/// Dropping it unsettled, by a panic for example, reports [`Settlement::Abandoned`]: the safe outcome,
/// because abandoned entries stay pending in Redis and are delivered again.
#[derive(Debug)]
pub struct Ticket {
    batch: u64,
    place: Option<OwnedSemaphorePermit>,
    report: mpsc::Sender<Settled>,
}

impl Ticket {
    /// Issues the ticket of one batch. `report` must be as wide as there are permits.
    pub fn issue(batch: u64, place: OwnedSemaphorePermit, report: mpsc::Sender<Settled>) -> Self {
        Self { batch, place: Some(place), report }
    }

    /// The transaction that stores the whole batch has committed.
    pub fn recorded(mut self) {
        self.settle(Settlement::Recorded);
    }

    /// The batch cannot be handled as it is.
    pub fn failed(mut self, reason: impl Into<String>) {
        self.settle(Settlement::Failed { reason: reason.into() });
    }

    fn settle(&mut self, settlement: Settlement) {
        let Some(place) = self.place.take() else {
            return;
        };
        // An ingester that was respawned meanwhile no longer listens. Its successor claims the entries, so
        // nothing is lost.
        let _ = self.report.try_send(Settled { batch: self.batch, settlement, _place: place });
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

    fn issue(report: &mpsc::Sender<Settled>, places: &Arc<Semaphore>) -> Ticket {
        Ticket::issue(7, Arc::clone(places).try_acquire_owned().unwrap(), report.clone())
    }

    #[test]
    fn a_dropped_ticket_reports_its_batch_abandoned() {
        let (report, mut settled) = mpsc::channel(1);
        let places = Arc::new(Semaphore::new(1));
        drop(issue(&report, &places));
        let settled = settled.try_recv().unwrap();
        assert_eq!((settled.batch, &settled.settlement), (7, &Settlement::Abandoned));
    }

    #[test]
    fn a_recorded_ticket_reports_once_and_only_that() {
        let (report, mut settled) = mpsc::channel(2);
        let places = Arc::new(Semaphore::new(1));
        issue(&report, &places).recorded();
        assert_eq!(settled.try_recv().unwrap().settlement, Settlement::Recorded);
        assert!(settled.try_recv().is_err());
    }

    #[test]
    fn a_place_is_free_only_once_the_settlement_is_handled() {
        let (report, mut settled) = mpsc::channel(1);
        let places = Arc::new(Semaphore::new(1));
        issue(&report, &places).recorded();
        assert_eq!(places.available_permits(), 0);
        drop(settled.try_recv().unwrap());
        assert_eq!(places.available_permits(), 1);
    }
}
