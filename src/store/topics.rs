//! Reads and writes topics.

pub mod history; // the transaction that applies a topic to stored posts
pub mod jobs; // jobs that apply topics to stored posts

use std::collections::HashSet;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::codec::{PgTimestamp, enum_at};
use super::locks::{Lock, insert_under_cap};
use super::{Store, StoreError};
use crate::models::id::TopicId;
use crate::models::person_name::Stamp;
use crate::models::topic::{NewTopic, Topic, TopicKind};

/// Maximum number of topics. All of them are compiled into one search.
pub const TOPICS_MAX: i64 = 1_000;

/// Maximum number of former names to keep per topic. Older ones are forgotten.
const FORMER_NAMES_MAX: i32 = 20;

/// Outcome of storing a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// The topic was stored.
    Topic(Box<Topic>),
    /// Another topic has this name.
    NameTaken,
    /// There are already [`TOPICS_MAX`] topics.
    Full,
    /// The topic to replace does not exist.
    Unknown,
}

/// Version of the set of all topics, which changes whenever one is created, replaced or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicsVersion {
    n_topics: i64,
    last_change: Option<Timestamp>,
}

/// Returns every topic, sorted by name.
pub async fn list(store: &Store) -> Result<Vec<Topic>, StoreError> {
    const SQL: &str = "
        SELECT id, name, kind, is_ours, query, tracks_churn, enabled, created_at, updated_at, updated_by, created_by
        FROM topics ORDER BY lower(name) LIMIT $1";
    store.query(SQL, &[&TOPICS_MAX]).await?.iter().map(topic_of).collect()
}

/// Returns a topic; `None` if it does not exist.
pub async fn get(store: &Store, id: TopicId) -> Result<Option<Topic>, StoreError> {
    const SQL: &str = "
        SELECT id, name, kind, is_ours, query, tracks_churn, enabled, created_at, updated_at, updated_by, created_by
        FROM topics WHERE id = $1";
    store.query_opt(SQL, &[&id]).await?.as_ref().map(topic_of).transpose()
}

/// Returns the version of the set of all topics.
pub async fn version(store: &Store) -> Result<TopicsVersion, StoreError> {
    let rows = store.query("SELECT count(*), max(updated_at) FROM topics", &[]).await?;
    let row = rows.first().ok_or_else(|| StoreError::internal("a count without a row"))?;
    Ok(TopicsVersion { n_topics: row.try_get(0)?, last_change: row.try_get(1)? })
}

