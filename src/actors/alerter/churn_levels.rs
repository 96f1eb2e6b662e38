//! Number of posts of each product at high churn risk, compared with the usual number.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use super::measurement_schedule::rest_after;
use crate::actors::runtime::clock::Clock;
use crate::alerting::churn::{self, RiskCount};
use crate::models::alert::{Alert, Scope};
use crate::models::alert_rule::Rule;
use crate::models::id::AlertId;
use crate::models::rollup::Dimension;
use crate::store::Store;
use crate::store::metrics::summaries::{self, BREAKDOWN_ITEMS_MAX, MetricsFilter, MetricsQuery};

/// Interval at which the rule's window is counted, as for other rules with short windows.
const COUNT_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// Interval at which the usual share, which changes slowly, is read.
const LEARN_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// Length, in seconds, of the period from which the usual share is computed.
const USUAL_SECONDS: i64 = 86_400;

/// Counts for the largest products, and when they were last queried.
#[derive(Default)]
struct Counts {
    at: Option<Timestamp>,
    /// How long the query took; the next one waits for a multiple of that.
    took: Duration,
    /// Counts of the last query that succeeded.
    by_product: Option<HashMap<String, RiskCount>>,
}

/// Counts for the rule's window and for the day before it, and when each open alert's condition last held.
#[derive(Default)]
pub(super) struct ChurnLevels {
    clock: Clock,
    recent: Counts,
    usual: Counts,
    held: HashMap<AlertId, Timestamp>,
}

impl ChurnLevels {
    /// Creates levels of which all counts are due.
    pub fn new(clock: Clock) -> Self {
        Self { clock, ..Self::default() }
    }

    /// Reads the counts that are due. If a query fails, its previous counts are kept.
    pub async fn refresh(&mut self, store: &Store, rule: &Rule, now: Timestamp) {
        let window = MetricsQuery::until_now(rule.what.window_seconds, now, MetricsFilter::default());
        if self.usual.is_due(now, LEARN_EVERY) {
            let from = now.saturating_sub(SignedDuration::from_secs(USUAL_SECONDS)).unwrap_or(now);
            let usual =
                MetricsQuery { from: from.min(window.from), to: window.from, filter: window.filter.clone() };
            if usual.from < usual.to {
                self.usual.read(store, &usual, (&self.clock, now)).await;
            }
        }
        if self.recent.is_due(now, COUNT_EVERY) {
            self.recent.read(store, &window, (&self.clock, now)).await;
        }
    }

    /// Returns the number of posts of a scope at high churn risk in the rule's window, as of the last count. It includes
    /// posts that a correction may still withdraw.
    pub fn n_high(&self, scope: &Scope) -> i64 {
        self.recent.of(scope).map_or(0, |recent| recent.n_high)
    }

    /// Returns whether this many posts of a scope at high churn risk are worth an alert. As long as the usual number
    /// cannot be read, any number would be unusual, so none is worth one unless the rule ignores what is usual.
    pub fn is_raised(&self, rule: &Rule, scope: &Scope, n_high: i64) -> bool {
        if self.usual.has_only_failed() && rule.what.threshold >= 1.0 {
            return false;
        }
        let recent = RiskCount { n_high, ..self.recent.of(scope).unwrap_or_default() };
        churn::is_raised(recent, self.usual.of(scope).unwrap_or_default(), rule.what.threshold)
    }

    /// Records which open alerts still meet the condition.
    pub fn note(&mut self, rule: &Rule, open: &[Alert], now: Timestamp) {
        let before = std::mem::take(&mut self.held);
        for alert in open {
            let is_raised = self.recent.of(&alert.scope).is_none_or(|recent| {
                let usual = self.usual.of(&alert.scope).unwrap_or_default();
                churn::is_raised(recent, usual, rule.what.threshold)
            });
            let held_at = if is_raised { now } else { before.get(&alert.id).copied().unwrap_or(now) };
            self.held.insert(alert.id, held_at);
        }
    }

    /// Returns how long ago the condition of an open alert last held.
    pub fn calm_for(&self, alert: &Alert, now: Timestamp) -> SignedDuration {
        self.held.get(&alert.id).map_or(SignedDuration::ZERO, |at| now.duration_since(*at))
    }
}

impl Counts {
    fn is_due(&self, now: Timestamp, every: SignedDuration) -> bool {
        self.at.is_none_or(|at| now.duration_since(at) >= every.max(rest_after(self.took)))
    }

    async fn read(&mut self, store: &Store, query: &MetricsQuery, (clock, now): (&Clock, Timestamp)) {
        let queried_at = clock.now();
        let answer = summaries::breakdown(store, query, Dimension::Product).await;
        (self.at, self.took) = (Some(now), clock.since(queried_at));
        let items = match answer {
            Ok(answer) => answer.items,
            Err(error) => {
                warn!(%error, "posts at churn risk were not counted, their last counts are kept");
                return;
            }
        };
        let count = |summary: &crate::models::metrics::Summary| RiskCount {
            n_high: summary.churn.high,
            n_posts: summary.count,
        };
        let by_product = items.into_iter().map(|item| (item.key, count(&item.summary)));
        self.by_product = Some(by_product.collect());
    }

    fn has_only_failed(&self) -> bool {
        self.at.is_some() && self.by_product.is_none()
    }

    /// Returns the counts for a product, or for posts that name none; `None` if they are unknown, because too many other
    /// products have more posts or because no query has succeeded yet.
    fn of(&self, scope: &Scope) -> Option<RiskCount> {
        let by_product = self.by_product.as_ref()?;
        let is_complete = by_product.len() < BREAKDOWN_ITEMS_MAX;
        by_product.get(&scope.key).copied().or(is_complete.then(RiskCount::default))
    }
}
