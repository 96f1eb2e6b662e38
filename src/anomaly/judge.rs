//! Whether what a series does is unusual.

use super::history::{Heard, History, STEP_SECONDS, step_of};
use super::mean::{ExpectedMean, Mean, MeanModel, WINDOW_STEPS};
use super::volume::{Expected, VolumeModel, even, uneven};
use crate::models::signals::Sensitivity;

/// Posts added to both sides before counts are divided, so that two posts where none is usual are no miracle.
const PSEUDO_POSTS: f64 = 5.0;

/// What remains of a change may be half of what raised it before it counts as over: it must not flicker at the edge.
const CLEAR_SHARE: f64 = 0.5;

/// How large and how unlikely a change must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// In standard deviations.
    pub deviations: f64,
    /// In what the series reaches every ten days or so.
    pub peaks: f64,
    /// Posts for each that is usual.
    pub ratio: f64,
    /// The difference of negative shares.
    pub share: f64,
    /// The difference of average sentiments.
    pub sentiment: f64,
    /// Minutes in a row it must be seen.
    pub minutes: u32,
}

impl Limits {
    /// `None` when nothing shall be told at all. `groundswell bench signals` prints what each is worth.
    pub const fn of(sensitivity: Sensitivity) -> Option<Self> {
        let (deviations, peaks, ratio, share, sentiment, minutes) = match sensitivity {
            Sensitivity::Off => return None,
            Sensitivity::Low => (6.5, 1.3, 3.0, 0.25, 0.35, 4),
            Sensitivity::Balanced => (5.0, 1.12, 2.0, 0.15, 0.20, 3),
            Sensitivity::High => (4.0, 0.95, 1.6, 0.10, 0.15, 2),
        };
        Some(Self { deviations, peaks, ratio, share, sentiment, minutes })
    }
}

/// What a change is one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Posts in five minutes.
    Volume,
    /// An average over the posts of a quarter of an hour.
    Mean(Mean),
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Volume, Self::Mean(Mean::NegativeShare), Self::Mean(Mean::Sentiment)];

    /// The name as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Mean(Mean::NegativeShare) => "negative_share",
            Self::Mean(Mean::Sentiment) => "sentiment_average",
        }
    }
}

/// Everything learned from one series.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Models {
    volume: Option<VolumeModel>,
    share: Option<MeanModel>,
    sentiment: Option<MeanModel>,
}

/// The minutes just past.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Recent {
    /// Their end, in seconds since 1970.
    pub to: i64,
    /// Five minutes.
    pub five: Heard,
    /// A quarter of an hour.
    pub fifteen: Heard,
}

/// A change, and how far it goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Of what.
    pub metric: Metric,
    /// What was measured.
    pub value: f64,
    /// What was to be expected.
    pub baseline: f64,
    /// The least and the most that would not have surprised.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// How far from it, in standard deviations of this series.
    pub deviations: f64,
    /// Posts it rests on.
    pub n_posts: f64,
    /// 1 where it is just large and unlikely enough.
    pub strength: f64,
}

impl Change {
    /// Whether an alert may open.
    pub fn opens(&self) -> bool {
        self.strength >= 1.0
    }

    /// Whether an alert that is open goes on.
    pub fn holds(&self) -> bool {
        self.strength >= CLEAR_SHARE
    }
}

/// A series: what it did, and what that taught.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What it did.
    pub history: &'a History,
    /// What everything together did.
    pub overall: &'a History,
    /// What that taught.
    pub models: &'a Models,
}

/// What is asked of a change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// How large and how unlikely.
    pub limits: Limits,
    /// On how many posts it must rest.
    pub n_posts_min: f64,
}

impl Models {
    /// Learns from the steps before `end`, and no later ones.
    pub fn learn(history: &History, overall: &History, end: i64) -> Self {
        Self {
            volume: VolumeModel::learn(history, overall, end),
            share: MeanModel::learn(Mean::NegativeShare, history, end),
            sentiment: MeanModel::learn(Mean::Sentiment, history, end),
        }
    }
}

/// The strongest change that goes on, if any does.
pub fn judge(known: &Known<'_>, recent: &Recent, wanted: &Wanted) -> Option<Change> {
    let changes = Metric::ALL.into_iter().filter_map(|metric| measure(known, recent, wanted, metric));
    let resting = changes.filter(|change| change.n_posts >= wanted.n_posts_min && change.holds());
    resting.max_by(|a, b| a.strength.total_cmp(&b.strength))
}

/// What would have been heard if nothing unusual had happened.
pub fn usual(known: &Known<'_>, recent: &Recent) -> Recent {
    let volume = known.models.volume.as_ref().and_then(|model| {
        let expected = model.expect(known.history, known.overall, recent.to - STEP_SECONDS)?;
        Some(uneven(expected.middle))
    });
    let of = |heard: &Heard, n_steps: f64| {
        let count =
            volume.map_or(f64::from(heard.count), |usual| (usual * n_steps).min(f64::from(heard.count)));
        let (share, sentiment) = (
            middle_of(known, recent, known.models.share.as_ref(), Mean::NegativeShare),
            middle_of(known, recent, known.models.sentiment.as_ref(), Mean::Sentiment),
        );
        heard_of([count, count * share, count * sentiment])
    };
    Recent { to: recent.to, five: of(&recent.five, 1.0), fifteen: of(&recent.fifteen, WINDOW_STEPS as f64) }
}

