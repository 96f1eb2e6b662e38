//! Preview of a rule: evaluates it over the last day, minute by minute.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::machine::Transition;
use super::measurement::{self, Measurement};
use super::rolling::{BySteps, Steps};
use crate::models::alert_rule::{NewRule, Preview, PreviewPoint, Stretch};
use crate::models::evaluation::{Series, Step};

/// Length of the period to preview: one day.
const PREVIEW_SECONDS: i64 = 86_400;

const MINUTE_SECONDS: i64 = 60;

/// Number of minutes between points on the chart, chosen to match its resolution.
const POINT_EVERY: i64 = 5;

/// Returns the steps to measure for a preview at `now`. The unfinished minute is left out, because its number of posts
/// would look like a drop.
pub fn steps(rule: &NewRule, now: Timestamp) -> Steps {
    let complete = now.saturating_sub(SignedDuration::from_secs(MINUTE_SECONDS)).unwrap_or(now);
    Steps::last(rule, complete, (PREVIEW_SECONDS / MINUTE_SECONDS, MINUTE_SECONDS))
}

/// Evaluates a rule on the measured [`steps`], oldest first, as the alerter would have done.
pub fn preview(rule: &NewRule, minutes: &[Step], steps: Steps) -> Preview {
    let mut keys: BTreeMap<&str, BySteps> = BTreeMap::new();
    for minute in minutes {
        keys.entry(&minute.key).or_default().insert(steps.index(minute.at), minute.measured);
    }
    // Even without any posts there is one scope to judge, because some rules are about exactly this case.
    if keys.is_empty() {
        keys.insert("", BySteps::new());
    }
    let scope_preview: Vec<ScopePreview> =
        keys.values().map(|minutes| try_one(rule, minutes, steps)).collect();
    let shown = scope_preview
        .iter()
        .max_by_key(|scope_preview| (scope_preview.firing_seconds(), scope_preview.n_posts));
    Preview {
        series: shown.map(|scope_preview| scope_preview.series.clone()).unwrap_or_default(),
        firings: union(
            scope_preview.iter().flat_map(|scope_preview| scope_preview.firings.iter().copied()).collect(),
        ),
        seconds: PREVIEW_SECONDS,
    }
}

/// Result of the preview for one scope.
struct ScopePreview {
    series: Vec<PreviewPoint>,
    firings: Vec<Stretch>,
    n_posts: i64,
}

impl ScopePreview {
    fn firing_seconds(&self) -> i64 {
        self.firings.iter().map(|firing| firing.to.duration_since(firing.from).as_secs()).sum()
    }
}

fn try_one(rule: &NewRule, minutes: &BySteps, steps: Steps) -> ScopePreview {
    let timing = measurement::timing(rule);
    let mut series = Series::at_rest(steps.stretch.from);
    let mut scope_preview = ScopePreview { series: Vec::new(), firings: Vec::new(), n_posts: 0 };
    scope_preview.n_posts =
        minutes.values().map(|measured| Measurement::of(rule.metric, *measured).count).sum();
    let mut open_since = None;
    for (index, measurement) in steps.measurements(rule, minutes) {
        let at = steps.start(index + 1);
        if (index + 1) % POINT_EVERY == 0 {
            scope_preview.series.push(PreviewPoint {
                at,
                value: measurement.value,
                count: measurement.count,
            });
        }
        let (next, transition) = series.step(measurement::judge(rule, measurement), timing, at);
        match transition {
            Some(Transition::Opened { .. }) => open_since = Some(at),
            Some(Transition::Resolved) => {
                scope_preview.firings.extend(open_since.take().map(|from| Stretch { from, to: at }));
            }
            _ => {}
        }
        series = next;
    }
    scope_preview.firings.extend(open_since.map(|from| Stretch { from, to: steps.stretch.to }));
    scope_preview
}

/// Merges overlapping and adjacent periods.
fn union(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.sort_by_key(|stretch| stretch.from);
    let mut joined: Vec<Stretch> = Vec::new();
    for stretch in stretches {
        match joined.last_mut() {
            Some(last) if stretch.from <= last.to => last.to = last.to.max(stretch.to),
            _ => joined.push(stretch),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::measurement::tests::negativity;
    use crate::models::evaluation::KeyMeasurement;
    use crate::models::rollup::Sums;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn minute(minute: i64, key: &str, negative: i64) -> Step {
        let sums = Sums { count: 30, negative, ..Sums::default() };
        Step { at: at(minute), key: key.to_owned(), measured: KeyMeasurement::Sums(sums) }
    }

    #[test]
    fn a_rule_fires_in_the_preview_when_it_would_have() {
        let rule = negativity();
        let steps = steps(&rule, at(1_446));
        let start = steps.stretch.from.duration_since(at(0)).as_secs() / 60;
        assert_eq!((start, steps.stretch.to), (1, at(1_446)));
        let minutes: Vec<_> =
            (0..1_445).map(|i| minute(start + i, "", if (600..620).contains(&i) { 30 } else { 5 })).collect();
        let preview = preview(&rule, &minutes, steps);
        assert_eq!((preview.series.len(), preview.seconds), (288, 86_400));
        assert!(preview.series.iter().all(|point| point.count == 150));
        // More than half of five minutes are bad from the third bad minute to the third good one.
        assert_eq!(preview.firings, [Stretch { from: at(start + 603), to: at(start + 623) }]);
    }

    #[test]
    fn simultaneous_firings_are_one_period_and_the_worst_scope_is_shown() {
        let mut rule = negativity();
        rule.scope.dimension = crate::models::rollup::Dimension::Product;
        let steps = steps(&rule, at(1_445));
        let bad = |key: &'static str, from: i64, to: i64| (from..to).map(move |i| minute(i, key, 30));
        let minutes: Vec<_> = bad("alpha", 100, 130).chain(bad("beta", 110, 200)).collect();
        let preview = preview(&rule, &minutes, steps);
        assert_eq!(preview.firings.len(), 1);
        let lasted = preview.firings[0].to.duration_since(preview.firings[0].from).as_secs() / 60;
        assert!((95..=105).contains(&lasted), "{lasted}");
        let last_bad = preview.series.iter().rev().find(|point| point.count > 0).unwrap();
        assert!(last_bad.at > at(195), "beta is shown");
    }

    #[test]
    fn a_day_without_posts_also_has_a_preview() {
        let rule = negativity();
        let preview = preview(&rule, &[], steps(&rule, at(1_445)));
        assert!(preview.firings.is_empty() && preview.series.iter().all(|point| point.value.is_none()));
    }
}
