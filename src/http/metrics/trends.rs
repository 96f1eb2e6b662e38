//! Handler for trending terms.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::{self, Data, Json};
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Mutex;
use utoipa::IntoParams;

use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract;
use crate::http::extract::Parameters;
use crate::http::state::AppState;
use crate::models::trends::Trends;
use crate::stream::TrendShelf;
use crate::trends::ranking::{Compared, rank, window};
use crate::trends::slice::Slice;
use crate::trends::timeline::Span;

/// Maximum number of terms.
const TERMS_MAX: usize = 100;

/// Cached result with the time at which it was computed.
type Read = (Instant, Arc<Trends>);

/// Merges the term counts of all processes and caches the result briefly: merging a thousand terms of forty slices takes
/// milliseconds, and many dashboards request the same.
pub struct TrendReader {
    shelf: TrendShelf,
    newest: [Mutex<Option<Read>>; 3],
}

impl TrendReader {
    /// Creates a cache that is empty.
    pub fn new(shelf: TrendShelf) -> Self {
        Self { shelf, newest: Default::default() }
    }

    /// Returns the trends of a span, at most a fraction of a slice old. Concurrent callers wait for one computation.
    async fn read(&self, span: Span) -> Result<Arc<Trends>, ApiError> {
        let [five_minutes, hour, day] = &self.newest;
        let place = match span {
            Span::FiveMinutes => five_minutes,
            Span::Hour => hour,
            Span::Day => day,
        };
        let mut newest = place.lock().await;
        if let Some((read_at, trends)) = newest.as_ref()
            && read_at.elapsed() < fresh_for(span)
        {
            return Ok(Arc::clone(trends));
        }
        let now = Timestamp::now();
        let starts = starts(span, now.as_second());
        let slices = self.shelf.read(span.as_str(), &starts).await?;
        let merged = web::block(move || answer(span, now, &slices)).await;
        let trends = Arc::new(merged.map_err(|_| ApiError::Busy { what: "the server is stopping" })?);
        *newest = Some((Instant::now(), Arc::clone(&trends)));
        Ok(trends)
    }
}

const fn fresh_for(span: Span) -> Duration {
    match span {
        Span::FiveMinutes => Duration::from_secs(1),
        Span::Hour => Duration::from_secs(3),
        Span::Day => Duration::from_secs(15),
    }
}

/// Returns the starts of all slices of the window and of the preceding period.
fn starts(span: Span, now: i64) -> Vec<i64> {
    let n_slices = 2 * span.n_slices() + 1;
    (0..n_slices).map(|n| span.previous_from(now) + n * span.slice_seconds()).collect()
}

fn answer(span: Span, now: Timestamp, slices: &[(i64, Bytes)]) -> Trends {
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

/// Parameters of trending terms.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TrendsParameters {
    /// Period that ends now; defaults to the last hour.
    window: Option<Span>,
    /// Maximum number of terms, 1 to 100; defaults to 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// Get trending terms
///
/// Counts the posts stored by all processes, by event time, and compares with the preceding period of the same length.
/// Estimated in bounded memory; each post counts a term once.
#[utoipa::path(get, path = "/api/v1/trends", tag = "metrics", operation_id = "trends", params(TrendsParameters), responses(
    (status = 200, body = Trends, description = "The trending terms"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
    (status = 503, body = ErrorBody, description = "Redis is unavailable"),
))]
pub async fn show(
    state: Data<AppState>,
    Parameters(wish): Parameters<TrendsParameters>,
) -> Result<Json<Trends>, ApiError> {
    let limit = extract::limit(wish.limit, TERMS_MAX)?;
    let mut trends = Trends::clone(&*state.trends.read(wish.window.unwrap_or(Span::Hour)).await?);
    trends.terms.truncate(limit);
    Ok(Json(trends))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slices_of_both_periods_are_read() {
        const NOW: i64 = 1_800_000_007;
        for span in Span::ALL {
            let starts = starts(span, NOW);
            assert_eq!(starts.first(), Some(&span.previous_from(NOW)));
            assert_eq!(starts.last(), Some(&span.slice_of(NOW)));
            let n_now = starts.iter().filter(|start| **start >= span.window_from(NOW)).count();
            assert_eq!(n_now as i64, span.n_slices() + 1);
        }
    }
}
