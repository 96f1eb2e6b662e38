//! Database for each test, and posts to store in it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::OnceCell;
use tokio_postgres::NoTls;
use uuid::Uuid;

use super::metrics::rollup_lock::RollupGuard;
use super::operations::retention;
use super::posts::{corrections, record};
use super::{Store, StoreError, StoreParams};
use crate::embedded::{Embedded, EmbeddedParams, RedisFsync};
use crate::models::id::{ChannelId, PostId};
use crate::models::post::{Post, ScoredPost, Source};
use crate::models::rollup::{BUCKET_SECONDS, bucket_of};
use crate::models::score::{Emotion, EmotionScores, ModelId, Score, Sentiment, SentimentLabel};

/// How long posts are kept in tests.
pub(crate) const RETENTION: Duration = Duration::from_secs(90 * 86_400);

/// Stores a batch as a separate process would.
pub(crate) async fn record(store: &Store, batch: &[ScoredPost]) -> Result<record::Recorded, StoreError> {
    record::record(store, batch, &mut RollupGuard::of_another_process()).await
}

/// Applies corrections as a separate process would.
pub(crate) async fn apply(
    store: &Store,
    wanted: &[corrections::Correction],
) -> Result<corrections::Corrected, StoreError> {
    corrections::apply(store, wanted, &mut RollupGuard::of_another_process()).await
}

/// Creates a migrated database, with a pool on the test's runtime.
///
/// It is a copy of a database that only the first test migrates, because copying takes a fraction of the time.
pub(crate) async fn test_store() -> Store {
    let server = SERVER.get_or_init(start_server).await;
    let migrated = MIGRATED.get_or_init(|| migrate_once(server)).await;
    let store = create(server, &format!("TEMPLATE {migrated}")).await;
    // The copy lacks partitions if a day began since.
    retention::ensure_partitions(&store, Timestamp::now()).await.unwrap();
    store
}

/// Creates a database without any tables.
pub(crate) async fn empty_store() -> Store {
    create(SERVER.get_or_init(start_server).await, "").await
}

/// Creates a database on a server and connects to it.
async fn create(server: &str, options: &str) -> Store {
    let name = format!("test_{}", Uuid::now_v7().simple());
    administer(server, &[&format!("CREATE DATABASE {name} {options}")]).await;
    connect(&url_of(server, &name)).await
}

/// Migrates a database to copy, and returns its name. Nothing may be connected to it while it is copied.
async fn migrate_once(server: &str) -> String {
    let name = format!("migrated_{}", Uuid::now_v7().simple());
    administer(server, &[&format!("CREATE DATABASE {name}")]).await;
    connect(&url_of(server, &name)).await.migrate().await.unwrap();
    administer(
        server,
        &[
            &format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"),
            &format!(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '{name}'"
            ),
        ],
    )
    .await;
    name
}

fn url_of(server: &str, database: &str) -> String {
    server.replace("/postgres?", &format!("/{database}?"))
}

