//! Supervision plans: the name, rank and restart policy of stages and tasks. Plans are data, so stages or tasks of the
//! same kind can run under different policies.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::actors::STAGES;

/// Name, rank and restart policy of one supervised stage or task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupervisionPlan {
    /// Unique name: `aggregator` for the only stage of its kind, `connector:news` for one of several instances.
    pub name: Arc<str>,
    /// Kind of stage or task. Metrics are labelled with the kind rather than the name, because there are few kinds but
    /// any number of names.
    pub kind: &'static str,
    /// Position in lists of stages and tasks.
    pub rank: Rank,
    /// Policy for restarting the stage or task after it dies.
    pub policy: RestartPolicy,
}

/// Position in lists of stages and tasks: stages first, in pipeline order, then tasks. Equal ranks are sorted by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Whether it is a stage or a task.
    pub role: Role,
    /// Position among all stages or among all tasks.
    pub position: usize,
}

/// Whether a supervised unit is a stage or a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Actor that is part of the pipeline.
    Stage,
    /// Future that runs alongside the pipeline.
    Task,
}

/// Rules for restarting or giving up on a dead stage or task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Wait after the first death. Each further death within the window doubles the wait.
    pub backoff_first: Duration,
    /// Longest wait before a restart.
    pub backoff_max: Duration,
    /// Period in which deaths are counted, ending with the latest one.
    pub window: Duration,
    /// Number of deaths within the window that makes the process end. With `None`, restarts are not limited, and the
    /// process remains ready in the meantime.
    pub deaths_max: Option<usize>,
}

impl RestartPolicy {
    /// Policy for a stage or task that the process cannot work without. The first wait is short enough to go almost
    /// unnoticed, yet long enough not to keep a core busy. Five deaths within a minute show that restarting does not
    /// help.
    pub const ESSENTIAL: Self = Self {
        backoff_first: Duration::from_secs(1),
        backoff_max: Duration::from_secs(30),
        window: Duration::from_secs(60),
        deaths_max: Some(5),
    };

    /// Policy for one of several instances, such as a source. The other instances keep working, so restarts are not
    /// limited, and waits grow to five minutes.
    pub const UNLIMITED: Self = Self {
        backoff_first: Duration::from_secs(1),
        backoff_max: Duration::from_secs(300),
        window: Duration::from_secs(3_600),
        deaths_max: None,
    };

    /// Returns whether the process is not ready while the stage or task is down.
    pub fn is_essential(&self) -> bool {
        self.deaths_max.is_some()
    }

    fn backoff(&self, n_deaths: usize) -> Duration {
        let doublings = u32::try_from(n_deaths.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
        (self.backoff_first * 2_u32.pow(doublings)).min(self.backoff_max)
    }
}

impl SupervisionPlan {
    /// Returns the plan for a stage that is the only one of its kind.
    pub fn stage(kind: &'static str) -> Self {
        let position = STAGES.iter().position(|stage| *stage == kind).unwrap_or(STAGES.len());
        let rank = Rank { role: Role::Stage, position };
        Self { name: kind.into(), kind, rank, policy: RestartPolicy::ESSENTIAL }
    }

    /// Returns the plan for a task that is the only one of its kind.
    pub fn task(kind: &'static str) -> Self {
        let rank = Rank { role: Role::Task, position: 0 };
        Self { name: kind.into(), kind, rank, policy: RestartPolicy::ESSENTIAL }
    }

    /// Returns the plan for one of several instances, whose deaths never end the process.
    #[must_use]
    pub fn instance(self, name: &str) -> Self {
        Self { name: format!("{}:{name}", self.kind).into(), policy: RestartPolicy::UNLIMITED, ..self }
    }
}

/// Recent deaths, within the window of the restart policy.
#[derive(Debug, Default)]
pub(super) struct Deaths {
    at: VecDeque<Instant>,
}

impl Deaths {
    /// Records a death and returns the wait before the next incarnation; `None` if the policy gives up.
    pub fn record(&mut self, now: Instant, policy: &RestartPolicy) -> Option<Duration> {
        self.at.push_back(now);
        self.at.retain(|at| now.saturating_duration_since(*at) < policy.window);
        let gives_up = policy.deaths_max.is_some_and(|deaths_max| self.at.len() >= deaths_max);
        (!gives_up).then(|| policy.backoff(self.at.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the waits after `n` deaths that are `apart` seconds apart.
    fn waits(policy: &RestartPolicy, apart: u64, n: u64) -> Vec<Option<u64>> {
        let (start, mut deaths) = (Instant::now(), Deaths::default());
        let at = |i: u64| start + Duration::from_secs(i * apart);
        (0..n).map(|i| deaths.record(at(i), policy).map(|wait| wait.as_secs())).collect()
    }

    #[test]
    fn an_essential_stage_that_dies_five_times_in_a_minute_is_given_up() {
        let essential = RestartPolicy::ESSENTIAL;
        assert_eq!(waits(&essential, 1, 5), [Some(1), Some(2), Some(4), Some(8), None]);
        assert_eq!(waits(&essential, 15, 6), [Some(1), Some(2), Some(4), Some(8), Some(8), Some(8)]);
    }

    #[test]
    fn an_instance_is_restarted_without_limit_but_ever_more_slowly() {
        let waits = waits(&RestartPolicy::UNLIMITED, 1, 20);
        assert_eq!(waits.iter().flatten().count(), 20);
        assert_eq!(waits[..4], [Some(1), Some(2), Some(4), Some(8)]);
        assert_eq!(waits[19], Some(300));
    }

    #[test]
    fn stages_are_listed_in_the_order_of_the_flow_with_instances_of_a_kind_side_by_side() {
        let mut plans = [
            SupervisionPlan::task("listener"),
            SupervisionPlan::stage("broadcaster"),
            SupervisionPlan::stage("aggregator").instance("b"),
            SupervisionPlan::stage("ingester"),
            SupervisionPlan::stage("aggregator").instance("a"),
        ];
        plans.sort_by_key(|plan| (plan.rank, Arc::clone(&plan.name)));
        let names: Vec<&str> = plans.iter().map(|plan| plan.name.as_ref()).collect();
        assert_eq!(names, ["ingester", "aggregator:a", "aggregator:b", "broadcaster", "listener"]);
    }
}