#[expect(clippy::cast_possible_truncation, reason = "counts of minutes are small")]
fn heard_of([count, negative, sentiment]: [f64; 3]) -> Heard {
    Heard { count: count as f32, negative: negative as f32, sentiment: sentiment as f32 }
}

fn middle_of(known: &Known<'_>, recent: &Recent, model: Option<&MeanModel>, mean: Mean) -> f64 {
    let step = step_of(recent.to) - WINDOW_STEPS;
    let expected = model.and_then(|model| model.expect(known.history, step, &recent.fifteen));
    expected.map_or_else(|| mean.of(&recent.fifteen), |expected| expected.middle)
}

/// What a metric was in the minutes before any moment, few posts or many, with what was to be expected of it; how strong a
/// change that was where it was one. `None` where nothing was learned.
pub fn measure(known: &Known<'_>, recent: &Recent, wanted: &Wanted, metric: Metric) -> Option<Change> {
    match metric {
        Metric::Volume => measure_volume(known, recent, wanted.limits),
        Metric::Mean(mean) => measure_mean(known, recent, wanted.limits, mean),
    }
}

fn measure_volume(known: &Known<'_>, recent: &Recent, limits: Limits) -> Option<Change> {
    let model = known.models.volume.as_ref()?;
    let value = f64::from(recent.five.count);
    let expected = model.expect(known.history, known.overall, recent.to - STEP_SECONDS)?;
    let deviations = (even(value) - expected.middle) / expected.deviation;
    let needed = limits.deviations.max(model.usual_peak() * limits.peaks);
    let baseline = uneven(expected.middle);
    let ratio = (value + PSEUDO_POSTS) / (baseline + PSEUDO_POSTS);
    let strength = (deviations / needed).min(ratio.ln() / limits.ratio.ln());
    let (low, high) = volume_band(&expected, needed);
    let metric = Metric::Volume;
    Some(Change { metric, value, baseline, low, high, deviations, n_posts: value, strength })
}

fn volume_band(expected: &Expected, deviations: f64) -> (f64, f64) {
    let of = |deviations: f64| uneven(expected.middle + deviations * expected.deviation);
    (of(-deviations), of(deviations))
}

fn measure_mean(known: &Known<'_>, recent: &Recent, limits: Limits, mean: Mean) -> Option<Change> {
    let (model, floor) = match mean {
        Mean::NegativeShare => (known.models.share.as_ref()?, limits.share),
        Mean::Sentiment => (known.models.sentiment.as_ref()?, limits.sentiment),
    };
    let window = &recent.fifteen;
    let step = step_of(recent.to) - WINDOW_STEPS;
    let ExpectedMean { middle, deviation } = model.expect(known.history, step, window)?;
    let value = mean.of(window);
    let difference = match mean {
        // Fewer angry posts than usual are no reason to wake anybody; the sentiment tells as well.
        Mean::NegativeShare => value - middle,
        Mean::Sentiment => (value - middle).abs(),
    };
    let deviations = difference / deviation;
    let needed = limits.deviations.max(model.usual_peak() * limits.peaks);
    let strength = (deviations / needed).min(difference / floor);
    let reach = needed * deviation;
    Some(Change {
        metric: Metric::Mean(mean),
        value,
        baseline: middle,
        low: middle - reach,
        high: middle + reach,
        deviations,
        n_posts: f64::from(window.count),
        strength,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: i64 = 2_000;
    const WANTED: Wanted = Wanted { limits: Limits::of(Sensitivity::Balanced).unwrap(), n_posts_min: 30.0 };

    fn heard(count: f32, negative: f32) -> Heard {
        Heard { count, negative, sentiment: (count - 2.0 * negative) * 0.6 }
    }

    /// A steady series of some fifty posts in five minutes, a fifth of them negative.
    fn history() -> History {
        let mut history = History::default();
        (0..END).for_each(|step| history.put(step, heard(45.0 + (step * 7 % 11) as f32, 10.0)));
        history
    }

    fn change(five: Heard, fifteen: Heard) -> Option<Change> {
        let history = history();
        let models = Models::learn(&history, &history, END);
        let known = Known { history: &history, overall: &history, models: &models };
        judge(&known, &Recent { to: END * STEP_SECONDS, five, fifteen }, &WANTED)
    }

    #[test]
    fn what_is_usual_is_no_change() {
        assert_eq!(change(heard(55.0, 11.0), heard(150.0, 30.0)), None);
    }

    #[test]
    fn three_times_as_many_posts_are_one() {
        let change = change(heard(150.0, 30.0), heard(250.0, 50.0)).unwrap();
        assert!(change.opens() && change.metric == Metric::Volume, "{change:?}");
        assert!((45.0..55.0).contains(&change.baseline) && change.high < 150.0, "{change:?}");
    }

    #[test]
    fn as_many_posts_twice_as_angry_are_one() {
        let change = change(heard(50.0, 30.0), heard(150.0, 90.0)).unwrap();
        assert!(change.opens() && change.metric != Metric::Volume, "{change:?}");
    }

    #[test]
    fn few_posts_are_none_however_many_times_as_many() {
        assert_eq!(change(heard(29.0, 29.0), heard(29.0, 29.0)), None);
    }

    #[test]
    fn without_a_history_nothing_is_unusual() {
        let known =
            Known { history: &History::default(), overall: &History::default(), models: &Models::default() };
        let recent = Recent { to: 0, five: heard(900.0, 900.0), fifteen: heard(900.0, 900.0) };
        assert_eq!(judge(&known, &recent, &WANTED), None);
    }
}
