//! Hourly rollups, from which ranges of weeks and months are read.

use std::sync::LazyLock;

use deadpool_postgres::{GenericClient, Object};
use jiff::Timestamp;

use super::compaction_age::{COMPACT_AFTER_SECONDS, FINE_FOR};
use super::sum_columns::{self, Detail};
use super::time_window::at;
use crate::models::metrics::Window;
use crate::models::rollup::Delta;
use crate::store::codec::PgTimestamp;
use crate::store::operations::late_post_locks::{self, MaintenanceTask};
use crate::store::{Store, StoreError};

const HOUR_SECONDS: i64 = 3_600;

/// Maximum number of hours written per transaction. The first run after an upgrade has months of hours to write, and
/// late posts wait for each transaction to end.
const HOURS_AT_ONCE: i64 = 6;

/// Writes the hours that have become old enough since the last run, and returns how many there were, including hours
/// without posts.
///
/// Each step is one transaction that recomputes hours from `sentiment_rollups` and then marks them as complete. It
/// writes rows in the order they are read, so that rows read together share pages. Late posts wait while a step runs;
/// afterwards [`share_of`] adds them to both tables.
pub(in crate::store) async fn advance(store: &Store, now: Timestamp) -> Result<i64, StoreError> {
    let before = hour_of(now.as_second().saturating_sub(COMPACT_AFTER_SECONDS));
    let mut n_hours = 0;
    loop {
        match store.run(async |client| advance_on(client, before).await).await? {
            0 => return Ok(n_hours),
            n_written => n_hours += n_written,
        }
    }
}

async fn advance_on(client: &mut Object, before: i64) -> Result<i64, StoreError> {
    const DELETE: &str = "
        DELETE FROM sentiment_rollup_hours
        WHERE dimension = ANY (enum_range(NULL::rollup_dimension)) AND bucket >= $1 AND bucket < $2";
    static INSERT: LazyLock<String> = LazyLock::new(|| {
        format!(
            "INSERT INTO sentiment_rollup_hours (bucket, source, dimension, key, {})
            SELECT date_bin('1 hour', bucket, '2000-01-01 00:00:00+00'::timestamptz) AS hour, source, dimension, key, {}
            FROM sentiment_rollups WHERE bucket >= $1 AND bucket < $2 GROUP BY hour, source, dimension, key
            ORDER BY dimension, hour, key, source",
            sum_columns::names(),
            sum_columns::totals(Detail::All)
        )
    });
    let transaction = client.transaction().await?;
    late_post_locks::lock_exclusive(&transaction, MaintenanceTask::Compaction).await?;
    let until = until(&transaction).await?.as_second();
    let next = transaction
        .query_one("SELECT min(bucket) FROM sentiment_rollups WHERE bucket >= $1", &[&PgTimestamp(at(until))])
        .await?
        .try_get::<_, Option<Timestamp>>(0)?;
    // Hours without posts are skipped.
    let from = next.map_or(before, |next| hour_of(next.as_second()).max(until)).min(before);
    let to = (from + HOURS_AT_ONCE * HOUR_SECONDS).min(before);
    if to <= until {
        return Ok(0);
    }
    if from < to {
        let between = [PgTimestamp(at(from)), PgTimestamp(at(to))];
        let [from, to] = &between;
        transaction.execute(DELETE, &[from, to]).await?;
        transaction.execute(&*INSERT, &[from, to]).await?;
    }
    transaction.execute("UPDATE rollup_hours_until SET until = $1", &[&PgTimestamp(at(to))]).await?;
    transaction.commit().await?;
    Ok((to - until) / HOUR_SECONDS)
}

/// Returns the time before which all hours are complete. It never moves back.
pub(in crate::store) async fn until(client: &impl GenericClient) -> Result<Timestamp, StoreError> {
    Ok(client.query_one("SELECT until FROM rollup_hours_until", &[]).await?.try_get(0)?)
}

/// Returns the part of a delta that belongs to hours that may already have been written. Hours that have not been
/// written are recomputed later, which overwrites these additions.
pub(in crate::store) fn share_of(delta: &Delta, now: Timestamp) -> Delta {
    let old_before = now.saturating_sub(FINE_FOR).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut hours = Delta::new();
    for (key, sums) in delta.iter().filter(|(key, _)| key.bucket < old_before) {
        let mut key = key.clone();
        key.bucket = at(hour_of(key.bucket.as_second()));
        hours.entry(key).or_default().add(sums);
    }
    hours
}

type Pieces = Vec<(Timestamp, Timestamp)>;

