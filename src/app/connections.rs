//! Connections to PostgreSQL and Redis, and the models. The stages and the HTTP server share them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tracing::{info, warn};

use super::{retry_until_ready, topic_refresher};
use crate::auth::audit::auditor::{AuditWriter, Auditor, auditor};
use crate::auth::audit::keys::AuditKeys;
use crate::auth::open_access::OpenAccess;
use crate::config::Config;
use crate::embedded::Endpoints;
use crate::enrich::{Enricher, EnricherParams};
use crate::erasure::Eraser;
use crate::inference::out_of_process::remote::{OpenRemote, Remote};
use crate::inference::{LoadParams, Models, ScorerFactory as _};
use crate::keyring::Keyring;
use crate::notify::messenger::{Messenger, MessengerParams};
use crate::process::background::{Background, lower_priority_of};
use crate::process::chromium::Chromium;
use crate::store::operations::retention;
use crate::store::{Store, StoreParams, audit};
use crate::stream::{Consumer, Stream, StreamParams};

/// Number of PostgreSQL connections for reading whole windows: one each for the alerter and the anomaly detector.
const MEASURING_POOL_SIZE: usize = 2;

/// Connections and models that the stages and the HTTP server share.
pub struct Connections {
    /// PostgreSQL connections that the pipeline uses for reading and writing.
    pub store: Store,
    /// PostgreSQL connections for the HTTP server. They are separate to keep slow queries from taking connections away
    /// from the pipeline.
    pub reading: Store,
    /// PostgreSQL connections for alerting and health checks. They are separate so that neither a burst of posts nor a
    /// burst of requests delays alerts.
    pub alerting: Store,
    /// PostgreSQL connections for reading whole windows, which takes up to half a second of CPU time if there are many
    /// products. Those to a private PostgreSQL have a low priority, so that posts do not wait for them; those to any
    /// other are the connections for alerting.
    pub measuring: Store,
    /// Connection to Redis, for everything but blocking reads and subscriptions.
    pub stream: Stream,
    /// Membership of this process in the consumer group.
    pub consumer: Arc<Consumer>,
    /// Loaded models, one per tier.
    pub models: Arc<Models>,
    /// Erases posts and authors.
    pub eraser: Eraser,
    /// Whether callers need a credential.
    pub open_access: OpenAccess,
    /// Derives the language, location and products of posts.
    pub enricher: Arc<Enricher>,
    /// Client that sends notifications to channels.
    pub messenger: Arc<Messenger>,
    /// Keys that seal and link entries of the audit log.
    pub audit_keys: Arc<AuditKeys>,
    /// Accepts entries of the audit log.
    pub auditor: Auditor,
    /// Inserts entries of the audit log.
    pub audit_writer: AuditWriter,
    /// Program that prints reports as PDF; `None` if it is not installed or switched off.
    pub chromium: Option<Arc<Chromium>>,
}

impl Connections {
    /// Leaves the consumer group and closes all connections.
    pub async fn close(&self) {
        if let Err(error) = self.consumer.disconnect().await {
            warn!(%error, "this consumer was not removed from its group, another process will remove it");
        }
        self.stream.close().await;
        self.store.close();
        self.reading.close();
        self.alerting.close();
        self.measuring.close();
    }
}

/// Opens all connections and loads the models. This happens on the I/O runtime, because the tasks behind the
/// connections must outlive every stage.
pub async fn connect(config: &Config, endpoints: &Endpoints, io: &Handle) -> anyhow::Result<Connections> {
    let config = config.clone();
    let endpoints = endpoints.clone();
    // unsupervised: connecting ends, and the caller waits for it
    io.spawn(async move { open(&config, &endpoints).await }).await?
}

