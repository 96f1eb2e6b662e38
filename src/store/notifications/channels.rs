//! Notification channels. This module handles secrets only in encrypted form and does not know the key.

use deadpool_postgres::{Object, Transaction};
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};

use super::outbox::dead_letter_pending;
use crate::models::alert::Severity;
use crate::models::id::{ChannelId, RuleId};
use crate::models::notification::{Channel, ChannelKind, ChannelSettings, Delivery};
use crate::models::person_name::Stamp;
use crate::store::codec::{PgTimestamp, enum_at};
use crate::store::locks::{Lock, insert_under_cap};
use crate::store::{Store, StoreError};

/// Maximum number of channels. All of them are read for every alert.
pub const CHANNELS_MAX: i64 = 1_000;

/// Channel as stored, with its encrypted secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredChannel {
    /// Channel without its secrets.
    pub channel: Channel,
    /// Secret settings, such as tokens, in encrypted form.
    pub sealed: Vec<u8>,
    /// Id of the key that encrypts the secrets.
    pub sealed_by: String,
}

/// Channel to create or replace.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelDraft {
    /// Id of the channel to create or replace.
    pub id: ChannelId,
    /// Name shown to people.
    pub name: String,
    /// Kind of channel. Replacing a channel must not change it.
    pub kind: ChannelKind,
    /// Whether the channel receives notifications at all.
    pub enabled: bool,
    /// Settings that are not secret.
    pub settings: ChannelSettings,
    /// Whether alerts are delivered immediately or in digests.
    pub delivery: Delivery,
    /// Minimum severity of the alerts that the channel receives.
    pub minimum_severity: Severity,
    /// Whether the channel receives alerts about the service itself.
    pub service_alerts: bool,
    /// Secret settings, such as tokens, in encrypted form.
    pub sealed: Vec<u8>,
    /// Id of the key that encrypts the secrets.
    pub sealed_by: String,
}

/// Columns of a [`StoredChannel`], in the order that [`channel_of`] reads them.
macro_rules! columns {
    () => {
        "id, name, kind::text, enabled, disabled_reason, settings, digest_seconds, minimum_severity, created_at, \
         updated_at, last_success_at, failing_since, sealed, sealed_by, service_alerts, created_by, updated_by"
    };
}

/// Returns all channels in order of creation.
pub async fn list(store: &Store) -> Result<Vec<Channel>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", columns!(), " FROM notification_channels ORDER BY created_at, id LIMIT $1");
    store.query(SQL, &[&CHANNELS_MAX]).await?.iter().map(|row| Ok(channel_of(row)?.channel)).collect()
}

/// Returns the channels that receive alerts about the service itself and whose secrets are encrypted with this key.
pub async fn for_service_alerts(store: &Store, sealed_by: &str) -> Result<Vec<StoredChannel>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM notification_channels WHERE enabled AND service_alerts AND sealed_by = $1 ORDER BY created_at, id LIMIT $2"
    );
    store.query(SQL, &[&sealed_by, &CHANNELS_MAX]).await?.iter().map(channel_of).collect()
}

/// Returns the webhooks whose URLs an earlier version stored in clear, and whose secrets are encrypted with this key.
pub async fn with_plain_urls(store: &Store, sealed_by: &str) -> Result<Vec<StoredChannel>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM notification_channels
        WHERE kind = 'webhook' AND jsonb_typeof(settings -> 'url') = 'string' AND sealed_by = $1 LIMIT $2"
    );
    store.query(SQL, &[&sealed_by, &CHANNELS_MAX]).await?.iter().map(channel_of).collect()
}

/// Returns a channel; `None` if it does not exist.
pub async fn get(store: &Store, id: ChannelId) -> Result<Option<StoredChannel>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM notification_channels WHERE id = $1");
    store.query_opt(SQL, &[&id]).await?.as_ref().map(channel_of).transpose()
}

