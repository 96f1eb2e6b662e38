//! The audit log in PostgreSQL: what people with access to the database can do to it, and what that leaves behind.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Map;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::auditor::{Auditor, auditor};
use super::chainer::{Chainer, ChainerParams};
use super::checkpoint_file;
use super::entry::Entry;
use super::finding::Tampering;
use super::keys::testing::keys;
use super::refusals::Refusal;
use super::verification::{Verdict, VerifierParams};
use super::verify::verify;
use crate::models::audit::{Action, AuditActor, AuditEntry, AuditFilter};
use crate::store::audit::chain::hold_lock;
use crate::store::testing::{self, execute, number, test_store};
use crate::store::{Store, audit};

/// Lets a test do what the triggers refuse, as the owner of the tables can.
const AS_OWNER: &str = "SET session_replication_role = replica;";

/// An audit log with its writer, which ends with it.
struct Log {
    store: Store,
    auditor: Auditor,
    chainer: Chainer,
    writer: JoinHandle<()>,
}

impl Log {
    async fn open() -> Self {
        Self::open_on(test_store().await, params())
    }

    fn open_on(store: Store, params: ChainerParams) -> Self {
        let (auditor, writer) = auditor(Arc::new(keys()));
        let insert_into = store.clone();
        let writer = tokio::spawn(async move {
            loop {
                writer.write_next(&insert_into).await;
            }
        });
        let chainer = Chainer::new(store.clone(), params, watch::Sender::new(None));
        Self { store, auditor, chainer, writer }
    }

    /// Returns a log with this many chained entries and a stored checkpoint.
    async fn with(n: u64) -> Self {
        let mut log = Self::open().await;
        log.record(n).await;
        log.chainer.finish().await.unwrap();
        log
    }

    async fn record(&self, n: u64) {
        for n in 0..n {
            self.auditor.record(entry(n)).await.unwrap();
        }
    }

    async fn tamper(&self, sql: &str) {
        execute(&self.store, &format!("{AS_OWNER} {sql}; RESET session_replication_role")).await;
    }

    async fn verify(&self) -> Verdict {
        let params = VerifierParams { keys: vec![keys()], ..VerifierParams::default() };
        verify(&self.store, params).await.unwrap()
    }

    async fn found(&self) -> Vec<(Tampering, Option<i64>)> {
        let verdict = self.verify().await;
        verdict.findings.as_slice().iter().map(|finding| (finding.tampering, finding.seq)).collect()
    }

