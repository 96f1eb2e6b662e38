//! Silences, which suppress notifications about the alerts that they match.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::models::alert::Severity;
use crate::models::id::SilenceId;
use crate::models::person_name::Stamp;
use crate::models::rollup::Dimension;
use crate::models::silence::{NewSilence, Silence};
use crate::store::codec::{PgTimestamp, optional_enum_at};
use crate::store::locks::{Lock, insert_under_cap};
use crate::store::{Store, StoreError};

/// Maximum number of silences that have not ended, and of silences in a list.
pub const SILENCES_MAX: i64 = 500;

/// Columns of a [`Silence`], in the order that [`silence_of`] reads them. This is a macro, because `concat!` takes only
/// literals.
macro_rules! columns {
    () => {
        "id, created_at, rule_id, dimension::text, key, severity::text, starts_at, ends_at, comment, created_by, \
         updated_at, updated_by"
    };
}

/// Returns at most [`SILENCES_MAX`] silences, latest end time first.
pub async fn list(store: &Store) -> Result<Vec<Silence>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", columns!(), " FROM silences ORDER BY ends_at DESC, id DESC LIMIT $1");
    silences(store, SQL, &[&SILENCES_MAX]).await
}

/// Returns the silences that are active or have yet to begin.
pub async fn current(store: &Store, now: Timestamp) -> Result<Vec<Silence>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM silences WHERE ends_at > $1 ORDER BY id");
    silences(store, SQL, &[&PgTimestamp(now)]).await
}

/// Stores a validated silence, which takes effect within seconds. Returns `None` if there are already [`SILENCES_MAX`]
/// silences that have not ended.
pub async fn create(store: &Store, what: &NewSilence, stamp: &Stamp) -> Result<Option<Silence>, StoreError> {
    const SQL: &str = concat!(
        "
        INSERT INTO silences
            (id, created_at, rule_id, dimension, key, severity, starts_at, ends_at, comment, created_by)
        SELECT $1, $2, $3, $4::text::rollup_dimension, $5, $6::text::alert_severity, $7, $8, $9, $10
        WHERE (SELECT count(*) FROM silences WHERE ends_at > $2) < $11
        RETURNING ",
        columns!()
    );
    let values: [&(dyn ToSql + Sync); 11] = [
        &SilenceId::now_v7(),
        &PgTimestamp(stamp.at),
        &what.rule_id,
        &what.dimension.map(Dimension::as_str),
        &what.key,
        &what.severity.map(Severity::as_str),
        &PgTimestamp(what.starts_at),
        &PgTimestamp(what.ends_at),
        &what.comment,
        &stamp.name(),
        &SILENCES_MAX,
    ];
    insert_under_cap(store, Lock::SilenceCount, SQL, &values).await?.as_ref().map(silence_of).transpose()
}

/// Ends a silence now; one that has already ended is returned unchanged. Returns `None` if it does not exist.
pub async fn end(store: &Store, id: SilenceId, stamp: &Stamp) -> Result<Option<Silence>, StoreError> {
    const SQL: &str = concat!(
        "UPDATE silences SET starts_at = least(starts_at, $2), ends_at = least(ends_at, $2),
            updated_at = CASE WHEN ends_at > $2 THEN $2 ELSE updated_at END,
            updated_by = CASE WHEN ends_at > $2 THEN $3 ELSE updated_by END
        WHERE id = $1 RETURNING ",
        columns!()
    );
    Ok(silences(store, SQL, &[&id, &PgTimestamp(stamp.at), &stamp.name()]).await?.pop())
}