/// Returns the names of the topics whose posts may not open churn alerts.
pub async fn without_churn(store: &Store) -> Result<HashSet<String>, StoreError> {
    let rows = store.query("SELECT name FROM topics WHERE NOT tracks_churn LIMIT $1", &[&TOPICS_MAX]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// Stores a new topic.
pub async fn create(store: &Store, new: &NewTopic, stamp: &Stamp) -> Result<Stored, StoreError> {
    const SQL: &str = "
        INSERT INTO topics
            (id, created_at, updated_at, created_by, updated_by, name, kind, is_ours, query, tracks_churn, enabled)
        SELECT $1, $2, $2, $3, $3, $4, $5, $6, $7, $8, $9 WHERE (SELECT count(*) FROM topics) < $10
        RETURNING id, name, kind, is_ours, query, tracks_churn, enabled, created_at, updated_at, updated_by, created_by";
    let (id, at, by) = (TopicId::now_v7(), PgTimestamp(stamp.at), stamp.name());
    let values: [&(dyn ToSql + Sync); 10] = [
        &id,
        &at,
        &by,
        &new.name,
        &new.kind.as_str(),
        &new.is_ours(),
        &new.query,
        &new.tracks_churn(),
        &new.enabled,
        &TOPICS_MAX,
    ];
    stored(insert_under_cap(store, Lock::TopicCount, SQL, &values).await, Stored::Full)
}

/// Replaces a topic. Its posts keep the products that they were stored with, until the topic is applied to them.
pub async fn replace(
    store: &Store,
    id: TopicId,
    new: &NewTopic,
    stamp: &Stamp,
) -> Result<Stored, StoreError> {
    const SQL: &str = "
        UPDATE topics SET
            updated_at = greatest($2, updated_at + interval '1 microsecond'), updated_by = $3, name = $4, kind = $5,
            former_names = CASE WHEN name = $4 THEN former_names ELSE
                (array_append(array_remove(array_remove(former_names, name), $4), name))
                    [greatest(1, cardinality(former_names) - $10 + 2):]
            END, is_ours = $6, query = $7, tracks_churn = $8, enabled = $9
        WHERE id = $1
        RETURNING id, name, kind, is_ours, query, tracks_churn, enabled, created_at, updated_at, updated_by, created_by";
    let (at, by) = (PgTimestamp(stamp.at), stamp.name());
    let values: [&(dyn ToSql + Sync); 10] = [
        &id,
        &at,
        &by,
        &new.name,
        &new.kind.as_str(),
        &new.is_ours(),
        &new.query,
        &new.tracks_churn(),
        &new.enabled,
        &FORMER_NAMES_MAX,
    ];
    stored(store.query_opt(SQL, &values).await, Stored::Unknown)
}

/// Deletes a topic, and returns whether it existed. Its posts keep the products that they were stored with.
pub async fn delete(store: &Store, id: TopicId) -> Result<bool, StoreError> {
    Ok(store.execute("DELETE FROM topics WHERE id = $1", &[&id]).await? > 0)
}

fn stored(outcome: Result<Option<Row>, StoreError>, without_row: Stored) -> Result<Stored, StoreError> {
    match outcome {
        Ok(Some(row)) => Ok(Stored::Topic(Box::new(topic_of(&row)?))),
        Ok(None) => Ok(without_row),
        Err(StoreError::Refused { code, .. }) if code == SqlState::UNIQUE_VIOLATION.code() => {
            Ok(Stored::NameTaken)
        }
        Err(error) => Err(error),
    }
}

fn topic_of(row: &Row) -> Result<Topic, StoreError> {
    Ok(Topic {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        kind: enum_at(row, 2, &TopicKind::ALL, TopicKind::as_str)?,
        is_ours: row.try_get(3)?,
        query: row.try_get(4)?,
        tracks_churn: row.try_get(5)?,
        enabled: row.try_get(6)?,
        created_at: row.try_get(7)?,
        updated_at: row.try_get(8)?,
        updated_by: row.try_get(9)?,
        created_by: row.try_get(10)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{created_at_once, execute, now_in_micros, test_store};

    fn new(name: &str, kind: TopicKind) -> NewTopic {
        NewTopic {
            name: name.to_owned(),
            kind,
            is_ours: None,
            query: "nimbrel".to_owned(),
            tracks_churn: None,
            enabled: true,
        }
    }

    fn topic(stored: Stored) -> Topic {
        match stored {
            Stored::Topic(topic) => *topic,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn topics_are_stored_under_unique_names_and_each_change_has_a_version() {
        let store = test_store().await;
        let stamp = Stamp { at: now_in_micros(), by: Some("Ana".parse().unwrap()) };
        let before = version(&store).await.unwrap();
        let ours = topic(create(&store, &new("Nimbrel", TopicKind::Brand), &stamp).await.unwrap());
        assert_eq!((ours.is_ours, ours.tracks_churn), (true, true));
        assert_eq!([ours.created_by.as_deref(), ours.updated_by.as_deref()], [Some("Ana"); 2]);
        let taken = create(&store, &new("NIMBREL", TopicKind::Issue), &stamp).await.unwrap();
        assert_eq!(taken, Stored::NameTaken);
        let theirs = topic(create(&store, &new("Acme", TopicKind::Competitor), &stamp).await.unwrap());
        assert_eq!(without_churn(&store).await.unwrap(), HashSet::from(["Acme".to_owned()]));
        let both = version(&store).await.unwrap();
        assert_ne!(before, both);
        let taken = replace(&store, theirs.id, &new("nimbrel", TopicKind::Competitor), &stamp).await.unwrap();
        assert_eq!(taken, Stored::NameTaken);
        let replaced = replace(&store, theirs.id, &new("Zenith", TopicKind::Person), &stamp).await.unwrap();
        // Even changes at the same time have different versions.
        assert_ne!(version(&store).await.unwrap(), both);
        assert_eq!(list(&store).await.unwrap(), [ours.clone(), topic(replaced)]);
        assert!(delete(&store, theirs.id).await.unwrap() && !delete(&store, theirs.id).await.unwrap());
        assert_eq!(get(&store, theirs.id).await.unwrap(), None);
        assert_eq!(get(&store, ours.id).await.unwrap(), Some(ours));
        let unknown = replace(&store, theirs.id, &new("Zenith", TopicKind::Person), &stamp).await.unwrap();
        assert_eq!(unknown, Stored::Unknown);
    }

    #[tokio::test]
    async fn the_cap_on_topics_holds_under_concurrent_creation() {
        let store = test_store().await;
        let fill = "INSERT INTO topics SELECT gen_random_uuid(), 'n' || n, 'brand', true, 'a', true, true, now(), now()
            FROM generate_series(1, 997) AS n";
        execute(&store, fill).await;
        let stamp = Stamp { at: now_in_micros(), by: None };
        let make = async || {
            let name = TopicId::now_v7().to_string();
            match create(&store, &new(&name, TopicKind::Brand), &stamp).await.unwrap() {
                Stored::Full => None,
                other => Some(topic(other)),
            }
        };
        assert_eq!(created_at_once(&store, "topics", make).await, 3);
    }
}
