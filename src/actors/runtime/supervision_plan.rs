//! Supervision plans: the name of a stage or task, its position in lists, and its restart policy. A plan is data, so several
//! of a kind can run under different policies.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::actors::STAGES;

/// One thing that is kept alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its own name, such as `aggregator`; for one of several, its kind and which: `connector:news`.
    pub name: Arc<str>,
    /// What it is one of. Metrics carry this and not the name: there are few kinds, and any number of names.
    pub kind: &'static str,
    /// Where it is shown.
    pub rank: Rank,
    /// How its deaths are taken.
    pub policy: RestartPolicy,
}

/// Where it is shown: stages in the order of the flow, then tasks; those of one kind by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Stages come first.
    pub role: Role,
    /// Among those of its role.
    pub place: usize,
}

/// What part it plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// An actor that messages flow through.
    Stage,
    /// What works beside the flow.
    Task,
}

/// When something that died is started again, and when no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartPolicy {
    /// The wait after the first death. Doubles with each further one.
    pub backoff_first: Duration,
    /// The longest wait.
    pub backoff_max: Duration,
    /// Deaths longer ago no longer count.
    pub window: Duration,
    /// With so many deaths in the window the process ends. `None` never gives up, and is no reason not to be ready.
    pub deaths_max: Option<usize>,
}

impl RestartPolicy {
    /// For what the process cannot do without. Quick enough that one death is hardly seen, slow enough not to burn a
    /// core; what dies five times in a minute is beyond help from inside the process.
    pub const ESSENTIAL: Self = Self {
        backoff_first: Duration::from_secs(1),
        backoff_max: Duration::from_secs(30),
        window: Duration::from_secs(60),
        deaths_max: Some(5),
    };

    /// For one of many, such as a source: the others go on, so it is tried for ever, at last every five minutes.
    pub const ISOLATED: Self = Self {
        backoff_first: Duration::from_secs(1),
        backoff_max: Duration::from_secs(300),
        window: Duration::from_secs(3_600),
        deaths_max: None,
    };

    /// Whether the process is not ready while it is down.
    pub fn is_essential(&self) -> bool {
        self.deaths_max.is_some()
    }

    fn backoff(&self, n_deaths: usize) -> Duration {
        let doublings = u32::try_from(n_deaths.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
        (self.backoff_first * 2_u32.pow(doublings)).min(self.backoff_max)
    }
}

impl Plan {
    /// The one stage of its kind.
    pub fn stage(kind: &'static str) -> Self {
        let place = STAGES.iter().position(|stage| *stage == kind).unwrap_or(STAGES.len());
        let rank = Rank { role: Role::Stage, place };
        Self { name: kind.into(), kind, rank, policy: RestartPolicy::ESSENTIAL }
    }

    /// The one task of its kind.
    pub fn task(kind: &'static str) -> Self {
        let rank = Rank { role: Role::Task, place: 0 };
        Self { name: kind.into(), kind, rank, policy: RestartPolicy::ESSENTIAL }
    }

    /// One of several of its kind: its deaths never end the process.
    #[must_use]
    pub fn isolated(self, which: &str) -> Self {
        Self { name: format!("{}:{which}", self.kind).into(), policy: RestartPolicy::ISOLATED, ..self }
    }
}

/// The deaths that still count.
#[derive(Debug, Default)]
pub(super) struct Deaths {
    at: VecDeque<Instant>,
}

impl Deaths {
    /// Notes a death, and answers how long to wait before the next life; `None` when there is to be none.
    pub fn note(&mut self, now: Instant, policy: &RestartPolicy) -> Option<Duration> {
        self.at.push_back(now);
        self.at.retain(|at| now.saturating_duration_since(*at) < policy.window);
        let gives_up = policy.deaths_max.is_some_and(|deaths_max| self.at.len() >= deaths_max);
        (!gives_up).then(|| policy.backoff(self.at.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The waits after deaths that are so many seconds apart.
    fn waits(policy: &RestartPolicy, apart: u64, n: u64) -> Vec<Option<u64>> {
        let (start, mut deaths) = (Instant::now(), Deaths::default());
        let at = |i: u64| start + Duration::from_secs(i * apart);
        (0..n).map(|i| deaths.note(at(i), policy).map(|wait| wait.as_secs())).collect()
    }

    #[test]
    fn an_essential_stage_that_dies_five_times_in_a_minute_is_given_up() {
        let essential = RestartPolicy::ESSENTIAL;
        assert_eq!(waits(&essential, 1, 5), [Some(1), Some(2), Some(4), Some(8), None]);
        assert_eq!(waits(&essential, 15, 6), [Some(1), Some(2), Some(4), Some(8), Some(8), Some(8)]);
    }

    #[test]
    fn one_of_many_is_tried_for_ever_and_less_and_less_often() {
        let waits = waits(&RestartPolicy::ISOLATED, 1, 20);
        assert_eq!(waits.iter().flatten().count(), 20);
        assert_eq!(waits[..4], [Some(1), Some(2), Some(4), Some(8)]);
        assert_eq!(waits[19], Some(300));
    }

    #[test]
    fn stages_are_shown_in_the_order_of_the_flow_and_those_of_a_kind_side_by_side() {
        let mut plans = [
            Plan::task("listener"),
            Plan::stage("broadcaster"),
            Plan::stage("aggregator").isolated("b"),
            Plan::stage("ingester"),
            Plan::stage("aggregator").isolated("a"),
        ];
        plans.sort_by_key(|plan| (plan.rank, Arc::clone(&plan.name)));
        let names: Vec<&str> = plans.iter().map(|plan| plan.name.as_ref()).collect();
        assert_eq!(names, ["ingester", "aggregator:a", "aggregator:b", "broadcaster", "listener"]);
    }
}