/// Creates a channel. Returns `None` if there are already [`CHANNELS_MAX`] channels.
pub async fn create(
    store: &Store,
    draft: &ChannelDraft,
    stamp: &Stamp,
) -> Result<Option<Channel>, StoreError> {
    const SQL: &str = concat!(
        "INSERT INTO notification_channels
            (id, name, kind, enabled, settings, digest_seconds, minimum_severity, sealed, sealed_by, service_alerts,
            created_at, updated_at, created_by, updated_by)
        SELECT $1, $2, $3::text::notification_kind, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $12
        WHERE (SELECT count(*) FROM notification_channels) < $13
        RETURNING ",
        columns!()
    );
    let (digest, settings) = (digest_seconds(draft.delivery), Json(&draft.settings));
    let (kind, severity) = (draft.kind.as_str(), draft.minimum_severity.as_str());
    let values: [&(dyn ToSql + Sync); 13] = [
        &draft.id,
        &draft.name,
        &kind,
        &draft.enabled,
        &settings,
        &digest,
        &severity,
        &draft.sealed,
        &draft.sealed_by,
        &draft.service_alerts,
        &PgTimestamp(stamp.at),
        &stamp.name(),
        &CHANNELS_MAX,
    ];
    let row = insert_under_cap(store, Lock::ChannelCount, SQL, &values).await?;
    row.as_ref().map(|row| Ok(channel_of(row)?.channel)).transpose()
}

/// Replaces a channel. Returns `None` if it does not exist.
///
/// Enabling a disabled channel clears the reason why it was disabled and the time at which it began to fail. Disabling
/// a channel dead-letters its pending notifications.
pub async fn update(
    store: &Store,
    draft: &ChannelDraft,
    stamp: &Stamp,
) -> Result<Option<Channel>, StoreError> {
    const SQL: &str = concat!(
        "UPDATE notification_channels SET
            name = $2, enabled = $3, settings = $4, digest_seconds = $5, minimum_severity = $6, sealed = $7, sealed_by = $8,
            service_alerts = $9,
            disabled_reason = CASE WHEN $3 THEN NULL ELSE disabled_reason END,
            failing_since = CASE WHEN $3 AND NOT enabled THEN NULL ELSE failing_since END,
            paused_until = CASE WHEN $3 AND NOT enabled THEN now() ELSE paused_until END,
            updated_at = $10, updated_by = $11
        WHERE id = $1
        RETURNING ",
        columns!()
    );
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            let (digest, settings) = (digest_seconds(draft.delivery), Json(&draft.settings));
            let severity = draft.minimum_severity.as_str();
            let row = transaction
                .query_opt(
                    SQL,
                    &[
                        &draft.id,
                        &draft.name,
                        &draft.enabled,
                        &settings,
                        &digest,
                        &severity,
                        &draft.sealed,
                        &draft.sealed_by,
                        &draft.service_alerts,
                        &PgTimestamp(stamp.at),
                        &stamp.name(),
                    ],
                )
                .await?;
            if !draft.enabled {
                dead_letter_pending(&transaction, draft.id).await?;
            }
            transaction.commit().await?;
            Ok::<_, StoreError>(row)
        })
        .await?
        .as_ref()
        .map(|row| Ok(channel_of(row)?.channel))
        .transpose()
}

/// Replacement for the encrypted secrets of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resealed {
    /// Time of the replacement, and who made it.
    pub stamp: Stamp,
    /// Encrypted secrets to replace, exactly as they were read.
    pub old: Vec<u8>,
    /// New secrets, encrypted.
    pub sealed: Vec<u8>,
    /// Id of the key that encrypts the new secrets.
    pub sealed_by: String,
    /// Settings that are not secret, without any that now are.
    pub settings: ChannelSettings,
}

/// Replaces a channel's secrets, and what its public settings say about them. Returns `None` if they have changed since
/// they were read; without this check, one of two concurrent callers would be given a secret that signs nothing.
pub async fn reseal(store: &Store, id: ChannelId, secrets: &Resealed) -> Result<Option<Channel>, StoreError> {
    const SQL: &str = concat!(
        "UPDATE notification_channels
        SET sealed = $3, sealed_by = $4, settings = $5, updated_at = $6, updated_by = $7
        WHERE id = $1 AND sealed = $2
        RETURNING ",
        columns!()
    );
    let Resealed { stamp, old, sealed, sealed_by, settings } = secrets;
    let (at, by) = (PgTimestamp(stamp.at), stamp.name());
    store
        .query_opt(SQL, &[&id, old, sealed, sealed_by, &Json(settings), &at, &by])
        .await?
        .as_ref()
        .map(|row| Ok(channel_of(row)?.channel))
        .transpose()
}