async fn silences(
    store: &Store,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Silence>, StoreError> {
    store.query(sql, values).await?.iter().map(silence_of).collect()
}

fn silence_of(row: &Row) -> Result<Silence, StoreError> {
    let mut what = NewSilence {
        rule_id: row.try_get(2)?,
        dimension: optional_enum_at(row, 3, &Dimension::ALL, Dimension::as_str)?,
        key: row.try_get(4)?,
        severity: optional_enum_at(row, 5, &Severity::ALL, Severity::as_str)?,
        everything: false,
        starts_at: row.try_get(6)?,
        ends_at: row.try_get(7)?,
        comment: row.try_get(8)?,
    };
    // Not stored: it follows from the conditions.
    what.everything = !what.has_conditions();
    Ok(Silence {
        id: row.try_get(0)?,
        what,
        created_at: row.try_get(1)?,
        created_by: row.try_get(9)?,
        updated_at: row.try_get(10)?,
        updated_by: row.try_get(11)?,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::models::id::RuleId;
    use crate::store::testing::{created_at_once, execute, now_in_micros, test_store};

    #[tokio::test]
    async fn a_silence_lasts_until_its_end_or_until_it_is_ended() {
        let store = test_store().await;
        let now = now_in_micros();
        let hour = SignedDuration::from_hours(1);
        let what = |starts_at, ends_at| NewSilence {
            rule_id: Some(RuleId::now_v7()),
            dimension: Some(Dimension::Product),
            key: Some("alpha".to_owned()),
            severity: None,
            everything: false,
            starts_at,
            ends_at,
            comment: "we know".to_owned(),
        };
        let by = |name: &str| Stamp { at: now, by: Some(name.parse().unwrap()) };
        let (ana, bob) = (by("Ana"), by("Bob"));
        let over = create(&store, &what(now - hour * 2, now - hour), &ana).await.unwrap().unwrap();
        let running = create(&store, &what(now - hour, now + hour), &ana).await.unwrap().unwrap();
        let later = create(&store, &what(now + hour, now + hour * 2), &ana).await.unwrap().unwrap();
        assert_eq!((later.created_by.as_deref(), later.updated_at), (Some("Ana"), None));
        assert_eq!(current(&store, now).await.unwrap(), [running.clone(), later.clone()]);
        assert_eq!(list(&store).await.unwrap(), [later.clone(), running.clone(), over.clone()]);
        let ended = end(&store, running.id, &bob).await.unwrap().unwrap();
        assert_eq!((ended.created_by.as_deref(), ended.updated_by.as_deref()), (Some("Ana"), Some("Bob")));
        assert_eq!(ended.updated_at, Some(now));
        assert_eq!((ended.what.starts_at, ended.what.ends_at), (running.what.starts_at, now));
        let ended = end(&store, later.id, &bob).await.unwrap().unwrap();
        assert_eq!((ended.what.starts_at, ended.what.ends_at), (now, now));
        assert_eq!(end(&store, over.id, &bob).await.unwrap(), Some(over));
        assert_eq!(end(&store, SilenceId::now_v7(), &bob).await.unwrap(), None);
        assert_eq!(current(&store, now).await.unwrap(), []);
    }

    #[tokio::test]
    async fn the_cap_on_current_silences_holds_under_concurrent_creation() {
        let store = test_store().await;
        let fill = "INSERT INTO silences (id, created_at, starts_at, ends_at, comment)
            SELECT gen_random_uuid(), now(), now(), now() + make_interval(hours => CASE WHEN n > 100 THEN 1 ELSE 0 END), ''
            FROM generate_series(1, 597) AS n";
        execute(&store, fill).await;
        let now = now_in_micros() + SignedDuration::from_secs(1);
        let what = NewSilence {
            rule_id: Some(RuleId::now_v7()),
            dimension: None,
            key: None,
            severity: None,
            everything: false,
            starts_at: now,
            ends_at: now + SignedDuration::from_hours(1),
            comment: String::new(),
        };
        let stamp = Stamp::without_name(now);
        let make = async || create(&store, &what, &stamp).await.unwrap();
        assert_eq!(created_at_once(&store, "silences", make).await, 3);
        assert_eq!(current(&store, now).await.unwrap().len(), 500);
    }
}
