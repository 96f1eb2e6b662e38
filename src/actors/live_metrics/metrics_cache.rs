//! Publication of the latest figures in Redis, for other programs.

use std::time::Duration;

use serde::Serialize;

use crate::models::metrics::{Breakdown, LiveMetrics, Overall, Window};

/// How long a figure can still be read after it was last written.
pub const TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns the keys `sentiment:overall`, `sentiment:geo:{city}`, `sentiment:product:{product}` and
/// `sentiment:channel:{channel}` with their JSON. Posts without a city, product or channel have no key of their own.
pub fn entries(live: &LiveMetrics) -> Vec<(String, String)> {
    let overall = Overall { window: live.window, summary: live.overall.clone() };
    let mut entries = vec![("sentiment:overall".to_owned(), json(&overall))];
    for (kind, items) in [("geo", &live.geo), ("product", &live.products), ("channel", &live.channels)] {
        let named = items.iter().filter(|item: &&Breakdown| !item.key.is_empty());
        entries.extend(named.map(|item| {
            let dated = Dated { window: live.window, item };
            (format!("sentiment:{kind}:{}", item.key), json(&dated))
        }));
    }
    entries
}

/// A figure and its window, because it may be read long after it was last written.
#[derive(Serialize)]
struct Dated<'a> {
    window: Window,
    #[serde(flatten)]
    item: &'a Breakdown,
}

fn json(value: &impl serde::Serialize) -> String {
    // Numbers and text can always be encoded.
    serde_json::to_string(value).unwrap_or_default()
}