/// Outcome of a request to delete a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// The channel and its notifications were deleted; no rule names it anymore.
    Removed,
    /// The channel does not exist.
    Unknown,
    /// Nothing changed, because the rules with these names would be left without a channel.
    InUse(Vec<String>),
    /// Nothing changed, because the reports with these names are sent through the channel.
    InUseByReports(Vec<String>),
}

/// Deletes a channel, unless that would leave a rule or report without channels.
pub async fn delete(store: &Store, id: ChannelId, stamp: &Stamp) -> Result<Removal, StoreError> {
    store.run(async |client| delete_on(client, id, stamp).await).await
}

/// Locks the channel before the rules, as every transaction that writes a rule does. This prevents deadlocks and bases
/// the decision on the latest version of the rules.
async fn delete_on(client: &mut Object, id: ChannelId, stamp: &Stamp) -> Result<Removal, StoreError> {
    const HOLD: &str = "SELECT FROM notification_channels WHERE id = $1 FOR UPDATE";
    const REPORTS: &str =
        "SELECT name FROM reports WHERE notification_channel = $1 ORDER BY name, id LIMIT 10";
    const HOLD_RULES: &str = "SELECT id FROM alert_rules WHERE $1 = ANY (channels) ORDER BY id FOR UPDATE";
    const DEPENDENT: &str = "
        SELECT name FROM alert_rules WHERE id = ANY ($2) AND NOT EXISTS (
            SELECT FROM notification_channels AS other WHERE other.id = ANY (channels) AND other.id <> $1)
        ORDER BY name";
    const UNNAME: &str = "
        UPDATE alert_rules SET channels = array_remove(channels, $1), updated_at = $3, updated_by = $4
        WHERE id = ANY ($2)";
    const DELETE: &str = "DELETE FROM notification_channels WHERE id = $1";
    let transaction = client.transaction().await?;
    if transaction.query_opt(HOLD, &[&id]).await?.is_none() {
        return Ok(Removal::Unknown);
    }
    let reports = transaction.query(REPORTS, &[&id]).await?;
    if !reports.is_empty() {
        let names = reports.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
        return Ok(Removal::InUseByReports(names));
    }
    let rules = transaction.query(HOLD_RULES, &[&id]).await?;
    let rules = rules.iter().map(|row| row.try_get(0)).collect::<Result<Vec<RuleId>, _>>()?;
    let dependent = transaction.query(DEPENDENT, &[&id, &rules]).await?;
    if !dependent.is_empty() {
        let names = dependent.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
        return Ok(Removal::InUse(names));
    }
    transaction.execute(UNNAME, &[&id, &rules, &PgTimestamp(stamp.at), &stamp.name()]).await?;
    transaction.execute(DELETE, &[&id]).await?;
    transaction.commit().await?;
    Ok(Removal::Removed)
}

/// Protects these channels from deletion until the transaction ends. Fails with `UnknownChannel`.
pub(in crate::store) async fn hold(
    transaction: &Transaction<'_>,
    ids: &[ChannelId],
) -> Result<(), StoreError> {
    const SQL: &str = "SELECT id FROM notification_channels WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE";
    let held = transaction.query(SQL, &[&ids]).await?;
    let held = held.iter().map(|row| row.try_get(0)).collect::<Result<Vec<ChannelId>, _>>()?;
    match ids.iter().find(|id| !held.contains(id)) {
        Some(id) => Err(StoreError::UnknownChannel { id: *id }),
        None => Ok(()),
    }
}

fn digest_seconds(delivery: Delivery) -> Option<i32> {
    match delivery {
        Delivery::Immediate => None,
        Delivery::Digest { every_seconds } => Some(every_seconds),
    }
}