/// Splits a window into pieces made up of complete hours, in which every step starts on the hour, and the remaining
/// pieces.
pub(in crate::store) fn pieces(window: Window, steps: &[Timestamp], until: Timestamp) -> (Pieces, Pieces) {
    let (mut hours, mut minutes) = (Pieces::new(), Pieces::new());
    let ends = steps.iter().skip(1).copied().chain([window.to]);
    for (from, to) in steps.iter().copied().zip(ends) {
        let first = at(hour_of(from.as_second() + HOUR_SECONDS - 1));
        let last = at(hour_of(to.min(until).as_second()));
        if first >= last {
            append(&mut minutes, from, to);
            continue;
        }
        append(&mut minutes, from, first);
        append(&mut hours, first, last);
        append(&mut minutes, last, to);
    }
    (hours, minutes)
}

fn append(pieces: &mut Pieces, from: Timestamp, to: Timestamp) {
    match pieces.last_mut() {
        _ if from >= to => {}
        Some(last) if last.1 == from => last.1 = to,
        _ => pieces.push((from, to)),
    }
}

fn hour_of(seconds: i64) -> i64 {
    seconds.div_euclid(HOUR_SECONDS) * HOUR_SECONDS
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::store::metrics::rollups::compact;
    use crate::store::testing::record;
    use crate::store::testing::{self, execute, number, test_store};

    /// Query that counts complete hours that are missing or differ from the sum of their minutes.
    const WRONG: &str = "
        SELECT count(*) FROM (
            SELECT date_bin('1 hour', bucket, '2000-01-01 00:00:00+00'::timestamptz) AS bucket, source, dimension, key,
                sum(count)::bigint AS count, sum(negative)::bigint AS negative,
                sum(sentiment_micros)::bigint AS micros, sum(late)::bigint AS late, sum(revision)::bigint AS revision
            FROM sentiment_rollups GROUP BY 1, 2, 3, 4
        ) AS sums FULL JOIN sentiment_rollup_hours AS hour USING (bucket, source, dimension, key)
        WHERE bucket < (SELECT until FROM rollup_hours_until) AND (sums.count, sums.negative, sums.micros, sums.late,
            sums.revision) IS DISTINCT FROM (hour.count, hour.negative, hour.sentiment_micros, hour.late, hour.revision)";

    #[tokio::test]
    async fn hours_equal_the_sum_of_their_minutes_even_with_late_posts() {
        let store = test_store().await;
        let now = Timestamp::now();
        let batch: Vec<_> = (0..600)
            .map(|n| testing::post(n, now - SignedDuration::from_secs(n as i64 * 397 % 200_000)))
            .collect();
        record(&store, &batch[..300]).await.unwrap();
        compact(&store, now).await.unwrap();
        assert_eq!(number(&store, WRONG).await, 0);
        let n_rows =
            number(&store, "SELECT count(*) FROM sentiment_rollup_hours WHERE dimension = 'overall'").await;
        assert!(n_rows > 40, "{n_rows}");
        for part in batch[300..].chunks(37) {
            record(&store, part).await.unwrap();
        }
        assert_eq!(number(&store, WRONG).await, 0);
        compact(&store, now).await.unwrap();
        assert_eq!(number(&store, WRONG).await, 0);
        let total = "SELECT sum(count)::bigint FROM sentiment_rollup_hours WHERE dimension = 'overall'
            AND bucket < (SELECT until FROM rollup_hours_until)";
        let posts = "SELECT count(*) FROM social_media_posts
            WHERE created_at < (SELECT until FROM rollup_hours_until)";
        assert_eq!(number(&store, total).await, number(&store, posts).await);
        // Checks the check: it must notice a corrupted row.
        execute(&store, "UPDATE sentiment_rollup_hours SET count = count + 1 WHERE dimension = 'overall'")
            .await;
        assert_ne!(number(&store, WRONG).await, 0);
    }

    #[test]
    fn pieces_cover_a_window_once_and_split_no_hour_in_which_a_step_begins() {
        let hour = |n: i64| at(n * HOUR_SECONDS);
        let window = Window { from: at(1_800), to: at(9_000 + 36_000), seconds: 0 };
        assert_eq!(
            pieces(window, &[window.from], hour(100)),
            (vec![(hour(1), hour(12))], vec![(at(1_800), hour(1)), (hour(12), at(45_000))])
        );
        // No hour is complete yet.
        assert_eq!(pieces(window, &[window.from], hour(0)), (vec![], vec![(window.from, window.to)]));
        let half = at(5 * HOUR_SECONDS + 1_800);
        let (hours, minutes) = pieces(window, &[window.from, half], hour(100));
        assert_eq!(hours, [(hour(1), hour(5)), (hour(6), hour(12))]);
        assert_eq!(minutes, [(at(1_800), hour(1)), (hour(5), hour(6)), (hour(12), at(45_000))]);
    }
}
