//! Anomaly detection settings, and the series that detection reads.

use jiff::Timestamp;
use tokio_postgres::types::ToSql;

use super::row::scope_of;
use crate::models::alert::Scope;
use crate::models::anomaly_settings::{Sensitivity, SignalSettings};
use crate::models::rollup::Sums;
use crate::store::codec::PgTimestamp;
use crate::store::{Store, StoreError};

/// Returns the anomaly detection settings, or the defaults if they were never changed.
pub async fn settings(store: &Store) -> Result<SignalSettings, StoreError> {
    const SQL: &str = "SELECT sensitivity, minimum_volume FROM signal_settings";
    let Some(row) = store.query_opt(SQL, &[]).await? else {
        return Ok(SignalSettings::default());
    };
    let name: &str = row.try_get(0)?;
    let sensitivity = Sensitivity::ALL.into_iter().find(|known| known.as_str() == name);
    let minimum_volume: i32 = row.try_get(1)?;
    Ok(SignalSettings {
        sensitivity: sensitivity.unwrap_or_default(),
        minimum_volume: minimum_volume.unsigned_abs(),
    })
}

/// Replaces the anomaly detection settings, which take effect at the next evaluation.
pub async fn change_settings(store: &Store, settings: SignalSettings) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO signal_settings (sensitivity, minimum_volume) VALUES ($1, $2)
        ON CONFLICT (singleton) DO UPDATE SET sensitivity = $1, minimum_volume = $2";
    let minimum_volume = i32::try_from(settings.minimum_volume).unwrap_or(i32::MAX);
    store.execute(SQL, &[&settings.sensitivity.as_str(), &minimum_volume]).await.map(drop)
}

/// Returns the `n_max` series with the most posts since the given time, largest first. Posts without a product, channel
/// or city count only in the overall series.
pub async fn biggest(store: &Store, since: Timestamp, n_max: usize) -> Result<Vec<Scope>, StoreError> {
    const SQL: &str = "
        SELECT dimension::text, key FROM sentiment_rollups
        WHERE bucket >= $1 AND (dimension = 'overall' OR key <> '')
        GROUP BY dimension, key ORDER BY sum(count) DESC, dimension, key LIMIT $2";
    let n_max = i64::try_from(n_max).unwrap_or(i64::MAX);
    let rows = store.query(SQL, &[&PgTimestamp(since), &n_max]).await?;
    rows.iter().map(|row| scope_of(row, 0)).collect()
}

/// Consecutive steps of equal length that divide a time range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// Start of the first step, on a bucket boundary.
    pub from: Timestamp,
    /// End of the last step, exclusive.
    pub to: Timestamp,
    /// Length of a step, in seconds.
    pub seconds: i64,
}

/// Returns the sums for each series and step, identified by index in `scopes` and step number. Steps without posts are
/// absent. Fills in only the number of posts, the number of negative posts and the sentiment.
pub async fn read(
    store: &Store,
    scopes: &[Scope],
    steps: Steps,
) -> Result<Vec<(usize, i64, Sums)>, StoreError> {
    const SQL: &str = "
        SELECT wanted.place, (extract(epoch FROM bucket)::bigint - extract(epoch FROM $1::timestamptz)::bigint) / $3 AS step,
            sum(count)::bigint, sum(negative)::bigint, sum(sentiment_micros)::bigint
        FROM sentiment_rollups AS rollup
        JOIN unnest($4::text[], $5::text[]) WITH ORDINALITY AS wanted (dimension, key, place)
            ON rollup.dimension = wanted.dimension::rollup_dimension AND rollup.key = wanted.key
        WHERE bucket >= $1 AND bucket < $2
        GROUP BY wanted.place, step";
    let dimensions: Vec<&str> = scopes.iter().map(|scope| scope.dimension.as_str()).collect();
    let keys: Vec<&str> = scopes.iter().map(|scope| scope.key.as_str()).collect();
    let (from, to) = (PgTimestamp(steps.from), PgTimestamp(steps.to));
    let params: [&(dyn ToSql + Sync); 5] = [&from, &to, &steps.seconds, &dimensions, &keys];
    let rows = store.query(SQL, &params).await?;
    rows.iter()
        .map(|row| {
            let place: i64 = row.try_get(0)?;
            let sums = Sums {
                count: row.try_get(2)?,
                negative: row.try_get(3)?,
                sentiment_micros: row.try_get(4)?,
                ..Sums::default()
            };
            Ok((usize::try_from(place - 1).unwrap_or_default(), row.try_get(1)?, sums))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::store::testing::record;
    use crate::store::testing::{self, test_store};

    #[tokio::test]
    async fn settings_read_back_as_stored() {
        let store = test_store().await;
        assert_eq!(settings(&store).await.unwrap(), SignalSettings::default());
        let changed = SignalSettings { sensitivity: Sensitivity::Off, minimum_volume: 100 };
        change_settings(&store, changed).await.unwrap();
        assert_eq!(settings(&store).await.unwrap(), changed);
    }

    #[tokio::test]
    async fn series_are_read_as_their_posts_add_up() {
        let store = test_store().await;
        let to = Timestamp::from_second(Timestamp::now().as_second() / 300 * 300).unwrap();
        let batch: Vec<_> =
            (0..40).map(|n| testing::post(n, to - SignedDuration::from_secs(n as i64 * 20 + 1))).collect();
        record(&store, &batch).await.unwrap();
        let from = to - SignedDuration::from_secs(900);
        let scopes = biggest(&store, from, 50).await.unwrap();
        assert_eq!(scopes.first(), Some(&Scope::overall()));
        assert!(scopes.iter().skip(1).all(|scope| !scope.key.is_empty()), "{scopes:?}");
        assert_eq!(biggest(&store, from, 2).await.unwrap().len(), 2);
        let found = read(&store, &scopes, Steps { from, to, seconds: 300 }).await.unwrap();
        for (place, scope) in scopes.iter().enumerate().take(1) {
            let counts: Vec<i64> = (0..3)
                .map(|step| {
                    found
                        .iter()
                        .filter(|(p, s, _)| (*p, *s) == (place, step))
                        .map(|(.., sums)| sums.count)
                        .sum()
                })
                .collect();
            assert_eq!(counts, [10, 15, 15], "{scope:?}");
        }
    }
}