fn channel_of(row: &Row) -> Result<StoredChannel, StoreError> {
    let Json(settings) = row.try_get::<_, Json<ChannelSettings>>(5)?;
    let every: Option<i32> = row.try_get(6)?;
    let channel = Channel {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        kind: enum_at(row, 2, &ChannelKind::ALL, ChannelKind::as_str)?,
        enabled: row.try_get(3)?,
        disabled_reason: row.try_get(4)?,
        settings,
        delivery: every.map_or(Delivery::Immediate, |every_seconds| Delivery::Digest { every_seconds }),
        minimum_severity: enum_at(row, 7, &Severity::ALL, Severity::as_str)?,
        created_at: row.try_get(8)?,
        updated_at: row.try_get(9)?,
        last_success_at: row.try_get(10)?,
        failing_since: row.try_get(11)?,
        service_alerts: row.try_get(14)?,
        created_by: row.try_get(15)?,
        updated_by: row.try_get(16)?,
    };
    Ok(StoredChannel { channel, sealed: row.try_get(12)?, sealed_by: row.try_get(13)? })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::store::alerts::rules;
    use crate::store::testing::{channel, created_at_once, execute, test_store};

    fn by(name: &str) -> Stamp {
        Stamp { at: Timestamp::now(), by: Some(name.parse().unwrap()) }
    }

    fn draft() -> ChannelDraft {
        ChannelDraft {
            id: ChannelId::now_v7(),
            name: "one".to_owned(),
            kind: ChannelKind::Webhook,
            enabled: true,
            settings: ChannelSettings::default(),
            delivery: Delivery::Immediate,
            minimum_severity: Severity::Warning,
            service_alerts: false,
            sealed: Vec::new(),
            sealed_by: "k".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_channel_names_who_created_it_and_who_changed_it_last() {
        let store = test_store().await;
        let draft = draft();
        let made = create(&store, &draft, &by("Ana")).await.unwrap().unwrap();
        assert_eq!([made.created_by.as_deref(), made.updated_by.as_deref()], [Some("Ana"); 2]);
        let changed = update(&store, &draft, &by("Bob")).await.unwrap().unwrap();
        assert_eq!(
            (changed.created_by.as_deref(), changed.updated_by.as_deref()),
            (Some("Ana"), Some("Bob"))
        );
    }

    #[tokio::test]
    async fn a_channel_that_a_rule_depends_on_is_not_deleted() {
        let store = test_store().await;
        let (one, other) =
            (channel(&store, "webhook", "warning").await, channel(&store, "webhook", "warning").await);
        let rule = rule_for(&store, &[one, other]).await.unwrap();

        assert_eq!(delete(&store, one, &by("Ana")).await.unwrap(), Removal::Removed);
        assert_eq!(delete(&store, one, &by("Ana")).await.unwrap(), Removal::Unknown);
        assert_eq!(channels_of(&store, rule).await, [other]);
        let changed = rules::get(&store, rule).await.unwrap().unwrap();
        assert_eq!((changed.created_by, changed.updated_by.as_deref()), (None, Some("Ana")));
        let again = rule_for(&store, &[other, one]).await;
        assert!(matches!(again, Err(StoreError::UnknownChannel { id }) if id == one));

        assert_eq!(delete(&store, other, &by("Ana")).await.unwrap(), Removal::InUse(vec!["Both".to_owned()]));
        rules::delete(&store, rule).await.unwrap().unwrap();
        assert_eq!(delete(&store, other, &by("Ana")).await.unwrap(), Removal::Removed);
    }

    #[tokio::test]
    async fn of_two_concurrent_deletions_of_a_rules_channels_one_is_refused() {
        let (store, ana) = (test_store().await, by("Ana"));
        for _ in 0..20 {
            let (one, other) =
                (channel(&store, "webhook", "warning").await, channel(&store, "webhook", "warning").await);
            let rule = rule_for(&store, &[one, other]).await.unwrap();
            let (first, second) = tokio::join!(delete(&store, one, &ana), delete(&store, other, &ana));
            let removed = [(one, first.unwrap()), (other, second.unwrap())];
            let kept: Vec<ChannelId> = removed
                .into_iter()
                .filter(|(_, removal)| *removal != Removal::Removed)
                .map(|(id, _)| id)
                .collect();
            assert_eq!(kept.len(), 1);
            assert_eq!(channels_of(&store, rule).await, kept);
        }
    }

    #[tokio::test]
    async fn a_deletion_concurrent_with_a_rule_naming_the_channel_makes_one_fail() {
        let (store, ana) = (test_store().await, by("Ana"));
        for _ in 0..20 {
            let one = channel(&store, "webhook", "warning").await;
            let named = [one];
            let (removal, rule) = tokio::join!(delete(&store, one, &ana), rule_for(&store, &named));
            match rule {
                Ok(rule) => {
                    assert_eq!(removal.unwrap(), Removal::InUse(vec!["Both".to_owned()]));
                    assert_eq!(channels_of(&store, rule).await, [one]);
                }
                Err(error) => {
                    assert!(matches!(error, StoreError::UnknownChannel { .. }), "{error}");
                    assert_eq!(removal.unwrap(), Removal::Removed);
                }
            }
        }
    }

    #[tokio::test]
    async fn rules_of_earlier_versions_lose_channels_that_no_longer_exist() {
        const MIGRATION: &str = include_str!("../../../migrations/V14__living_channels.sql");
        let store = test_store().await;
        let (one, other) =
            (channel(&store, "webhook", "warning").await, channel(&store, "webhook", "warning").await);
        let rules = [&[other, one][..], &[one], &[other]];
        let gone = ChannelId::now_v7();
        let mut named = Vec::new();
        for channels in rules {
            let rule = rule_for(&store, channels).await.unwrap();
            // The state in which an earlier version left rules when it deleted a channel.
            let dangling = format!(
                "UPDATE alert_rules SET channels = array_replace(channels, '{one}', '{gone}') WHERE id = '{rule}'"
            );
            execute(&store, &dangling).await;
            named.push(rule);
        }
        execute(&store, MIGRATION).await;
        let mut left = Vec::new();
        for rule in named {
            left.push(channels_of(&store, rule).await);
        }
        assert_eq!(left, [vec![other], vec![], vec![other]]);
    }

    async fn rule_for(store: &Store, channels: &[ChannelId]) -> Result<RuleId, StoreError> {
        let mut what = rules::list(store).await?.remove(0).what;
        (what.name, what.channels) = ("Both".to_owned(), channels.to_vec());
        Ok(rules::create(store, &what, &Stamp::without_name(Timestamp::now())).await?.unwrap().id)
    }

    async fn channels_of(store: &Store, rule: RuleId) -> Vec<ChannelId> {
        rules::get(store, rule).await.unwrap().unwrap().what.channels
    }

    #[tokio::test]
    async fn of_two_replacements_of_the_same_secrets_one_succeeds() {
        let store = test_store().await;
        let id = channel(&store, "webhook", "warning").await;
        // The receiver unsubscribed in the meantime.
        execute(&store, "UPDATE notification_channels SET enabled = false, disabled_reason = 'gone'").await;
        let new = |text: &str| Resealed {
            stamp: by("Ana"),
            old: Vec::new(),
            sealed: text.as_bytes().to_vec(),
            sealed_by: "k".to_owned(),
            settings: ChannelSettings::default(),
        };
        let (one, other) = (new("one"), new("other"));
        let (one, other) = tokio::join!(reseal(&store, id, &one), reseal(&store, id, &other));
        let changed: Vec<Channel> = [one.unwrap(), other.unwrap()].into_iter().flatten().collect();
        assert_eq!(changed.len(), 1);
        assert_eq!((changed[0].enabled, changed[0].disabled_reason.as_deref()), (false, Some("gone")));
        assert_eq!((changed[0].created_by.as_deref(), changed[0].updated_by.as_deref()), (None, Some("Ana")));
    }

    #[tokio::test]
    async fn the_cap_on_channels_holds_under_concurrent_creation() {
        let store = test_store().await;
        let fill = "INSERT INTO notification_channels (id, name, kind, enabled, settings, minimum_severity, sealed, sealed_by)
            SELECT gen_random_uuid(), 'n', 'webhook', true, '{}', 'warning', '', 'k' FROM generate_series(1, 997)";
        execute(&store, fill).await;
        let make = async || create(&store, &draft(), &by("Ana")).await.unwrap();
        assert_eq!(created_at_once(&store, "notification_channels", make).await, 3);
        assert_eq!(list(&store).await.unwrap().len(), 1_000);
    }
}
