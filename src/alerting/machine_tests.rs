//! Compares the state machine with a model that finds episodes by looking at the whole history rather than step by
//! step.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::machine::{FLAP_CALM, FLAP_OPENINGS, FLAP_WITHIN, RuleTiming, Transition, Verdict};
use crate::models::evaluation::{Phase, Series};

/// Period during which an alert was open.
#[derive(Debug, Clone, PartialEq)]
struct Episode {
    opened: Timestamp,
    flapping: bool,
    resolved: Option<Timestamp>,
}

type Seen = (Timestamp, Verdict);

/// Returns the start of the unbroken run of measurements that satisfy `fits` and end at index `last`, if there is one.
fn run_start(seen: &[Seen], last: usize, first: usize, fits: impl Fn(Verdict) -> bool) -> Option<Timestamp> {
    let run = seen[first..=last].iter().rev().take_while(|(_, verdict)| fits(*verdict));
    run.last().map(|(at, _)| *at)
}

/// Returns the episodes that follow from the definition of a rule.
fn episodes(seen: &[Seen], timing: RuleTiming) -> Vec<Episode> {
    let mut found: Vec<Episode> = Vec::new();
    let mut first = 0;
    // Flapping ends with an episode that ends in calm; earlier openings do not count.
    let mut forgotten_until = None;
    loop {
        let quiet_until = found.last().and_then(|episode| episode.resolved).map(|at| at + timing.cooldown);
        let opens = |i: &usize| {
            let (at, _) = seen[*i];
            let since = run_start(seen, *i, first, |verdict| verdict == Verdict::Breach);
            since.is_some_and(|since| at.duration_since(since) >= timing.hold)
                && quiet_until.is_none_or(|until| at >= until)
        };
        let Some(opening) = (first..seen.len()).find(opens) else {
            return found;
        };
        let opened = seen[opening].0;
        let n_recent = found
            .iter()
            .filter(|earlier| opened.duration_since(earlier.opened) < FLAP_WITHIN)
            .filter(|earlier| forgotten_until.is_none_or(|until| earlier.opened > until))
            .count();
        let flapping = n_recent + 1 >= FLAP_OPENINGS;
        let needed = if flapping { timing.keep_firing.max(FLAP_CALM) } else { timing.keep_firing };
        let ends = |i: &usize| {
            let since = run_start(seen, *i, opening + 1, |verdict| verdict == Verdict::Clear);
            since.is_some_and(|since| seen[*i].0.duration_since(since) >= needed)
        };
        let Some(ending) = (opening + 1..seen.len()).find(ends) else {
            found.push(Episode { opened, flapping, resolved: None });
            return found;
        };
        if flapping {
            forgotten_until = Some(opened);
        }
        found.push(Episode { opened, flapping, resolved: Some(seen[ending].0) });
        first = ending + 1;
    }
}

fn replay(seen: &[Seen], timing: RuleTiming) -> (Vec<Episode>, Series) {
    let mut series = Series::at_rest(seen[0].0);
    let mut found: Vec<Episode> = Vec::new();
    for (at, verdict) in seen {
        let (next, transition) = series.step(*verdict, timing, *at);
        match transition {
            Some(Transition::Opened { .. }) => {
                found.push(Episode { opened: *at, flapping: next.flapping, resolved: None });
            }
            Some(Transition::Resolved) => found.last_mut().unwrap().resolved = Some(*at),
            _ => {}
        }
        series = next;
    }
    (found, series)
}

fn measurements() -> impl Strategy<Value = Vec<Seen>> {
    // Usually a few seconds, occasionally a long gap, as if the server were unavailable.
    let gap = prop_oneof![8 => 1..20_i64, 2 => 100..900_i64, 1 => 3_000..5_000_i64];
    let verdict =
        prop_oneof![4 => Just(Verdict::Breach), 1 => Just(Verdict::Between), 4 => Just(Verdict::Clear)];
    let run = (verdict, proptest::collection::vec(gap, 1..6));
    proptest::collection::vec(run, 1..60).prop_map(|runs| {
        let mut now = 1_000_000;
        let mut seen = Vec::new();
        for (verdict, gaps) in runs {
            for gap in gaps {
                now += gap;
                seen.push((Timestamp::from_second(now).unwrap(), verdict));
            }
        }
        seen
    })
}

fn timing() -> impl Strategy<Value = RuleTiming> {
    let seconds = |most: i64| prop_oneof![Just(0), 1..most].prop_map(SignedDuration::from_secs);
    (seconds(60), seconds(900), seconds(300)).prop_map(|(hold, keep_firing, cooldown)| RuleTiming {
        hold,
        keep_firing,
        cooldown,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exactly_the_expected_episodes_are_published(seen in measurements(), timing in timing()) {
        let (found, series) = replay(&seen, timing);
        prop_assert_eq!(&found, &episodes(&seen, timing));
        let is_open = found.last().is_some_and(|episode| episode.resolved.is_none());
        prop_assert_eq!(series.phase.is_open(), is_open);
        prop_assert!(series.openings.len() <= FLAP_OPENINGS);
    }

    #[test]
    fn a_series_that_is_forgotten_goes_on_as_one_that_is_not(
        seen in measurements(), timing in timing(), at in 0..200_usize,
    ) {
        let rests = |cut: &usize| replay(&seen[..=*cut], timing).1.is_forgettable(timing, seen[*cut].0);
        let Some(cut) = (at.min(seen.len() - 1)..seen.len()).find(rests) else {
            return Ok(());
        };
        let (_, series) = replay(&seen[..=cut], timing);
        let mut kept = series;
        let mut forgotten = Series::at_rest(seen[cut].0);
        for (at, verdict) in &seen[cut + 1..] {
            let (next, transition) = kept.step(*verdict, timing, *at);
            let (other, other_transition) = forgotten.step(*verdict, timing, *at);
            prop_assert_eq!((transition, next.flapping, next.phase), (other_transition, other.flapping, other.phase));
            (kept, forgotten) = (next, other);
        }
    }

    #[test]
    fn the_number_of_openings_published_per_hour_is_bounded(seen in measurements(), timing in timing()) {
        let (found, _) = replay(&seen, timing);
        for (i, episode) in found.iter().enumerate() {
            let within = |other: &&Episode| other.opened.duration_since(episode.opened) < FLAP_WITHIN;
            let recent: Vec<_> = found[i..].iter().take_while(within).collect();
            // A flapping episode ends when it has been calm for long enough, and another may then begin.
            let n_calm = recent.iter().filter(|episode| episode.flapping).count();
            prop_assert!(recent.len() <= FLAP_OPENINGS * (n_calm + 1), "{:?}", recent);
        }
    }
}

#[test]
fn the_phase_that_is_open_is_the_one_with_an_alert() {
    assert_eq!(Phase::ALL.map(Phase::is_open), [false, false, true, true]);
}