/// Runs statements one by one, each in a transaction of its own, on a connection that ends with them.
async fn administer(server: &str, statements: &[&str]) {
    let (admin, connection) = tokio_postgres::connect(server, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    for statement in statements {
        admin.batch_execute(statement).await.unwrap();
    }
    drop(admin);
    connection.await.unwrap().unwrap();
}

/// Connects to a database with the parameters that tests use. A machine on which everything takes longer must not make a
/// statement fail, so its timeouts are longer than in production.
pub(crate) async fn connect(url: &str) -> Store {
    let url =
        format!("{url}&connect_timeout=60&options=-c%20statement_timeout%3D60s%20-c%20lock_timeout%3D60s");
    let params = StoreParams { url, pool_size: 10, retention: RETENTION, on_connect: None };
    Store::connect(params).await.unwrap()
}

/// URL of the server shared by all tests in a run. The server stops with the process.
static SERVER: OnceCell<String> = OnceCell::const_new();

/// Name of the migrated database, of which each test gets a copy.
static MIGRATED: OnceCell<String> = OnceCell::const_new();

/// Maximum number of connections to the tests' server: enough for as many tests at once as a large machine has cores.
const SESSIONS_MAX: usize = 600;

async fn start_server() -> String {
    let data_dir = folder_of(std::process::id());
    // Of an earlier process with this id. The folder must be gone before the server creates it again.
    let _ = std::fs::remove_dir_all(&data_dir);
    std::thread::spawn(remove_leftovers);
    let params = EmbeddedParams { data_dir, redis_fsync: RedisFsync::EverySec, durable: false };
    let embedded = Embedded::start(params).await.unwrap();
    let url = embedded.endpoints().postgres_url.clone();
    administer(&url, &[&format!("ALTER SYSTEM SET max_connections = {SESSIONS_MAX}")]).await;
    embedded.restart_postgres().await.unwrap();
    // Runs until the process ends, and then stops by itself.
    std::mem::forget(embedded);
    url
}

/// Removes the folders of earlier runs. A server still uses its folder when its process ends, so only the next run can
/// remove it. A run leaves tens of thousands of files, so tests do not wait for this.
fn remove_leftovers() {
    for entry in std::fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(FOLDER)?.parse::<u32>().ok());
        let is_over = |pid: u32| !Path::new(&format!("/proc/{pid}")).exists();
        if pid.is_some_and(is_over) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Creates a folder that PostgreSQL's user can access.
pub(crate) fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Runs `create` ten times concurrently, each inserting into `table`, and returns how many succeeded.
pub(crate) async fn created_at_once<T>(
    store: &Store,
    table: &str,
    create: impl AsyncFn() -> Option<T>,
) -> usize {
    // Slow inserts, so that all of them start before the first one ends.
    let slow_down = format!(
        "CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$;
        CREATE TRIGGER take_time AFTER INSERT ON {table} EXECUTE FUNCTION take_time()"
    );
    execute(store, &slow_down).await;
    let made = futures_util::future::join_all((0..10).map(|_| create())).await;
    made.into_iter().flatten().count()
}

const FOLDER: &str = "groundswell-store-tests-";

fn folder_of(pid: u32) -> PathBuf {
    std::env::temp_dir().join(format!("{FOLDER}{pid}"))
}

/// Takes a connection from the pool, for a transaction that spans several calls.
pub(crate) async fn connection(store: &Store) -> deadpool_postgres::Object {
    store.client().await.unwrap()
}

/// Runs statements without parameters.
pub(crate) async fn execute(store: &Store, sql: &str) {
    store.client().await.unwrap().batch_execute(sql).await.unwrap();
}

/// Executes statements and then returns the text in a query's result, on the same connection.
pub(crate) async fn text_after(store: &Store, sql: &str, query: &str) -> String {
    let client = store.client().await.unwrap();
    client.batch_execute(sql).await.unwrap();
    client.query_one(query, &[]).await.unwrap().get(0)
}

/// Returns the first number in a query's result.
pub(crate) async fn number(store: &Store, sql: &str) -> i64 {
    store.client().await.unwrap().query_one(sql, &[]).await.unwrap().get(0)
}

/// Returns the current time, truncated to PostgreSQL's precision.
pub(crate) fn now_in_micros() -> Timestamp {
    super::codec::truncate(Timestamp::now())
}

/// Returns the first moment at which posts written at `at` are in a window of complete buckets.
pub(crate) fn complete_after(at: Timestamp) -> Timestamp {
    bucket_of(at) + SignedDuration::from_secs(BUCKET_SECONDS + 1)
}

/// Returns the `n`-th post in a series of distinct posts, written at `at`.
pub(crate) fn post(n: usize, at: Timestamp) -> ScoredPost {
    let label = [SentimentLabel::Positive, SentimentLabel::Neutral, SentimentLabel::Negative][n % 3];
    let share = |m: usize| (n * 37 % m) as f32 / m as f32;
    let emotions = EmotionScores::from_array([1, 2, 3, 5, 7, 11, 13].map(|k| share(k + 97)));
    ScoredPost {
        post: Post {
            uuid: PostId::now_v7(),
            id: format!("id-{n}"),
            platform: ["twitter", "bluesky"][n % 2].to_owned(),
            text: format!(
                "I have waited {n} days for my parcel and nobody answers the phone, thanks for nothing"
            ),
            author: None,
            lang: Some("en".to_owned()),
            created_at: at,
            received_at: at,
            original_created_at: None,
            source: Source::new(["http", "replay", "synthetic"][n / 2 % 3]),
            connector: None,
            city: (!n.is_multiple_of(4)).then(|| format!("City {}", n % 4)),
            country: (!n.is_multiple_of(4)).then(|| "DE".to_owned()),
            lat: (!n.is_multiple_of(4)).then_some(50.0 + (n % 4) as f64),
            lon: (!n.is_multiple_of(4)).then_some(10.0),
            products: ["alpha", "beta"][..n % 3].iter().map(|name| (*name).to_owned()).collect(),
            topics: Vec::new(),
            channel: (!n.is_multiple_of(5)).then(|| ["support", "store"][n % 2].to_owned()),
            url: None,
            parent_id: None,
            reach: n as i64,
            engagement: None,
        },
        score: Score {
            sentiment: Sentiment {
                label,
                score: share(101) * 2.0 - 1.0,
                confidence: share(103),
                uncertain: share(103) < 0.5,
            },
            emotion: Emotion {
                label: crate::models::score::EMOTIONS[emotions.strongest()].to_owned(),
                scores: emotions,
            },
            toxicity: share(107),
            churn_risk: share(109),
            virality: share(113) * 100.0,
            model: Arc::new(ModelId {
                name: "fake".to_owned(),
                version: "1".to_owned(),
                hash: "0".to_owned(),
            }),
        },
        awaits_correction: false,
    }
}

/// Returns `n` distinct posts written at `at`.
pub(crate) fn posts(n: usize, at: Timestamp) -> Vec<ScoredPost> {
    (0..n).map(|n| post(n, at)).collect()
}

/// Creates a channel of this kind with this minimum severity and empty secrets.
pub(crate) async fn channel(store: &Store, kind: &str, severity: &str) -> ChannelId {
    let id = ChannelId::now_v7();
    let sql = format!(
        "INSERT INTO notification_channels (id, kind, enabled, name, minimum_severity, settings, sealed, sealed_by)
         VALUES ('{id}', '{kind}', true, 'one', '{severity}', '{{}}', '', 'k')"
    );
    execute(store, &sql).await;
    id
}

/// Shuffles items deterministically by seed.
pub(crate) fn shuffle<T>(items: &mut [T], seed: usize) {
    let mut state = seed as u64 * 2 + 1;
    for i in (1..items.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(i, (state >> 33) as usize % (i + 1));
    }
}

/// Writes rollups for `n_products` products, each with `n_posts` posts of which `n_negative` are negative. Windows that
/// end at `at` or later hold them. Stores no posts.
pub(crate) async fn crowd(
    store: &Store,
    (n_products, at): (usize, Timestamp),
    (n_posts, n_negative): (i64, i64),
) {
    let bucket = bucket_of(at - SignedDuration::from_secs(BUCKET_SECONDS + 1));
    let sql = format!(
        "INSERT INTO sentiment_rollups (bucket, count, positive, neutral, negative, sentiment_micros, churn_micros,
            churn_high, toxicity_micros, emotion_anger, emotion_disgust, emotion_fear, emotion_joy, emotion_neutral,
            emotion_sadness, emotion_surprise, late, revision, dimension, source, key)
        SELECT '{bucket}'::timestamptz, {n_posts}, {n_posts} - {n_negative}, 0, {n_negative}, 0, 0, 0,
            0, {n_posts}, 0, 0, 0, 0, 0, 0, 0, 1, 'product', 'http', 'product ' || lpad(n::text, 6, '0')
        FROM generate_series(1, {n_products}) AS n
        ON CONFLICT (bucket, source, dimension, key) DO UPDATE SET
            count = excluded.count, negative = excluded.negative, positive = excluded.positive"
    );
    execute(store, &sql).await;
}
