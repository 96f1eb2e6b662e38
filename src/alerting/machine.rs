//! How far one series, that is one rule about one thing, has come: inactive, pending, firing, recovering, resolved.
//!
//! Resolved is inactive with a memory: the cooldown, and how often it opened of late.

use jiff::{SignedDuration, Timestamp};

use crate::models::evaluation::{Phase, Series};

/// A series that opens this often within [`FLAP_WITHIN`] flaps: its comings and goings are no news any more.
pub const FLAP_OPENINGS: usize = 4;

/// See [`FLAP_OPENINGS`].
pub const FLAP_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// A series that flaps is held open until it has been calm for this long, and then told to be over, once.
pub const FLAP_CALM: SignedDuration = SignedDuration::from_mins(10);

/// What a rule says of one measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is beyond the threshold.
    Breach,
    /// It is between the threshold and where it would clear.
    Between,
    /// It is where the rule does not hold.
    Clear,
}

/// How patient a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long it must hold before it fires.
    pub hold: SignedDuration,
    /// How long it must be clear before it is resolved.
    pub keep_firing: SignedDuration,
    /// How long after that it cannot fire.
    pub cooldown: SignedDuration,
}

/// What a step did that somebody may want to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// It opened; it had held since then.
    Opened {
        /// When it began to hold.
        pending_since: Timestamp,
    },
    /// It began to recover.
    Recovering,
    /// It recovered too little and fires again; the alert is the same.
    Relapsed,
    /// It is over.
    Resolved,
}

impl Series {
    /// One of which nothing is known.
    pub fn at_rest(now: Timestamp) -> Self {
        Self { phase: Phase::Inactive, since: now, resolved_at: None, openings: Vec::new(), flapping: false }
    }

    /// The series after one more measurement.
    #[must_use]
    pub fn step(&self, verdict: Verdict, patience: Patience, now: Timestamp) -> (Self, Option<Transition>) {
        match (self.phase, verdict) {
            (Phase::Inactive, Verdict::Breach) => self.rise(now, patience, now),
            (Phase::Pending, Verdict::Breach) => self.rise(self.since, patience, now),
            (Phase::Inactive, _) => (self.clone(), None),
            (Phase::Pending, _) => (self.entering(Phase::Inactive, now), None),
            (Phase::Firing, Verdict::Clear) => self.fall(now, patience, now),
            (Phase::Recovering, Verdict::Clear) => self.fall(self.since, patience, now),
            (Phase::Firing, _) => (self.clone(), None),
            (Phase::Recovering, _) => {
                (self.entering(Phase::Firing, now), self.unless_flapping(Transition::Relapsed))
            }
        }
    }

    /// Whether forgetting it changes nothing.
    pub fn is_forgettable(&self, patience: Patience, now: Timestamp) -> bool {
        self.phase == Phase::Inactive
            && !self.is_cooling(patience, now)
            && self.openings.iter().all(|at| now.duration_since(*at) >= FLAP_WITHIN)
    }

