//! State machine of a series, which is one rule applied to one scope: inactive, pending, firing, recovering, resolved.
//!
//! A resolved series is inactive, but remembers when it resolved, for the cooldown, and when it recently opened.

use jiff::{SignedDuration, Timestamp};

use crate::models::evaluation::{Phase, Series};

/// Number of openings within [`FLAP_WITHIN`] at which a series counts as flapping; from then on, its changes cause no
/// notifications.
pub const FLAP_OPENINGS: usize = 4;

/// Period over which openings are counted; see [`FLAP_OPENINGS`].
pub const FLAP_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// How long a flapping series must be clear before it resolves. Until then its alert is kept open, so its end is
/// reported only once.
pub const FLAP_CALM: SignedDuration = SignedDuration::from_mins(10);

/// Verdict of a rule on one measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The value is beyond the threshold.
    Breach,
    /// The value is between the threshold and the clearing threshold.
    Between,
    /// The value is past the clearing threshold.
    Clear,
}

/// Durations that a rule defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleTiming {
    /// How long the condition must hold before an alert opens.
    pub hold: SignedDuration,
    /// How long the condition must stay clear before the alert resolves.
    pub keep_firing: SignedDuration,
    /// How long after an alert resolves before another can open.
    pub cooldown: SignedDuration,
}

/// Effect of a measurement on a series; it may call for a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// An alert opened because the condition held for long enough.
    Opened {
        /// Time at which the condition began to hold.
        pending_since: Timestamp,
    },
    /// The condition cleared; the alert remains open for now.
    Recovering,
    /// The condition held again before the alert resolved; it is still the same alert.
    Relapsed,
    /// The condition stayed clear for long enough, so the alert resolved.
    Resolved,
}

impl Series {
    /// Returns the state of a series that has never fired.
    pub fn at_rest(now: Timestamp) -> Self {
        Self { phase: Phase::Inactive, since: now, resolved_at: None, openings: Vec::new(), flapping: false }
    }

    /// Returns the state after another measurement, and the transition if there is one.
    #[must_use]
    pub fn step(&self, verdict: Verdict, timing: RuleTiming, now: Timestamp) -> (Self, Option<Transition>) {
        match (self.phase, verdict) {
            (Phase::Inactive, Verdict::Breach) => self.rise(now, timing, now),
            (Phase::Pending, Verdict::Breach) => self.rise(self.since, timing, now),
            (Phase::Inactive, _) => (self.clone(), None),
            (Phase::Pending, _) => (self.entering(Phase::Inactive, now), None),
            (Phase::Firing, Verdict::Clear) => self.fall(now, timing, now),
            (Phase::Recovering, Verdict::Clear) => self.fall(self.since, timing, now),
            (Phase::Firing, _) => (self.clone(), None),
            (Phase::Recovering, _) => {
                (self.entering(Phase::Firing, now), self.unless_flapping(Transition::Relapsed))
            }
        }
    }

    /// Returns whether the state no longer influences anything and can be deleted.
    pub fn is_forgettable(&self, timing: RuleTiming, now: Timestamp) -> bool {
        self.phase == Phase::Inactive
            && !self.is_cooling(timing, now)
            && self.openings.iter().all(|at| now.duration_since(*at) >= FLAP_WITHIN)
    }

    /// Advances a series whose condition has held since `since`.
    fn rise(&self, since: Timestamp, timing: RuleTiming, now: Timestamp) -> (Self, Option<Transition>) {
        if now.duration_since(since) < timing.hold || self.is_cooling(timing, now) {
            return (self.entering(Phase::Pending, since), None);
        }
        let mut openings = self.openings.clone();
        openings.retain(|at| now.duration_since(*at) < FLAP_WITHIN);
        openings.push(now);
        if openings.len() > FLAP_OPENINGS {
            openings.remove(0);
        }
        let flapping = openings.len() >= FLAP_OPENINGS;
        let opened = Self { openings, flapping, ..self.entering(Phase::Firing, now) };
        (opened, Some(Transition::Opened { pending_since: since }))
    }

    /// Advances a series whose condition has been clear since `since`.
    fn fall(&self, since: Timestamp, timing: RuleTiming, now: Timestamp) -> (Self, Option<Transition>) {
        let calm = if self.flapping { FLAP_CALM } else { SignedDuration::ZERO };
        if now.duration_since(since) < timing.keep_firing.max(calm) {
            let is_new = self.phase != Phase::Recovering;
            let transition = self.unless_flapping(Transition::Recovering).filter(|_| is_new);
            return (self.entering(Phase::Recovering, since), transition);
        }
        // A flapping series ends after a long calm, so its earlier openings no longer count.
        let openings = if self.flapping { Vec::new() } else { self.openings.clone() };
        let resolved =
            Self { resolved_at: Some(now), openings, flapping: false, ..self.entering(Phase::Inactive, now) };
        (resolved, Some(Transition::Resolved))
    }

    /// Returns the transition unless the series is flapping; the alert of a flapping series stays as it is.
    fn unless_flapping(&self, transition: Transition) -> Option<Transition> {
        (!self.flapping).then_some(transition)
    }

    fn is_cooling(&self, timing: RuleTiming, now: Timestamp) -> bool {
        self.resolved_at.is_some_and(|at| now.duration_since(at) < timing.cooldown)
    }

