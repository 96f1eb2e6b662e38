//! Benchmark of the audit log: how fast concurrent requests write entries while these are chained, and how fast the chain
//! is verified.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use hdrhistogram::Histogram;
use serde::Serialize;
use serde_json::{Map, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::auth::audit::auditor::{Auditor, auditor};
use crate::auth::audit::chainer::{Chainer, ChainerParams, STEP_EVERY, Step};
use crate::auth::audit::entry::Entry;
use crate::auth::audit::keys::AuditKeys;
use crate::auth::audit::verification::VerifierParams;
use crate::auth::audit::verify::verify;
use crate::embedded::{Embedded, EmbeddedParams, RedisFsync};
use crate::keyring::Keyring;
use crate::models::audit::{Action, AuditActor};
use crate::store::{Store, StoreParams, audit};

/// Settings for `bench audit`.
#[derive(Debug, Clone, clap::Args)]
pub struct AuditParams {
    /// Number of entries to write, in a private PostgreSQL that is removed afterwards
    #[arg(long = "rows", value_name = "N", default_value_t = 1_000_000)]
    pub n_rows: u64,
    /// Number of requests that write at the same time, each the next entry once its last one is stored
    #[arg(long = "writers", value_name = "N", default_value_t = 64)]
    pub n_writers: u64,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    rows: u64,
    writers: u64,
    written_per_second: f64,
    write_p50_ms: f64,
    write_p99_ms: f64,
    write_max_ms: f64,
    /// Time from the last entry written to the last one chained.
    chained_after_seconds: f64,
    verify_seconds: f64,
    verified_per_second: f64,
    intact: bool,
}

/// Writes entries that do not repeat, chains them meanwhile, verifies the chain, and prints the speeds. Commits are durable,
/// as in production.
///
/// # Errors
/// If PostgreSQL fails, or the chain does not verify.
pub async fn run(params: AuditParams) -> anyhow::Result<()> {
    let data_dir = std::env::temp_dir().join(format!("groundswell-audit-{}", std::process::id()));
    std::fs::create_dir_all(&data_dir)?;
    let outcome = measure(&params, data_dir.clone()).await;
    std::fs::remove_dir_all(&data_dir)?;
    let report = outcome?;
    let rows = [
        ("entries", format!("{}, by {} concurrent writers", report.rows, report.writers)),
        ("written", format!("{:.0}/s", report.written_per_second)),
        (
            "time to write one",
            format!(
                "p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
                report.write_p50_ms, report.write_p99_ms, report.write_max_ms
            ),
        ),
        ("all chained after", format!("{:.1} s", report.chained_after_seconds)),
        ("verified", format!("{:.0}/s, all in {:.1} s", report.verified_per_second, report.verify_seconds)),
    ];
    super::print(&report, &rows, params.json)?;
    ensure!(report.intact, "the chain does not verify");
    Ok(())
}

async fn measure(params: &AuditParams, data_dir: PathBuf) -> anyhow::Result<Report> {
    let server = EmbeddedParams { data_dir, redis_fsync: RedisFsync::EverySec, durable: true };
    let embedded = Embedded::start(server).await?;
    let url = embedded.endpoints().postgres_url.clone();
    let store =
        Store::connect(StoreParams { url, pool_size: 4, retention: Duration::ZERO, on_connect: None });
    let store = store.await?;
    store.migrate().await?;
    audit::retention::ensure_partitions(&store, jiff::Timestamp::now()).await?;
    let keys = Arc::new(AuditKeys::new(&Keyring::ephemeral()));
    let (auditor, writer) = auditor(Arc::clone(&keys));
    let mut tasks = JoinSet::<()>::new();
    let insert_into = store.clone();
    // unsupervised: ends with the benchmark
    tasks.spawn(async move {
        loop {
            writer.write_next(&insert_into).await;
        }
    });
    let n_left = Arc::new(AtomicU64::new(params.n_rows));
    let chained = chain_until(store.clone(), Arc::clone(&keys), params.n_rows);
    // unsupervised: the benchmark waits for it below
    let chained = tokio::spawn(chained);
    let started_at = Instant::now();
    let times = write(&auditor, params, &n_left).await?;
    let wrote_for = started_at.elapsed().as_secs_f64();
    let written_at = Instant::now();
    chained.await??;
    let chained_after_seconds = written_at.elapsed().as_secs_f64();
    let started_at = Instant::now();
    let verifier = VerifierParams { keys: vec![(*keys).clone()], ..VerifierParams::default() };
    let verdict = verify(&store, verifier).await?;
    let verify_seconds = started_at.elapsed().as_secs_f64();
    drop(tasks);
    store.close();
    embedded.stop().await?;
    let millis = |micros: u64| micros as f64 / 1_000.0;
    Ok(Report {
        rows: params.n_rows,
        writers: params.n_writers,
        written_per_second: params.n_rows as f64 / wrote_for,
        write_p50_ms: millis(times.value_at_quantile(0.5)),
        write_p99_ms: millis(times.value_at_quantile(0.99)),
        write_max_ms: millis(times.max()),
        chained_after_seconds,
        verify_seconds,
        verified_per_second: verdict.n_links as f64 / verify_seconds,
        intact: verdict.findings.n_total() == 0 && verdict.n_links == params.n_rows,
    })
}

/// Writes entries concurrently, and returns how long each took, in microseconds.
async fn write(
    auditor: &Auditor,
    params: &AuditParams,
    n_left: &Arc<AtomicU64>,
) -> anyhow::Result<Histogram<u64>> {
    let mut writers = JoinSet::new();
    for _ in 0..params.n_writers {
        let (auditor, n_left) = (auditor.clone(), Arc::clone(n_left));
        // unsupervised: the benchmark waits for it below
        writers.spawn(async move {
            let mut times = Histogram::<u64>::new(3)?;
            let take = |left: u64| left.checked_sub(1);
            while let Ok(n) = n_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
                let started_at = Instant::now();
                auditor.record(entry(n)).await?;
                times.record(u64::try_from(started_at.elapsed().as_micros())?)?;
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Histogram::new(3)?;
    while let Some(ended) = writers.join_next().await {
        times.add(ended??)?;
    }
    Ok(times)
}

/// Chains entries until there are this many links.
async fn chain_until(store: Store, keys: Arc<AuditKeys>, n_rows: u64) -> anyhow::Result<()> {
    let (newest, _) = watch::channel(None);
    let params = ChainerParams { keys, file: None, retention_months: None };
    let mut chainer = Chainer::new(store, params, newest);
    while chainer.n_linked() < n_rows {
        if chainer.step().await? != Step::More {
            tokio::time::sleep(STEP_EVERY).await;
        }
    }
    Ok(())
}

/// Returns an entry of ordinary size that differs from all others.
fn entry(n: u64) -> Entry {
    let rule = |threshold: f64| {
        json!({
            "id": uuid::Uuid::now_v7(),
            "name": format!("Negative share of product {n}"),
            "threshold": threshold,
            "window_seconds": 300,
            "channels": [uuid::Uuid::now_v7()],
        })
    };
    let mut payload = Map::new();
    payload.insert("before".to_owned(), rule(rand::random()));
    payload.insert("after".to_owned(), rule(rand::random()));
    let person = uuid::Uuid::from_u128(u128::from(n % 50));
    Entry {
        actor: AuditActor { kind: "user", id: Some(person.to_string()), name: None },
        action: Action::AlertRuleChanged,
        object: Some(uuid::Uuid::now_v7().to_string()),
        from: Some([10, 0, 0, 1].into()),
        payload,
    }
}