    /// It has held since then.
    fn rise(&self, since: Timestamp, patience: Patience, now: Timestamp) -> (Self, Option<Transition>) {
        if now.duration_since(since) < patience.hold || self.is_cooling(patience, now) {
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

    /// It has been clear since then.
    fn fall(&self, since: Timestamp, patience: Patience, now: Timestamp) -> (Self, Option<Transition>) {
        let calm = if self.flapping { FLAP_CALM } else { SignedDuration::ZERO };
        if now.duration_since(since) < patience.keep_firing.max(calm) {
            let is_new = self.phase != Phase::Recovering;
            let told = self.unless_flapping(Transition::Recovering).filter(|_| is_new);
            return (self.entering(Phase::Recovering, since), told);
        }
        // One that flapped has been calm for long: what it did before counts no more.
        let openings = if self.flapping { Vec::new() } else { self.openings.clone() };
        let resolved =
            Self { resolved_at: Some(now), openings, flapping: false, ..self.entering(Phase::Inactive, now) };
        (resolved, Some(Transition::Resolved))
    }

    /// To and fro is no news of a series that flaps: its alert stays as it is.
    fn unless_flapping(&self, transition: Transition) -> Option<Transition> {
        (!self.flapping).then_some(transition)
    }

    fn is_cooling(&self, patience: Patience, now: Timestamp) -> bool {
        self.resolved_at.is_some_and(|at| now.duration_since(at) < patience.cooldown)
    }

    fn entering(&self, phase: Phase, since: Timestamp) -> Self {
        Self { phase, since, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
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

    /// One step: from a phase entered at second 0, with a verdict at this second, to a phase and what is told.
    fn check(from: Phase, verdict: Verdict, second: i64, expected: (Phase, i64, Option<Transition>)) {
        let (next, told) = series(from, 0).step(verdict, PATIENCE, at(second));
        let (phase, since, transition) = expected;
        assert_eq!(
            (next.phase, next.since, told),
            (phase, at(since), transition),
            "{from:?} {verdict:?} {second}"
        );
    }

    #[test]
    fn what_holds_is_pending_until_it_has_held_for_long_enough() {
        check(Phase::Inactive, Verdict::Breach, 5, (Phase::Pending, 5, None));
        check(Phase::Pending, Verdict::Breach, 19, (Phase::Pending, 0, None));
        let opened = Some(Transition::Opened { pending_since: at(0) });
        check(Phase::Pending, Verdict::Breach, 20, (Phase::Firing, 20, opened));
    }

    #[test]
    fn what_does_not_reach_the_threshold_is_not_pending() {
        check(Phase::Inactive, Verdict::Between, 5, (Phase::Inactive, 0, None));
        check(Phase::Inactive, Verdict::Clear, 5, (Phase::Inactive, 0, None));
        check(Phase::Pending, Verdict::Between, 5, (Phase::Inactive, 5, None));
        check(Phase::Pending, Verdict::Clear, 5, (Phase::Inactive, 5, None));
    }

    #[test]
    fn what_fires_goes_on_until_it_is_clear() {
        check(Phase::Firing, Verdict::Breach, 500, (Phase::Firing, 0, None));
        check(Phase::Firing, Verdict::Between, 500, (Phase::Firing, 0, None));
        check(Phase::Firing, Verdict::Clear, 500, (Phase::Recovering, 500, Some(Transition::Recovering)));
    }

    #[test]
    fn what_recovers_is_over_only_when_it_stays_clear() {
        check(Phase::Recovering, Verdict::Clear, 29, (Phase::Recovering, 0, None));
        check(Phase::Recovering, Verdict::Clear, 30, (Phase::Inactive, 30, Some(Transition::Resolved)));
        check(Phase::Recovering, Verdict::Between, 29, (Phase::Firing, 29, Some(Transition::Relapsed)));
        check(Phase::Recovering, Verdict::Breach, 29, (Phase::Firing, 29, Some(Transition::Relapsed)));
    }

    #[test]
    fn a_rule_without_patience_opens_and_resolves_at_once() {
        let none = SignedDuration::ZERO;
        let hasty = Patience { hold: none, keep_firing: none, cooldown: none };
        let (open, told) = series(Phase::Inactive, 0).step(Verdict::Breach, hasty, at(1));
        assert_eq!((open.phase, told), (Phase::Firing, Some(Transition::Opened { pending_since: at(1) })));
        let (over, told) = open.step(Verdict::Clear, hasty, at(2));
        assert_eq!(
            (over.phase, over.resolved_at, told),
            (Phase::Inactive, Some(at(2)), Some(Transition::Resolved))
        );
    }

    #[test]
    fn nothing_opens_within_the_cooldown_and_then_at_once() {
        let over = Series { resolved_at: Some(at(0)), ..series(Phase::Inactive, 0) };
        let (pending, told) = over.step(Verdict::Breach, PATIENCE, at(10));
        assert_eq!((pending.phase, told), (Phase::Pending, None));
        let (still, told) = pending.step(Verdict::Breach, PATIENCE, at(59));
        assert_eq!((still.phase, told), (Phase::Pending, None));
        let (open, told) = still.step(Verdict::Breach, PATIENCE, at(60));
        assert_eq!((open.phase, told), (Phase::Firing, Some(Transition::Opened { pending_since: at(10) })));
    }

    #[test]
    fn what_opens_again_and_again_is_held_open_until_it_is_calm() {
        let none = SignedDuration::ZERO;
        let hasty = Patience { hold: none, keep_firing: none, cooldown: none };
        let mut series = Series::at_rest(at(0));
        let mut told = Vec::new();
        for minute in 0..30 {
            let verdict = if minute % 2 == 0 { Verdict::Breach } else { Verdict::Clear };
            let (next, transition) = series.step(verdict, hasty, at(minute * 60));
            told.extend(
                transition.filter(|it| matches!(it, Transition::Opened { .. } | Transition::Resolved)),
            );
            series = next;
        }
        assert_eq!(told.len(), 7, "four openings and three ends are told, then none: {told:?}");
        assert!(series.flapping && series.phase == Phase::Recovering);
        let (series, transition) = series.step(Verdict::Clear, hasty, at(29 * 60 + 599));
        assert_eq!(transition, None);
        let (series, transition) = series.step(Verdict::Clear, hasty, at(29 * 60 + 600));
        assert_eq!((transition, series.flapping), (Some(Transition::Resolved), false));
        let (series, _) = series.step(Verdict::Breach, hasty, at(3_000));
        assert!(!series.flapping, "after the calm it starts anew");
    }

    #[test]
    fn a_series_is_forgotten_only_when_nothing_depends_on_it() {
        let over = Series { resolved_at: Some(at(0)), openings: vec![at(-10)], ..series(Phase::Inactive, 0) };
        assert!(!over.is_forgettable(PATIENCE, at(59)));
        assert!(!over.is_forgettable(PATIENCE, at(61)), "it may yet turn out to flap");
        assert!(over.is_forgettable(PATIENCE, at(3_600)));
        assert!(!series(Phase::Pending, 0).is_forgettable(PATIENCE, at(9_999)));
    }
}
