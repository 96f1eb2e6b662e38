//! Exclusive background tasks of a stage, of which at most one per slot runs at a time.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{Actor, ActorFutureExt, AsyncContext, Context};
use tokio::runtime::Handle;
use tokio::task::JoinError;

/// Slot for one background task of a stage.
///
/// Stages do not `wait` for such tasks: if a server hung, the stage would not respond to heartbeats, and the supervisor
/// would consider it frozen. The slot belongs to the incarnation, so a restarted stage has a free one.
#[derive(Debug)]
pub struct ExclusiveTask {
    io: Handle,
    occupied: Rc<Cell<bool>>,
}

impl ExclusiveTask {
    /// Creates a free slot whose tasks run on `io`.
    pub fn new(io: &Handle) -> Self {
        Self { io: io.clone(), occupied: Rc::default() }
    }

    /// Returns whether the slot is occupied by a task or a pause.
    pub fn is_under_way(&self) -> bool {
        self.occupied.get()
    }

    /// Starts `work` if the slot is free, and returns whether it did.
    ///
    /// Once the work has returned or panicked, the slot is free again, and `ended` runs on the actor with the result or
    /// the panic.
    pub fn start<A, F>(
        &self,
        work: F,
        context: &mut Context<A>,
        ended: impl FnOnce(&mut A, Result<F::Output, JoinError>, &mut Context<A>) + 'static,
    ) -> bool
    where
        A: Actor<Context = Context<A>>,
        F: Future<Output: Send> + Send + 'static,
    {
        if self.occupied.replace(true) {
            return false;
        }
        let occupied = Rc::clone(&self.occupied);
        // unsupervised: the work ends, and the actor waits for it
        let done = wrap_future::<_, A>(self.io.spawn(work)).map(move |outcome, actor, context| {
            occupied.set(false);
            ended(actor, outcome, context);
        });
        context.spawn(done);
        true
    }

    /// Occupies the free slot for the length of `pause`, then calls `next`.
    pub fn rest<A>(
        &self,
        pause: Duration,
        context: &mut Context<A>,
        next: impl FnOnce(&mut A, &mut Context<A>) + 'static,
    ) where
        A: Actor<Context = Context<A>>,
    {
        self.occupied.set(true);
        let occupied = Rc::clone(&self.occupied);
        context.run_later(pause, move |actor, context| {
            occupied.set(false);
            next(actor, context);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::{Semaphore, mpsc, watch};

    use super::*;

    /// Starts a task on every tick, reports how each one ended, and pauses after the first.
    struct Worker {
        task: ExclusiveTask,
        gate: Arc<Semaphore>,
        ended: mpsc::Sender<Option<usize>>,
        n_started: usize,
        /// Number of ticks, and of the tasks that they started.
        seen: watch::Sender<(usize, usize)>,
    }

    impl Worker {
        fn tick(&mut self, context: &mut Context<Self>) {
            let (gate, n) = (Arc::clone(&self.gate), self.n_started);
            let work = async move {
                gate.acquire().await.unwrap().forget();
                assert!(n != 1, "the second task panics");
                n
            };
            let is_started = self.task.start(work, context, |worker, outcome, context| {
                assert!(!worker.task.is_under_way());
                worker.ended.try_send(outcome.ok()).unwrap();
                if worker.n_started == 1 {
                    worker.task.rest(Duration::from_millis(40), context, |worker, _| {
                        assert!(!worker.task.is_under_way());
                        assert_eq!(worker.n_started, 1, "nothing was started during the rest");
                    });
                }
            });
            self.n_started += usize::from(is_started);
            self.seen
                .send_modify(|(n_ticks, n_started)| (*n_ticks, *n_started) = (*n_ticks + 1, self.n_started));
        }
    }

    impl Actor for Worker {
        type Context = Context<Self>;

        fn started(&mut self, context: &mut Self::Context) {
            context.run_interval(Duration::from_millis(2), Self::tick);
        }
    }

    #[actix::test]
    async fn one_task_is_under_way_and_the_next_starts_after_an_end_a_panic_or_a_rest() {
        let (sender, mut ended) = mpsc::channel(8);
        let gate = Arc::new(Semaphore::new(0));
        let (seen, mut ticks) = watch::channel((0, 0));
        let task = ExclusiveTask::new(&Handle::current());
        Worker { task, gate: Arc::clone(&gate), ended: sender, n_started: 0, seen }.start();
        let (_, n_started) = *ticks.wait_for(|(n_ticks, _)| *n_ticks > 10).await.unwrap();
        assert_eq!(n_started, 1, "the others find it under way");
        gate.add_permits(8);
        let mut outcomes = Vec::new();
        for _ in 0..4 {
            outcomes.extend(ended.recv().await);
        }
        assert_eq!(outcomes, [Some(0), None, Some(2), Some(3)]);
    }
}
