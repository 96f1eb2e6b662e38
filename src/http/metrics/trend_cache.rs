//! Trending terms, merged across all processes and cached briefly.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::http::error::ApiError;
use crate::models::trends::Trends;
use crate::stream::TrendSlices;
use crate::trends::ranking::{Compared, rank, window};
use crate::trends::slice::Slice;
use crate::trends::slice_windows::TrendWindow;

/// Maximum number of terms in a response.
pub(super) const TERMS_MAX: usize = 100;

/// Time at which a result was computed, and the result.
type CachedTrends = (Instant, Arc<Trends>);

/// Trending terms of each period. They are cached briefly, because merging a thousand terms from each of forty slices
/// takes milliseconds, and many dashboards request the same ones.
pub struct TrendCache {
    shelf: TrendSlices,
    cached: [Mutex<Option<CachedTrends>>; 3],
}

impl TrendCache {
    /// Creates an empty cache.
    pub fn new(shelf: TrendSlices) -> Self {
        Self { shelf, cached: Default::default() }
    }

    /// Returns the trends for a period, at most 15 seconds old. Concurrent callers share one computation.
    ///
    /// # Errors
    /// 503 if Redis is unavailable.
    pub async fn read(&self, span: TrendWindow) -> Result<Arc<Trends>, ApiError> {
        let [five_minutes, hour, day] = &self.cached;
        let slot = match span {
            TrendWindow::FiveMinutes => five_minutes,
            TrendWindow::Hour => hour,
            TrendWindow::Day => day,
        };
        let mut cached = slot.lock().await;
        if let Some((read_at, trends)) = cached.as_ref()
            && read_at.elapsed() < fresh_for(span)
        {
            return Ok(Arc::clone(trends));
        }
        let now = Timestamp::now();
        let starts = starts(span, now.as_second());
        let slices = self.shelf.read(span.as_str(), &starts).await?;
        let merged = web::block(move || merge_slices(span, now, &slices)).await;
        let trends = Arc::new(merged.map_err(|_| ApiError::Busy { what: "the server is stopping" })?);
        *cached = Some((Instant::now(), Arc::clone(&trends)));
        Ok(trends)
    }
}

const fn fresh_for(span: TrendWindow) -> Duration {
    match span {
        TrendWindow::FiveMinutes => Duration::from_secs(1),
        TrendWindow::Hour => Duration::from_secs(3),
        TrendWindow::Day => Duration::from_secs(15),
    }
}

/// Returns the start of every slice in the window and in the preceding period.
fn starts(span: TrendWindow, now: i64) -> Vec<i64> {
    let n_slices = 2 * span.n_slices() + 1;
    (0..n_slices).map(|n| span.previous_from(now) + n * span.slice_seconds()).collect()
}

fn merge_slices(span: TrendWindow, now: Timestamp, slices: &[(i64, Bytes)]) -> Trends {
    let from = span.window_from(now.as_second());
    let mut compared = Compared { seconds_before: span.seconds(), ..Compared::default() };
    for (start, bytes) in slices {
        // A slice written by a newer version may be unreadable here; skip it.
        let Some(slice) = Slice::unpack(bytes) else {
            continue;
        };
        let period = if *start >= from { &mut compared.now } else { &mut compared.before };
        period.merge(&slice);
    }
    rank(&compared, window(from, now), TERMS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slices_of_both_periods_are_read() {
        const NOW: i64 = 1_800_000_007;
        for span in TrendWindow::ALL {
            let starts = starts(span, NOW);
            assert_eq!(starts.first(), Some(&span.previous_from(NOW)));
            assert_eq!(starts.last(), Some(&span.slice_of(NOW)));
            let n_now = starts.iter().filter(|start| **start >= span.window_from(NOW)).count();
            assert_eq!(n_now as i64, span.n_slices() + 1);
        }
    }
}