async fn open(config: &Config, endpoints: &Endpoints) -> anyhow::Result<Connections> {
    let retention = Duration::from_secs(u64::from(config.store.retention_days) * 24 * 60 * 60);
    let store_params = StoreParams {
        url: endpoints.postgres_url.clone(),
        pool_size: config.store.pool_size,
        retention,
        on_connect: None,
    };
    let store = retry_until_ready("postgres", || Store::connect(store_params.clone())).await?;
    let n_applied = store.migrate().await?;
    retention::ensure_partitions(&store, Timestamp::now()).await?;
    audit::retention::ensure_partitions(&store, Timestamp::now()).await?;
    info!(n_applied, "postgres is ready");
    let reading = Store::connect(store_params.clone()).await?;
    let alerting =
        Store::connect(StoreParams { pool_size: config.store.alert_pool_size, ..store_params.clone() })
            .await?;
    let open_access = OpenAccess::new(alerting.clone(), config.may_be_open());
    open_access.refresh().await?;
    config.check_open(open_access.has_users())?;
    let measuring = match &config.store.database_url {
        Some(_) => alerting.clone(),
        None => {
            let on_connect: Option<fn(u32)> = Some(lower_priority_of);
            Store::connect(StoreParams { pool_size: MEASURING_POOL_SIZE, on_connect, ..store_params }).await?
        }
    };

    let stream_params =
        StreamParams { redis_url: endpoints.redis_url.clone(), prefix: config.stream.prefix.clone() };
    let stream = Stream::connect(&stream_params).await?.with_history_limits(config.live.history_limits());
    retry_until_ready("redis", || stream.ping()).await?;
    let consumer = stream.consumer().await?;
    retry_until_ready("redis", || consumer.create_group()).await?;

    let models = Arc::new(Models::load(LoadParams {
        open_remote: Some(deep_process()),
        ..config.inference.load_params()
    }));
    let id = models.swift().model();
    match models.degraded() {
        Some(reason) => {
            warn!(reason, "no model could be loaded: the lexicon scores instead, and every score says so")
        }
        None => info!(model = id.name, version = id.version, "model loaded"),
    }
    match models.deep() {
        Ok(deep) => {
            let id = deep.model();
            info!(model = id.name, version = id.version, "deep model loaded");
        }
        Err(reason) => info!(reason, "no deep model: scores of the fast model are final"),
    }
    let messenger = Arc::new(Messenger::new(messenger_params(config)?)?);
    let audit_keys = Arc::new(AuditKeys::new(messenger.keyring()));
    let (auditor, audit_writer) = auditor(Arc::clone(&audit_keys));
    let chromium = find_chromium(config);
    let enricher = Arc::new(Enricher::new(EnricherParams { products: config.pipeline.products.0.clone() }));
    // Loaded before the first post is read, because posts are matched only once.
    topic_refresher::load(&store, &enricher).await?;
    let eraser = Eraser::new(store.clone(), stream.updates());
    Ok(Connections {
        store,
        reading,
        alerting,
        measuring,
        stream,
        consumer: Arc::new(consumer),
        models,
        eraser,
        open_access,
        enricher,
        messenger,
        audit_keys,
        auditor,
        audit_writer,
        chromium,
    })
}

fn find_chromium(config: &Config) -> Option<Arc<Chromium>> {
    if !config.reports.prints() {
        return None;
    }
    let found = Chromium::find(config.reports.chromium.as_deref());
    if found.is_none() {
        info!("chromium was not found: reports are sent as HTML only");
    }
    found.map(Arc::new)
}

fn messenger_params(config: &Config) -> anyhow::Result<MessengerParams> {
    let keyring = match &config.notify.secret_key {
        Some(secret) => Keyring::from_secret(secret.expose()),
        None => Keyring::from_folder(&config.embedded.data_dir).unwrap_or_else(|error| {
            let folder = config.embedded.data_dir.display().to_string();
            warn!(%error, folder, "no encryption key can be stored there, so secrets of channels and webhooks and credentials of sources cannot be stored: set `GROUNDSWELL_SECRET_KEY`");
            Keyring::ephemeral()
        }),
    };
    Ok(MessengerParams {
        allowed: config.notify.egress_allowlist()?,
        keyring,
        mail: config
            .notify
            .smtp_url
            .as_ref()
            .map(|url| url.expose().to_owned())
            .zip(config.notify.smtp_from.clone()),
        pagerduty_url: config.notify.pagerduty_url.clone(),
        push_subject: config.notify.push_subject(),
        dashboard: config.notify.public_url.clone(),
    })
}

/// Returns how to start `groundswell read-deep`, the process that runs the deep model on otherwise idle CPU.
fn deep_process() -> OpenRemote {
    OpenRemote(Arc::new(|| Ok(Box::new(DeepProcess(Background::start(&["read-deep"])?)))))
}

struct DeepProcess(Background);

impl Remote for DeepProcess {
    fn request(&mut self, line: &str) -> std::io::Result<String> {
        self.0.request(line)
    }
}
