//! Scoring on threads that the kernel runs only when a CPU would otherwise be idle.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use tokio::sync::oneshot;
use tracing::warn;

use crate::inference::{InferenceError, Reading, Scorer, ScorerFactory};
use crate::models::score::ModelId;

/// Makes scorers whose work runs under `SCHED_IDLE`.
///
/// A thread of the lowest nice value is still protected by the scheduler for a slice of about 3 ms once it runs, and a
/// post crosses some twenty threads on its way from HTTP to a socket: on two busy CPUs those waits added up to half of
/// the latency's tail. A `SCHED_IDLE` thread is preempted at once by any other (sched(7)).
///
/// Nothing but [`Scorer::score`] runs there. Whoever builds and calls the scorer keeps the ordinary policy, so queues,
/// permits and metrics are never locked by a thread that may not run again for seconds.
pub struct IdleFactory {
    inner: Arc<dyn ScorerFactory>,
}

impl IdleFactory {
    /// Wraps what makes the scorers proper.
    pub fn new(inner: Arc<dyn ScorerFactory>) -> Self {
        Self { inner }
    }
}

impl ScorerFactory for IdleFactory {
    fn model(&self) -> Arc<ModelId> {
        self.inner.model()
    }

    fn build(&self) -> Result<Box<dyn Scorer>, InferenceError> {
        let scorer = self.inner.build()?;
        let model = Arc::clone(scorer.model());
        let (jobs, waiting) = sync_channel(1);
        thread::Builder::new()
            .name("deep-idle".to_owned())
            .spawn(move || work(&waiting))
            .map_err(|error| InferenceError::Runtime(format!("no thread for the model: {error}")))?;
        Ok(Box::new(IdleScorer { scorer: Some(scorer), model, jobs }))
    }
}

/// Lends its scorer to a thread of its own for each call, and gets it back with the answer. The thread ends with it.
struct IdleScorer {
    /// `None` after a panic, which may have left it in any state.
    scorer: Option<Box<dyn Scorer>>,
    model: Arc<ModelId>,
    jobs: SyncSender<Job>,
}

struct Job {
    scorer: Box<dyn Scorer>,
    texts: Vec<String>,
    done: oneshot::Sender<Result<Done, Box<dyn Any + Send>>>,
}

struct Done {
    scorer: Box<dyn Scorer>,
    readings: Result<Vec<Reading>, InferenceError>,
}

impl Scorer for IdleScorer {
    fn model(&self) -> &Arc<ModelId> {
        &self.model
    }

    fn reads(&self, language: &str) -> bool {
        self.scorer.as_ref().is_none_or(|scorer| scorer.reads(language))
    }

    /// # Panics
    /// When the scorer itself does; afterwards there is none, and every call is an error.
    fn score(&mut self, texts: &[&str]) -> Result<Vec<Reading>, InferenceError> {
        let gone = || InferenceError::Runtime("the thread of the scorer has ended".to_owned());
        let scorer = self.scorer.take().ok_or_else(gone)?;
        let (done, answer) = oneshot::channel();
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self.jobs.send(Job { scorer, texts, done }).map_err(|_| gone())?;
        let Done { scorer, readings } = match answer.blocking_recv().map_err(|_| gone())? {
            Ok(done) => done,
            Err(panic) => resume_unwind(panic),
        };
        self.model = Arc::clone(scorer.model());
        self.scorer = Some(scorer);
        readings
    }

    fn n_remembered(&self) -> usize {
        self.scorer.as_ref().map_or(0, |scorer| scorer.n_remembered())
    }
}

fn work(waiting: &Receiver<Job>) {
    if let Err(error) = run_when_idle() {
        warn!(%error, "the deep model competes with everything else for the CPU");
    }
    while let Ok(Job { mut scorer, texts, done }) = waiting.recv() {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let outcome = catch_unwind(AssertUnwindSafe(move || {
            let readings = scorer.score(&texts);
            Done { scorer, readings }
        }));
        // A caller that is gone no longer wants it.
        let _ = done.send(outcome);
    }
}

/// Gives the calling thread the policy `SCHED_IDLE`. An unprivileged thread cannot leave it again.
fn run_when_idle() -> std::io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: reads one struct that outlives the call, and 0 is the calling thread.
    match unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &parameters) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::Tier;
    use crate::inference::fake::FakeFactory;

    fn scorer() -> Box<dyn Scorer> {
        IdleFactory::new(Arc::new(FakeFactory { tier: Tier::Deep })).build().unwrap()
    }

    /// Answers with the policy of the thread it is scored on.
    struct Policy(Arc<ModelId>);

    impl Scorer for Policy {
        fn model(&self) -> &Arc<ModelId> {
            &self.0
        }

        fn score(&mut self, _: &[&str]) -> Result<Vec<Reading>, InferenceError> {
            let policy = unsafe { libc::sched_getscheduler(0) };
            Ok(vec![Reading { toxicity: policy as f32, ..Reading::default() }])
        }
    }

    struct PolicyFactory;

    impl ScorerFactory for PolicyFactory {
        fn model(&self) -> Arc<ModelId> {
            FakeFactory { tier: Tier::Deep }.model()
        }

        fn build(&self) -> Result<Box<dyn Scorer>, InferenceError> {
            Ok(Box::new(Policy(self.model())))
        }
    }

    #[test]
    fn only_scoring_yields_to_every_other_thread() {
        let mut scorer = IdleFactory::new(Arc::new(PolicyFactory)).build().unwrap();
        assert_eq!(scorer.score(&["x"]).unwrap()[0].toxicity, libc::SCHED_IDLE as f32);
        assert_eq!(unsafe { libc::sched_getscheduler(0) }, libc::SCHED_OTHER);
    }

    #[test]
    fn answers_and_errors_are_those_of_the_scorer_itself() {
        let mut direct = FakeFactory { tier: Tier::Deep }.build().unwrap();
        let mut idle = scorer();
        for texts in [&["love", "hate"][..], &["I cancel"], &[]] {
            assert_eq!(idle.score(texts).unwrap(), direct.score(texts).unwrap());
        }
        assert!(idle.score(&["poison-error"]).is_err());
        assert_eq!(idle.score(&["love"]).unwrap(), direct.score(&["love"]).unwrap());
        assert_eq!(idle.model(), direct.model());
    }

    #[test]
    fn a_panic_reaches_the_caller_and_leaves_no_scorer_behind() {
        let mut idle = scorer();
        let panicked = catch_unwind(AssertUnwindSafe(|| idle.score(&["poison-deep"])));
        assert!(panicked.unwrap_err().downcast_ref::<String>().unwrap().contains("poison-deep"));
        assert!(idle.score(&["love"]).is_err());
    }
}