    async fn entries(&self, filter: &AuditFilter) -> Vec<AuditEntry> {
        audit::list::list(&self.store, filter, None, 100).await.unwrap().items
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

fn params() -> ChainerParams {
    ChainerParams { keys: Arc::new(keys()), file: None, retention_months: None }
}

fn entry(n: u64) -> Entry {
    let mut payload = Map::new();
    payload.insert("after".to_owned(), serde_json::json!({"n": n, "é": 1.50}));
    Entry {
        actor: AuditActor { kind: "user", id: Some("ana".to_owned()), name: None },
        action: Action::TopicCreated,
        object: Some(format!("topic-{n}")),
        from: Some("2001:db8::7".parse().unwrap()),
        payload,
    }
}

#[tokio::test]
async fn entries_are_chained_without_gaps_and_verify() {
    let mut log = Log::open().await;
    let requests = (0..50).map(|n| {
        let auditor = log.auditor.clone();
        tokio::spawn(async move { auditor.record(entry(n)).await })
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.unwrap().unwrap();
    }
    let verdict = log.verify().await;
    assert_eq!((verdict.n_links, verdict.n_waiting, verdict.findings.n_total()), (0, 50, 0));
    log.chainer.finish().await.unwrap();
    let verdict = log.verify().await;
    assert_eq!((verdict.n_links, verdict.n_waiting, verdict.end.seq), (50, 0, 50));
    assert_eq!((verdict.findings.n_total(), verdict.n_checkpoints), (0, 1));
    let mut seqs: Vec<_> =
        log.entries(&AuditFilter::default()).await.iter().map(|entry| entry.seq.unwrap()).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=50).collect::<Vec<_>>());
    // Another process continues where this one stopped.
    log.record(3).await;
    let mut other = Chainer::new(log.store.clone(), params(), watch::Sender::new(None));
    other.finish().await.unwrap();
    assert_eq!(log.verify().await.end.seq, 53);
}

#[tokio::test]
async fn the_end_of_a_process_waits_for_a_chainer_that_holds_the_lock() {
    let mut log = Log::open().await;
    log.record(3).await;
    let (store, locked) = (log.store.clone(), Arc::new(Notify::new()));
    let holder = tokio::spawn({
        let locked = Arc::clone(&locked);
        async move { hold_lock(&store, &locked, Duration::from_millis(200)).await.unwrap() }
    });
    locked.notified().await;
    log.chainer.finish().await.unwrap();
    holder.await.unwrap();
    let verdict = log.verify().await;
    assert_eq!((verdict.n_links, verdict.n_waiting, verdict.n_checkpoints), (3, 0, 1));
}

#[tokio::test]
async fn chainers_that_run_at_once_never_fork_the_chain() {
    let log = Log::open().await;
    let chaining = (0..4).map(|_| {
        let mut chainer = Chainer::new(log.store.clone(), params(), watch::Sender::new(None));
        tokio::spawn(async move {
            for _ in 0..40 {
                chainer.step().await.unwrap();
            }
        })
    });
    let chaining: Vec<_> = chaining.collect();
    log.record(120).await;
    for chainer in chaining {
        chainer.await.unwrap();
    }
    let mut last = Chainer::new(log.store.clone(), params(), watch::Sender::new(None));
    last.finish().await.unwrap();
    let verdict = log.verify().await;
    assert_eq!((verdict.n_links, verdict.end.seq, verdict.findings.n_total()), (120, 120, 0));
}

#[tokio::test]
async fn changes_to_rows_links_and_checkpoints_are_refused() {
    let log = Log::with(3).await;
    // As an earlier version left it.
    execute(&log.store, "CREATE TABLE audit_logs_200001 PARTITION OF audit_logs FOR VALUES FROM ('2000-01-01') TO ('2000-02-01')")
        .await;
    let now = testing::now_in_micros();
    audit::retention::ensure_partitions(&log.store, now).await.unwrap();
    let this_month = format!("audit_logs_{}", now.strftime("%Y%m"));
    for table in ["audit_logs_default", "audit_logs_200001", &this_month] {
        let refused = log.store_refuses(&format!("TRUNCATE {table}")).await;
        assert!(refused.contains("append-only"), "{table}: {refused}");
    }
    for table in ["audit_logs", "audit_chain", "audit_checkpoints"] {
        for change in [
            format!("UPDATE {table} SET created_at = created_at + interval '1 s'"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
        ] {
            let refused = log.store_refuses(&change).await;
            assert!(refused.contains("append-only"), "{change}: {refused}");
        }
    }
    assert!(log.found().await.is_empty());
}

impl Log {
    /// Runs a statement that must fail, and returns the message.
    async fn store_refuses(&self, sql: &str) -> String {
        let catch = format!(
            "DO $$ BEGIN {sql}; RAISE EXCEPTION 'it was done';
            EXCEPTION WHEN insufficient_privilege THEN PERFORM set_config('test.refused', SQLERRM, false); END $$"
        );
        testing::text_after(&self.store, &catch, "SELECT current_setting('test.refused')").await
    }
}

#[tokio::test]
async fn an_edit_a_deletion_a_reorder_and_a_forgery_by_sql_are_named() {
    let check = async |sql: &str, expected: &[(Tampering, Option<i64>)]| {
        let log = Log::with(12).await;
        assert!(log.found().await.is_empty());
        log.tamper(sql).await;
        assert_eq!(log.found().await, expected, "{sql}");
    };
    let row = |seq: i64| format!("(SELECT id FROM audit_chain WHERE seq = {seq})");
    let edited = [(Tampering::Edited, Some(7))];
    for change in [
        "payload = '{}'",
        "actor_id = 'bob'",
        "actor_name = ''",
        "action = 'topic_deleted'",
        "object = NULL",
        "ip_address = '2001:db8::8'",
        "ip_address = '2001:db8::7/64'",
        "created_at = created_at + interval '1 us'",
        "created_at = 'infinity'",
        "seal = ''",
        // The same value, in other words.
        "payload = replace(payload::text, '1.5', '1.50')::json",
    ] {
        check(&format!("UPDATE audit_logs SET {change} WHERE id = {}", row(7)), &edited).await;
    }
    check("UPDATE audit_chain SET hash = sha256(hash) WHERE seq = 7", &edited).await;
    check("UPDATE audit_chain SET seal = sha256(seal) WHERE seq = 7", &edited).await;
    let deleted = [(Tampering::Deleted, Some(7))];
    check(&format!("DELETE FROM audit_logs WHERE id = {}", row(7)), &deleted).await;
    let both = format!("DELETE FROM audit_logs WHERE id = {}; DELETE FROM audit_chain WHERE seq = 7", row(7));
    check(&both, &deleted).await;
    let hidden = format!(
        "{both}; UPDATE audit_chain SET seq = -seq WHERE seq > 7; UPDATE audit_chain SET seq = -seq - 1 WHERE seq < 0;
        DELETE FROM audit_checkpoints"
    );
    check(&hidden, &deleted).await;
    let swap = "UPDATE audit_chain SET seq = 0 WHERE seq = 7; UPDATE audit_chain SET seq = 7 WHERE seq = 9;
        UPDATE audit_chain SET seq = 9 WHERE seq = 0";
    check(swap, &[(Tampering::Reordered, Some(7)), (Tampering::Reordered, Some(9))]).await;
    let forge =
        "INSERT INTO audit_logs SELECT gen_random_uuid(), created_at, 'key_created', actor_kind, actor_id,
        actor_name, object, ip_address, payload, seal, sealed_by FROM audit_logs LIMIT 1";
    check(forge, &[(Tampering::Forged, None)]).await;
}

#[tokio::test]
async fn a_truncation_is_told_by_a_stored_checkpoint_and_else_by_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoints");
    let params = ChainerParams { file: Some(file.clone()), ..params() };
    let mut log = Log::open_on(test_store().await, params.clone());
    log.record(12).await;
    log.chainer.finish().await.unwrap();
    let cut = "DELETE FROM audit_logs WHERE id IN (SELECT id FROM audit_chain WHERE seq > 9);
        DELETE FROM audit_chain WHERE seq > 9";
    log.tamper(cut).await;
    assert_eq!(log.found().await, [(Tampering::Truncated, Some(10))]);
    log.tamper("DELETE FROM audit_checkpoints").await;
    assert!(log.found().await.is_empty(), "the database alone cannot show it");
    let checkpoints = checkpoint_file::read(&file).unwrap().checkpoints;
    let checkpoints = checkpoints.into_iter().map(|signed| (signed, "the file".to_owned())).collect();
    let with_file = VerifierParams { keys: vec![keys()], checkpoints, ..VerifierParams::default() };
    let verdict = verify(&log.store, with_file).await.unwrap();
    let first = &verdict.findings.as_slice()[0];
    assert_eq!((first.tampering, first.seq), (Tampering::Truncated, Some(10)));
    // The running chainer remembers, and one that starts anew reads the file.
    let mut anew = Chainer::new(log.store.clone(), params, watch::Sender::new(None));
    anew.step().await.unwrap();
    log.chainer.step().await.unwrap();
    let filter = AuditFilter { actions: vec![Action::AuditTampered], ..AuditFilter::default() };
    let noted = log.entries(&filter).await;
    assert_eq!(noted.len(), 2);
    assert!(noted.iter().all(|entry| entry.payload.get().contains("truncated")));
}

#[tokio::test]
async fn entries_that_are_changed_before_they_are_chained_are_noted_and_found() {
    let mut log = Log::open().await;
    log.record(4).await;
    log.tamper("UPDATE audit_logs SET payload = '{}' WHERE object = 'topic-1'").await;
    log.tamper("DELETE FROM audit_logs WHERE object = 'topic-2'").await;
    let found = log.found().await;
    assert_eq!(found, [(Tampering::Edited, None), (Tampering::Deleted, None)]);
    log.chainer.finish().await.unwrap();
    log.chainer.finish().await.unwrap();
    let filter = AuditFilter { actions: vec![Action::AuditTampered], ..AuditFilter::default() };
    let noted = log.entries(&filter).await;
    assert_eq!(noted.len(), 2);
    assert!(noted.iter().all(|entry| entry.actor_kind == "system" && entry.seq.is_some()));
    assert_eq!(log.verify().await.n_links, 4);
    assert_eq!(log.found().await, [(Tampering::Forged, None)]);
}

#[tokio::test]
async fn months_expire_and_the_rest_still_verifies() {
    let mut log = Log::open().await;
    let now = testing::now_in_micros();
    let ago = |days: i64| now - SignedDuration::from_hours(24 * days);
    let rows =
        |days: i64, n: u64| (0..n).map(|n| keys().seal(entry(n).into_row(ago(days)))).collect::<Vec<_>>();
    audit::insert(&log.store, &rows(400, 5)).await.unwrap();
    log.chainer.step().await.unwrap();
    audit::insert(&log.store, &rows(1, 5)).await.unwrap();
    log.chainer.step().await.unwrap();
    // Arrived late: linked after entries that stay.
    audit::insert(&log.store, &rows(400, 1)).await.unwrap();
    log.chainer.step().await.unwrap();
    let n_made = audit::retention::ensure_partitions(&log.store, now).await.unwrap();
    assert!(n_made >= 4, "{n_made}");
    assert_eq!(number(&log.store, "SELECT count(*) FROM audit_logs_default").await, 0);
    assert_eq!(audit::retention::ensure_partitions(&log.store, now).await.unwrap(), 0);
    assert!(log.found().await.is_empty());
    let params = ChainerParams { retention_months: Some(12), ..params() };
    let mut chainer = Chainer::new(log.store.clone(), params, watch::Sender::new(None));
    chainer.step().await.unwrap();
    assert_eq!(number(&log.store, "SELECT count(*) FROM audit_logs").await, 5);
    let verdict = log.verify().await;
    assert_eq!((verdict.n_links, verdict.end.seq), (6, 11));
    assert!(log.found().await.is_empty(), "{:?}", verdict.findings);
    // The chain continues, also once everything in it has expired.
    log.record(1).await;
    chainer.finish().await.unwrap();
    assert_eq!(log.verify().await.end.seq, 12);
    assert!(log.found().await.is_empty());
    log.tamper("DELETE FROM audit_checkpoints WHERE kind = 'tombstone'").await;
    assert_eq!(log.found().await[0], (Tampering::Deleted, Some(1)));
}

#[tokio::test]
async fn pages_and_filters_return_what_matches_newest_first() {
    let log = Log::open().await;
    log.record(7).await;
    let mut other = entry(99);
    other.actor = AuditActor { kind: "operator", id: None, name: Some("Bob".to_owned()) };
    other.action = Action::SilenceCreated;
    log.auditor.record(other).await.unwrap();
    let filter = |change: fn(&mut AuditFilter)| {
        let mut filter = AuditFilter::default();
        change(&mut filter);
        filter
    };
    for (filter, n) in [
        (filter(|_| {}), 8),
        (filter(|filter| filter.actors = vec!["ana".to_owned()]), 7),
        (filter(|filter| filter.actors = vec!["operator".to_owned(), "ana".to_owned()]), 8),
        (filter(|filter| filter.actors = vec!["Bob".to_owned()]), 1),
        (filter(|filter| filter.actions = vec![Action::SilenceCreated, Action::SignIn]), 1),
        (filter(|filter| filter.object = Some("topic-3".to_owned())), 1),
        (filter(|filter| filter.to = Some(Timestamp::UNIX_EPOCH)), 0),
        (filter(|filter| filter.from = Some(Timestamp::UNIX_EPOCH)), 8),
    ] {
        assert_eq!(log.entries(&filter).await.len(), n, "{filter:?}");
    }
    let (mut cursor, mut seen) = (None::<String>, Vec::new());
    loop {
        let page =
            audit::list::list(&log.store, &AuditFilter::default(), cursor.as_deref(), 3).await.unwrap();
        seen.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 8);
    assert!(seen.is_sorted_by(|one, next| one.created_at >= next.created_at));
    assert_eq!(seen[0].ip_address, Some("2001:db8::7".parse().unwrap()));
    assert_eq!(seen[7].payload.get(), r#"{"after":{"n":0,"é":1.5}}"#);
}

#[tokio::test]
async fn refusals_are_one_entry_with_their_number() {
    let log = Log::open().await;
    for _ in 0..30 {
        log.auditor.refuse(Refusal {
            actor: AuditActor::of(None),
            from: Some("10.0.0.1".parse().unwrap()),
            account: None,
            status: 401,
            method: "GET".to_owned(),
            route: "/api/v1/posts".to_owned(),
        });
    }
    // Entries are inserted in their order.
    log.record(1).await;
    let filter = AuditFilter { actions: vec![Action::RequestsRefused], ..AuditFilter::default() };
    let noted = log.entries(&filter).await;
    assert_eq!(noted.len(), 1);
    let payload: serde_json::Value = serde_json::from_str(noted[0].payload.get()).unwrap();
    let expected = serde_json::json!({"count": 1, "status": 401, "method": "GET", "route": "/api/v1/posts"});
    assert_eq!(payload, expected);
}

#[tokio::test]
async fn rows_are_inserted_together_or_not_at_all() {
    let store = test_store().await;
    let mut rows: Vec<_> = (0..3).map(|n| keys().seal(entry(n).into_row(Timestamp::now()))).collect();
    rows[1].row.payload = "no JSON".to_owned();
    assert!(audit::insert(&store, &rows).await.is_err());
    assert_eq!(number(&store, "SELECT count(*) FROM audit_logs").await, 0);
    rows.remove(1);
    rows[1].row.id = Uuid::now_v7();
    audit::insert(&store, &rows).await.unwrap();
    assert_eq!(number(&store, "SELECT count(*) FROM audit_unchained").await, 2);
}
