//! A database and a prefix of its own for each test. Apps that share one are processes of one deployment.

use std::time::{Duration, Instant};

use groundswell::embedded::Endpoints;
use groundswell::models::system_health::StreamHealth;
use groundswell::store::metrics::recount;
use groundswell::store::posts::record::{Counts, counts};
use groundswell::store::{Store, StoreParams};
use groundswell::stream::{Stream, StreamParams};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::{LOOK_EVERY, PATIENCE, eventually, servers};

/// What every test's database is copied from: migrating takes longer than copying.
const TEMPLATE: &str = "groundswell_template";

/// How long posts are kept.
pub const RETENTION: Duration = Duration::from_secs(90 * 86_400);

/// Where one test's posts are.
#[derive(Debug, Clone)]
pub struct Space {
    /// For `--database-url`.
    pub database_url: String,
    /// For `--redis-url`.
    pub redis_url: String,
    /// For `--prefix`.
    pub prefix: String,
}

impl Space {
    /// A fresh one on the servers that all tests share.
    pub async fn new() -> Self {
        let endpoints = servers::shared();
        let name = format!("test_{}", Uuid::now_v7().simple());
        let admin = connect(&endpoints.postgres_url).await;
        admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}")).await.unwrap();
        Self {
            database_url: database_on(endpoints, &name),
            redis_url: endpoints.redis_url.clone(),
            prefix: format!("{name}:"),
        }
    }

    /// All of servers that belong to one test alone.
    pub fn all_of(endpoints: &Endpoints) -> Self {
        Self {
            database_url: endpoints.postgres_url.clone(),
            redis_url: endpoints.redis_url.clone(),
            prefix: String::new(),
        }
    }

    /// Opens the history.
    pub async fn store(&self) -> Store {
        eventually("the history opens", async || Store::connect(store_params(&self.database_url)).await.ok())
            .await
    }

    /// Opens the stream.
    pub async fn stream(&self) -> Stream {
        let params = StreamParams { redis_url: self.redis_url.clone(), prefix: self.prefix.clone() };
        eventually("the stream opens", async || Stream::connect(&params).await.ok()).await
    }

    /// A connection for statements that the product never makes.
    pub async fn sql(&self) -> Client {
        connect(&self.database_url).await
    }

    /// Waits until everything that was sent is stored and nothing is left in the stream, then asserts the promise:
    /// `count(posts) = sum(rollups) = distinct posts sent`.
    ///
    /// Waits for as long as there is progress. Fails as soon as more is counted than was sent; no waiting mends that.
    pub async fn assert_counted_once(&self, n_sent: u64) {
        let (store, stream) = (self.store().await, self.stream().await);
        let n_sent = i64::try_from(n_sent).unwrap();
        let mut last = None;
        let mut progress_at = Instant::now();
        let found = loop {
            let (Ok(found), Ok(left)) = (counts(&store).await, stream.health().await) else {
                // On a busy machine, one reply may be late.
                assert!(progress_at.elapsed() < PATIENCE, "the servers are away");
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            };
            assert!(found.n_posts <= n_sent, "{found:?} when only {n_sent} were sent");
            if found.n_posts == n_sent && left.length == 0 {
                break found;
            }
            if last.replace((found, left)) != last {
                progress_at = Instant::now();
            }
            assert!(progress_at.elapsed() < PATIENCE, "no more of {n_sent} is stored: {found:?}, {left:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        };
        assert_eq!(found, Counts { n_posts: n_sent, n_rolled_up: n_sent, n_keys: n_sent });
        stream.close().await;
    }

    /// Makes every transaction that stores posts last at least so long, on any machine.
    pub async fn slow_down(&self, at_least: Duration) {
        let sql = format!(
            "CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep({}); RETURN NULL; END $$;
            CREATE TRIGGER take_time AFTER INSERT ON post_keys EXECUTE FUNCTION take_time()",
            at_least.as_secs_f64()
        );
        self.sql().await.batch_execute(&sql).await.unwrap();
    }

    /// Ends [`Self::slow_down`].
    pub async fn full_speed(&self) {
        self.sql().await.batch_execute("DROP FUNCTION take_time() CASCADE").await.unwrap();
    }

    /// Asserts that the rollups are what the stored posts with their current scores add up to, minute by minute.
    pub async fn assert_sums_exact(&self) {
        let store = self.store().await;
        let differences = recount::differences(&store).await.unwrap();
        store.close();
        assert!(differences.is_empty(), "rollups and posts differ: {differences:#?}");
    }

    /// Lets every transaction that corrects scores wait at its end until the answer is dropped.
    pub async fn hold_corrections(&self) -> Client {
        const HOLD: &str = "
            CREATE OR REPLACE FUNCTION wait_for_leave() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;
            CREATE OR REPLACE TRIGGER wait_for_leave AFTER INSERT ON sentiment_analysis_history
                FOR EACH STATEMENT EXECUTE FUNCTION wait_for_leave();
            SELECT pg_advisory_lock(1)";
        let holder = self.sql().await;
        holder.batch_execute(HOLD).await.unwrap();
        holder
    }

    /// Lets posts that await a correction be taken up by whoever asks, as if who had them in hand were dead for long.
    pub async fn let_claims_run_out(&self) {
        const SQL: &str = "UPDATE awaiting_correction SET claimed_until = now() - interval '1 second'";
        self.sql().await.execute(SQL, &[]).await.unwrap();
    }

    /// Makes a channel of which nobody knows the key: what it is to be told stays as it was written.
    pub async fn record_notifications(&self) {
        const SQL: &str = "
            INSERT INTO notification_channels (id, kind, enabled, name, minimum_severity, settings, sealed, sealed_by)
            VALUES (gen_random_uuid(), 'webhook', true, 'recorder', 'info', '{}', '', 'nobody')";
        self.sql().await.execute(SQL, &[]).await.unwrap();
    }

    /// How many alerts there are, and of how many the notification was written by the very transaction that opened them.
    pub async fn notified_as_they_opened(&self) -> (i64, i64) {
        const SQL: &str = "
            SELECT count(DISTINCT opened.alert), count(notice.id) FROM alert_history AS opened
            LEFT JOIN notifications AS notice
                ON notice.alert = opened.alert AND notice.event = 'fired' AND notice.xmin = opened.xmin
            WHERE opened.phase = 'firing'";
        let row = self.sql().await.query_one(SQL, &[]).await.unwrap();
        (row.get(0), row.get(1))
    }

    /// What lies in the stream.
    pub async fn backlog(&self) -> StreamHealth {
        let stream = self.stream().await;
        let health = health_of(&stream).await;
        stream.close().await;
        health
    }
}

/// What lies in a stream. A reply that is late is asked for again.
pub async fn health_of(stream: &Stream) -> StreamHealth {
    eventually("the stream says what it holds", async || stream.health().await.ok()).await
}

fn store_params(url: &str) -> StoreParams {
    StoreParams { url: url.to_owned(), pool_size: 4, retention: RETENTION, on_connect: None }
}

/// Migrates the database that the others are copied from, and leaves it.
pub async fn make_template(endpoints: &Endpoints) {
    let admin = connect(&endpoints.postgres_url).await;
    admin.batch_execute(&format!("CREATE DATABASE {TEMPLATE}")).await.unwrap();
    let store = Store::connect(store_params(&database_on(endpoints, TEMPLATE))).await.unwrap();
    store.migrate().await.unwrap();
    drop(store);
    // A database with connections cannot be copied, and those of the pool end a moment after it.
    const OTHERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1";
    eventually("the template is left alone", async || {
        let n: i64 = admin.query_one(OTHERS, &[&TEMPLATE]).await.unwrap().get(0);
        (n == 0).then_some(())
    })
    .await;
}

fn database_on(endpoints: &Endpoints, name: &str) -> String {
    endpoints.postgres_url.replacen("/postgres?", &format!("/{name}?"), 1)
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
