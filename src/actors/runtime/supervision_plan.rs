//! Supervision plans: name, list position and restart policy of a stage or task. A plan is data, so stages or tasks of the
//! same kind can run under different policies.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::actors::STAGES;

/// Name, rank and restart policy of one supervised stage or task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupervisionPlan {
    /// Unique name, such as `aggregator`. One of several instances has its kind and its own name, such as `connector:news`.
    pub name: Arc<str>,
    /// Kind of stage or task. Metrics carry the kind instead of the name, because there are few kinds but any number of
    /// names.
    pub kind: &'static str,
    /// Position in lists.
    pub rank: Rank,
    /// How to restart it after a death.
    pub policy: RestartPolicy,
}

/// Position in lists: stages in the order of the flow, then tasks. Equal ranks are sorted by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Whether it is a stage or a task; stages come first.
    pub role: Role,
    /// Position within its role.
    pub position: usize,
}

/// Kind of supervised unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Actor that messages flow through.
    Stage,
    /// Future that works alongside the flow.
    Task,
}

/// Rules for restarting a stage or task that died, and for giving up on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Wait after the first death. It doubles with each further death.
    pub backoff_first: Duration,
    /// Longest wait.
    pub backoff_max: Duration,
    /// Period within which deaths count.
    pub window: Duration,
    /// Number of deaths within the window that ends the process. `None` restarts without limit, and the process stays ready.
    pub deaths_max: Option<usize>,
}

impl RestartPolicy {
    /// Policy for what the process cannot work without. The backoff is short enough that a single death is hardly noticed,
    /// and long enough not to burn a core. Five deaths within a minute show that restarting does not help.
    pub const ESSENTIAL: Self = Self {
        backoff_first: Duration::from_secs(1),
        backoff_max: Duration::from_secs(30),
        window: Duration::from_secs(60),
        deaths_max: Some(5),
    };

    /// Policy for one of several instances, such as a source. The others keep working, so it is restarted without limit,
    /// with waits of up to five minutes.
    pub const UNLIMITED: Self = Self {
        backoff_first: Duration::from_secs(1),
        backoff_max: Duration::from_secs(300),
        window: Duration::from_secs(3_600),
        deaths_max: None,
    };

    /// Returns whether the process is not ready while this is down.
    pub fn is_essential(&self) -> bool {
        self.deaths_max.is_some()
    }

    fn backoff(&self, n_deaths: usize) -> Duration {
        let doublings = u32::try_from(n_deaths.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
        (self.backoff_first * 2_u32.pow(doublings)).min(self.backoff_max)
    }
}

impl SupervisionPlan {
    /// Returns the plan of the only stage of a kind.
    pub fn stage(kind: &'static str) -> Self {
        let position = STAGES.iter().position(|stage| *stage == kind).unwrap_or(STAGES.len());
        let rank = Rank { role: Role::Stage, position };
        Self { name: kind.into(), kind, rank, policy: RestartPolicy::ESSENTIAL }
    }

    /// Returns the plan of the only task of a kind.
    pub fn task(kind: &'static str) -> Self {
        let rank = Rank { role: Role::Task, position: 0 };
        Self { name: kind.into(), kind, rank, policy: RestartPolicy::ESSENTIAL }
    }

    /// Turns this into the plan of one of several instances, whose deaths never end the process.
    #[must_use]
    pub fn instance(self, name: &str) -> Self {
        Self { name: format!("{}:{name}", self.kind).into(), policy: RestartPolicy::UNLIMITED, ..self }
    }
}

/// Deaths within the window of a restart policy.
#[derive(Debug, Default)]
pub(super) struct Deaths {
    at: VecDeque<Instant>,
}

impl Deaths {
    /// Records a death and returns the wait before the next incarnation; `None` when the policy gives up.
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

    /// The waits after `n` deaths that are `apart` seconds apart.
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
