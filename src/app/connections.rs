//! PostgreSQL, Redis and the models, shared by the stages.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tracing::{info, warn};

use super::retry_until_ready;
use crate::config::Config;
use crate::embedded::Endpoints;
use crate::enrich::{Enricher, EnricherParams};
use crate::inference::out_of_process::remote::{OpenRemote, Remote};
use crate::inference::{LoadParams, Models, ScorerFactory as _};
use crate::notify::keyring::Keyring;
use crate::notify::messenger::{Messenger, MessengerParams};
use crate::process::background::Background;
use crate::store::operations::retention;
use crate::store::{Store, StoreParams};
use crate::stream::{Consumer, Stream, StreamParams};

/// Shared connections and models.
pub struct Connections {
    /// Pipeline connections.
    pub store: Store,
    /// HTTP connections. They are separate so that slow queries do not take the pipeline's.
    pub reading: Store,
    /// Connections for alerting and health checks: neither a burst of posts nor a burst of requests may delay alerts.
    pub alerting: Store,
    /// Redis connection.
    pub stream: Stream,
    /// Membership of this process in the consumer group.
    pub consumer: Arc<Consumer>,
    /// Models, one per tier.
    pub models: Arc<Models>,
    /// Derives language, location and products.
    pub enricher: Arc<Enricher>,
    /// Sends notifications.
    pub messenger: Arc<Messenger>,
}

impl Connections {
    /// Leaves the consumer group and closes everything.
    pub async fn close(&self) {
        if let Err(error) = self.consumer.disconnect().await {
            warn!(%error, "this consumer was not removed from its group, another process will remove it");
        }
        self.stream.close().await;
        self.store.close();
        self.reading.close();
        self.alerting.close();
    }
}

/// Opens everything on the I/O runtime, because the tasks that the connections spawn must outlive every stage.
pub async fn connect(config: &Config, endpoints: &Endpoints, io: &Handle) -> anyhow::Result<Connections> {
    let config = config.clone();
    let endpoints = endpoints.clone();
    io.spawn(async move { open(&config, &endpoints).await }).await?
}

async fn open(config: &Config, endpoints: &Endpoints) -> anyhow::Result<Connections> {
    let retention = Duration::from_secs(u64::from(config.store.retention_days) * 24 * 60 * 60);
    let store_params =
        StoreParams { url: endpoints.postgres_url.clone(), pool_size: config.store.pool_size, retention };
    let store = retry_until_ready("postgres", || Store::connect(store_params.clone())).await?;
    let n_applied = store.migrate().await?;
    retention::ensure_partitions(&store, Timestamp::now()).await?;
    info!(n_applied, "postgres is ready");
    let reading = Store::connect(store_params.clone()).await?;
    let alerting =
        Store::connect(StoreParams { pool_size: config.store.alert_pool_size, ..store_params }).await?;

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
    let enricher = Arc::new(Enricher::new(EnricherParams { products: config.pipeline.products.0.clone() }));
    Ok(Connections {
        store,
        reading,
        alerting,
        stream,
        consumer: Arc::new(consumer),
        models,
        enricher,
        messenger,
    })
}

fn messenger_params(config: &Config) -> anyhow::Result<MessengerParams> {
    let keyring = match &config.notify.secret_key {
        Some(secret) => Keyring::from_secret(secret.expose()),
        None => Keyring::from_folder(&config.embedded.data_dir).unwrap_or_else(|error| {
            let folder = config.embedded.data_dir.display().to_string();
            warn!(%error, folder, "no key can be kept there, so no channels can be made: set `GROUNDSWELL_SECRET_KEY`");
            Keyring::ephemeral()
        }),
    };
    Ok(MessengerParams {
        allowed: config.notify.notify_allowlist()?,
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

/// Starts `groundswell read-deep`, which runs the deep model on CPU that would otherwise be idle.
fn deep_process() -> OpenRemote {
    OpenRemote(Arc::new(|| Ok(Box::new(DeepProcess(Background::start(&["read-deep"])?)))))
}

struct DeepProcess(Background);

impl Remote for DeepProcess {
    fn request(&mut self, line: &str) -> std::io::Result<String> {
        self.0.request(line)
    }
}