    fn entering(&self, phase: Phase, since: Timestamp) -> Self {
        Self { phase, since, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: RuleTiming = RuleTiming {
        hold: SignedDuration::from_secs(20),
        keep_firing: SignedDuration::from_secs(30),
        cooldown: SignedDuration::from_secs(60),
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn series(phase: Phase, since: i64) -> Series {
        Series { phase, ..Series::at_rest(at(since)) }
    }

    /// Checks one step from a phase that began at second 0, with a verdict at `second`. `expected` is the next phase,
    /// when it began, and the transition.
    fn check(from: Phase, verdict: Verdict, second: i64, expected: (Phase, i64, Option<Transition>)) {
        let (next, transition) = series(from, 0).step(verdict, TIMING, at(second));
        let (phase, since, expected_transition) = expected;
        assert_eq!(
            (next.phase, next.since, transition),
            (phase, at(since), expected_transition),
            "{from:?} {verdict:?} {second}"
        );
    }

    #[test]
    fn a_condition_is_pending_until_it_has_held_for_long_enough() {
        check(Phase::Inactive, Verdict::Breach, 5, (Phase::Pending, 5, None));
        check(Phase::Pending, Verdict::Breach, 19, (Phase::Pending, 0, None));
        let opened = Some(Transition::Opened { pending_since: at(0) });
        check(Phase::Pending, Verdict::Breach, 20, (Phase::Firing, 20, opened));
    }

    #[test]
    fn a_value_below_the_threshold_is_not_pending() {
        check(Phase::Inactive, Verdict::Between, 5, (Phase::Inactive, 0, None));
        check(Phase::Inactive, Verdict::Clear, 5, (Phase::Inactive, 0, None));
        check(Phase::Pending, Verdict::Between, 5, (Phase::Inactive, 5, None));
        check(Phase::Pending, Verdict::Clear, 5, (Phase::Inactive, 5, None));
    }

    #[test]
    fn a_firing_series_continues_until_it_is_clear() {
        check(Phase::Firing, Verdict::Breach, 500, (Phase::Firing, 0, None));
        check(Phase::Firing, Verdict::Between, 500, (Phase::Firing, 0, None));
        check(Phase::Firing, Verdict::Clear, 500, (Phase::Recovering, 500, Some(Transition::Recovering)));
    }

    #[test]
    fn a_recovering_series_resolves_only_when_it_stays_clear() {
        check(Phase::Recovering, Verdict::Clear, 29, (Phase::Recovering, 0, None));
        check(Phase::Recovering, Verdict::Clear, 30, (Phase::Inactive, 30, Some(Transition::Resolved)));
        check(Phase::Recovering, Verdict::Between, 29, (Phase::Firing, 29, Some(Transition::Relapsed)));
        check(Phase::Recovering, Verdict::Breach, 29, (Phase::Firing, 29, Some(Transition::Relapsed)));
    }

    #[test]
    fn a_rule_without_delays_opens_and_resolves_at_once() {
        let none = SignedDuration::ZERO;
        let hasty = RuleTiming { hold: none, keep_firing: none, cooldown: none };
        let (open, transition) = series(Phase::Inactive, 0).step(Verdict::Breach, hasty, at(1));
        assert_eq!(
            (open.phase, transition),
            (Phase::Firing, Some(Transition::Opened { pending_since: at(1) }))
        );
        let (over, transition) = open.step(Verdict::Clear, hasty, at(2));
        assert_eq!(
            (over.phase, over.resolved_at, transition),
            (Phase::Inactive, Some(at(2)), Some(Transition::Resolved))
        );
    }

    #[test]
    fn nothing_opens_within_the_cooldown_and_then_at_once() {
        let over = Series { resolved_at: Some(at(0)), ..series(Phase::Inactive, 0) };
        let (pending, transition) = over.step(Verdict::Breach, TIMING, at(10));
        assert_eq!((pending.phase, transition), (Phase::Pending, None));
        let (still, transition) = pending.step(Verdict::Breach, TIMING, at(59));
        assert_eq!((still.phase, transition), (Phase::Pending, None));
        let (open, transition) = still.step(Verdict::Breach, TIMING, at(60));
        assert_eq!(
            (open.phase, transition),
            (Phase::Firing, Some(Transition::Opened { pending_since: at(10) }))
        );
    }

    #[test]
    fn a_flapping_series_stays_open_until_it_is_calm() {
        let none = SignedDuration::ZERO;
        let hasty = RuleTiming { hold: none, keep_firing: none, cooldown: none };
        let mut series = Series::at_rest(at(0));
        let mut transitions = Vec::new();
        for minute in 0..30 {
            let verdict = if minute % 2 == 0 { Verdict::Breach } else { Verdict::Clear };
            let (next, transition) = series.step(verdict, hasty, at(minute * 60));
            transitions.extend(
                transition.filter(|it| matches!(it, Transition::Opened { .. } | Transition::Resolved)),
            );
            series = next;
        }
        assert_eq!(
            transitions.len(),
            7,
            "four openings and three ends are published, then none: {transitions:?}"
        );
        assert!(series.flapping && series.phase == Phase::Recovering);
        let (series, transition) = series.step(Verdict::Clear, hasty, at(29 * 60 + 599));
        assert_eq!(transition, None);
        let (series, transition) = series.step(Verdict::Clear, hasty, at(29 * 60 + 600));
        assert_eq!((transition, series.flapping), (Some(Transition::Resolved), false));
        let (series, _) = series.step(Verdict::Breach, hasty, at(3_000));
        assert!(!series.flapping, "after the calm it starts from scratch");
    }

    #[test]
    fn a_series_is_dropped_only_when_nothing_depends_on_it() {
        let over = Series { resolved_at: Some(at(0)), openings: vec![at(-10)], ..series(Phase::Inactive, 0) };
        assert!(!over.is_forgettable(TIMING, at(59)));
        assert!(!over.is_forgettable(TIMING, at(61)), "it may still flap");
        assert!(over.is_forgettable(TIMING, at(3_600)));
        assert!(!series(Phase::Pending, 0).is_forgettable(TIMING, at(9_999)));
    }
}
