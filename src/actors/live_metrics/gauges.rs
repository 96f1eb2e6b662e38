//! Prometheus gauges for the live window. Every process keeps the window of the whole deployment, so all processes
//! export the same values.

use crate::models::metrics::{LiveMetrics, LiveWindow};
use crate::telemetry::{
    LIVE_CHURN_HIGH_POSTS, LIVE_CHURN_RISK_AVERAGE, LIVE_POSTS, LIVE_POSTS_PER_MINUTE,
    LIVE_SENTIMENT_AVERAGE, LIVE_TOXICITY_AVERAGE, LIVE_WINDOW_SECONDS,
};

/// Sets all gauges to the current figures for the live window.
pub fn set(live: &LiveMetrics, window: LiveWindow) {
    let (overall, seconds) = (&live.overall, window.seconds() as f64);
    let sentiment = &overall.sentiment;
    metrics::gauge!(LIVE_WINDOW_SECONDS).set(seconds);
    let labels =
        [("positive", sentiment.positive), ("neutral", sentiment.neutral), ("negative", sentiment.negative)];
    for (label, n_posts) in labels {
        let n_posts = n_posts as f64;
        metrics::gauge!(LIVE_POSTS, "sentiment" => label).set(n_posts);
        let per_minute = n_posts * 60.0 / live.window.seconds.max(1) as f64;
        metrics::gauge!(LIVE_POSTS_PER_MINUTE, "sentiment" => label).set(per_minute);
    }
    // Without posts there is no average.
    let or_nothing = |average: Option<f64>| average.unwrap_or(f64::NAN);
    metrics::gauge!(LIVE_SENTIMENT_AVERAGE).set(or_nothing(sentiment.average));
    metrics::gauge!(LIVE_CHURN_RISK_AVERAGE).set(or_nothing(overall.churn.average));
    metrics::gauge!(LIVE_TOXICITY_AVERAGE).set(or_nothing(overall.toxicity.average));
    metrics::gauge!(LIVE_CHURN_HIGH_POSTS).set(overall.churn.high as f64);
}
