//! Turns an anomaly into an alert with a title, severity and evidence.

use std::time::Duration;

use jiff::Timestamp;

use crate::actors::example_posts::{self, Examples};
use crate::alerting::title::grouped;
use crate::anomaly::evidence::series;
use crate::anomaly::history::STEP_SECONDS;
use crate::anomaly::judge::{Baseline, Change, Metric, Recent, Requirements};
use crate::anomaly::mean::{Mean, WINDOW_STEPS};
use crate::models::alert::{AlertPost, EvidencePoint, Scope, Severity};
use crate::models::post::ScoredPost;
use crate::models::rollup::Dimension;
use crate::store::alerts::{ALERT_POSTS_MAX, AlertSeries, NewAlert};
use crate::store::{Store, StoreError};
use crate::trends::contrast::DistinctiveTerm;
use crate::trends::terms::terms_of;

/// How long a recurring anomaly does not open another alert.
const COOLDOWN: Duration = Duration::from_secs(15 * 60);

/// Strength, as a multiple of the required strength, at which an anomaly becomes critical.
const CRITICAL_STRENGTH: f64 = 2.0;

/// Anomaly that opens an alert, with the measurements behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finding {
    pub change: Change,
    pub recent: Recent,
    pub now: Timestamp,
    /// Criteria that the anomaly met.
    pub wanted: Requirements,
}

impl Finding {
    /// Returns the period whose posts caused the anomaly.
    fn window(&self) -> (Timestamp, Timestamp) {
        let n_steps = if self.change.metric == Metric::Volume { 1 } else { WINDOW_STEPS };
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(self.now);
        (at(self.recent.to - n_steps * STEP_SECONDS), at(self.recent.to))
    }

    fn is_fall(&self) -> bool {
        self.change.value < self.change.baseline
    }
}

/// Returns the values before the anomaly, along with the expected ones.
pub(super) fn points(known: &Baseline<'_>, finding: &Finding) -> Vec<EvidencePoint> {
    let points = series(known, &finding.recent, &finding.wanted, finding.change.metric);
    let point = |point: crate::anomaly::evidence::Point| EvidencePoint {
        at: Timestamp::from_second(point.at).unwrap_or(finding.now),
        value: point.value,
        baseline: point.baseline,
        low: point.low,
        high: point.high,
    };
    points.into_iter().map(point).collect()
}

/// Builds the alert for an anomaly, with example posts and their distinctive terms.
pub(super) async fn of(
    store: &Store,
    about: AlertSeries,
    finding: &Finding,
    series: Vec<EvidencePoint>,
) -> Result<NewAlert, StoreError> {
    let (from, to) = finding.window();
    let Examples { posts: these, terms } = example_posts::read(store, &about.scope, (from, to)).await?;
    let change = &finding.change;
    let is_pleasant = change.metric == Metric::Mean(Mean::Sentiment) && !finding.is_fall();
    let severity = match change.strength {
        _ if is_pleasant => Severity::Info,
        CRITICAL_STRENGTH.. => Severity::Critical,
        _ => Severity::Warning,
    };
    Ok(NewAlert {
        rule_name: None,
        severity,
        title: title(&about.scope, finding),
        value: change.value,
        threshold: if finding.is_fall() { change.low } else { change.high },
        count: whole(change.n_posts),
        at: finding.now,
        cooldown: COOLDOWN,
        channels: Vec::new(),
        posts: shown(&these, &terms, finding),
        members: Vec::new(),
        evidence: Some(example_posts::evidence(series, terms)),
        series: about,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
fn whole(count: f64) -> i64 {
    count.round() as i64
}

/// Returns the most representative posts: those with distinctive terms and, if the anomaly is about sentiment, the most
/// negative or positive ones. Of equally representative posts, the newest come first.
fn shown(posts: &[ScoredPost], telling: &[DistinctiveTerm], finding: &Finding) -> Vec<AlertPost> {
    let worth = |scored: &ScoredPost| {
        let terms = terms_of(&scored.post.text, scored.post.lang.as_deref());
        let told = telling.iter().filter(|telling| terms.contains(&telling.term)).count() as f64;
        let sentiment = f64::from(scored.score.sentiment.score);
        match finding.change.metric {
            Metric::Volume => told,
            Metric::Mean(_)
                if finding.is_fall() || finding.change.metric == Metric::Mean(Mean::NegativeShare) =>
            {
                told.min(3.0) - 3.0 * sentiment
            }
            Metric::Mean(_) => told.min(3.0) + 3.0 * sentiment,
        }
    };
    let mut ranked: Vec<(f64, &ScoredPost)> = posts.iter().map(|scored| (worth(scored), scored)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked.into_iter().take(ALERT_POSTS_MAX).map(|(_, scored)| AlertPost::from(scored)).collect()
}

fn title(scope: &Scope, finding: &Finding) -> String {
    let about = match scope.dimension {
        Dimension::Overall => String::new(),
        Dimension::Product => format!(" about {}", scope.key),
        Dimension::City => format!(" from {}", scope.key),
        Dimension::Platform => format!(" on {}", scope.key),
        Dimension::Channel => format!(" via {}", scope.key),
    };
    let Change { metric, value, baseline, n_posts, .. } = finding.change;
    let n_posts = grouped(n_posts.round());
    match metric {
        Metric::Volume => {
            let (now, usual) = (grouped(value.round()), grouped(baseline.round()));
            format!("{now} posts{about} in five minutes (usually {usual})")
        }
        Metric::Mean(Mean::NegativeShare) => {
            let (now, usual) = (value * 100.0, baseline * 100.0);
            format!("{now:.0}% of {n_posts} posts{about} are negative (usually {usual:.0}%)")
        }
        Metric::Mean(Mean::Sentiment) => {
            let moved = if finding.is_fall() { "fell" } else { "rose" };
            format!("Sentiment{about} {moved} to {value:.2} (usually {baseline:.2}; {n_posts} posts)")
        }
    }
}
