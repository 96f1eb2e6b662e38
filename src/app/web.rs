//! HTTP server, including live sockets.

use std::cell::{Cell, RefCell};
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_server::{Server, ServerHandle};
use actix_service::map_config;
use actix_web::App;
use actix_web::dev::AppConfig;
use actix_web::web::{Data, ServiceConfig};
use anyhow::Context as _;
use metrics_exporter_prometheus::PrometheusHandle;
use socket2::{Domain, Socket, Type};
use tracing::{error, warn};

use super::access::Access;
use super::access_sweep::AccessSweep;
use super::connections::Connections;
use super::credential_upkeep;
use super::pipeline::Pipeline;
use super::supervisors::Supervisors;
use crate::actors::runtime::health_snapshot::LatestHealth;
use crate::actors::runtime::supervision_plan::SupervisionPlan;
use crate::actors::runtime::supervisor::TaskContext;
use crate::auth::accounts::Accounts;
use crate::auth::actor_names::ActorNames;
use crate::auth::credentials::Credentials;
use crate::auth::limits::{Quotas, RateLimits};
use crate::auth::mail_queue::MailQueue;
use crate::config::{Config, Role};
use crate::http;
use crate::http::client_address::TrustedProxies;
use crate::http::exposition::Exposition;
use crate::http::hosts::AllowedHosts;
use crate::http::metrics::trend_cache::TrendCache;
use crate::http::origins::AllowedOrigins;
use crate::http::posts::export_limits::{ExportLimits, ExportLimitsParams};
use crate::http::state::{AppState, HttpParams};
use crate::http::token::Token;
use crate::ws::{self, ListenParams, Sockets, SocketsParams};

/// Number of worker threads. Handlers spend most of their time waiting for servers, so two threads suffice and leave
/// the cores to those servers.
const WORKERS: usize = 2;

/// Number of seconds that requests in progress have to finish when the server stops.
const SHUTDOWN_TIMEOUT_SECONDS: u64 = 5;

/// Maximum number of connections that wait to be accepted, which is how many may reconnect at once after a restart.
const BACKLOG_MAX: i32 = 2_048;

/// Parts of the process that the web server is built from.
pub struct Parts<'a> {
    /// Settings that the web server needs.
    pub config: &'a Config,
    /// Servers and models that handlers access.
    pub connections: &'a Connections,
    /// Handles to the running stages, which handlers send messages to.
    pub pipeline: &'a Pipeline,
    /// Registry that counts and limits live sockets.
    pub sockets: Sockets,
    /// Reader of the latest health measurement, for `/readyz` and `/api/v1/system`.
    pub health: LatestHealth,
    /// Handle to the metrics recorder, for `/metrics`.
    pub metrics: PrometheusHandle,
}

/// Running web server, and the handles needed to stop it.
pub struct Web {
    /// Address on which the server listens, including the port that the system chose if port 0 was configured.
    pub address: SocketAddr,
    /// Signs people in.
    pub accounts: Accounts,
    credentials: Credentials,
    server: Rc<RefCell<Option<ServerHandle>>>,
    sockets: Sockets,
}

/// Creates the registry of live sockets, which limits their number.
pub fn sockets(config: &Config, pipeline: &Pipeline) -> Sockets {
    Sockets::new(SocketsParams {
        watch: pipeline.watch.clone(),
        disconnect: pipeline.disconnect.clone(),
        limit: config.live.sockets_max,
        stall_max: Duration::from_secs(config.live.socket_stall_s),
    })
}

/// Returns the limits on exports. They use at most a quarter of the connections, so lists still find free ones.
fn exports(config: &Config) -> ExportLimitsParams {
    ExportLimitsParams {
        n_max: config.http.exports_max,
        n_reading_max: config.store.pool_size.div_ceil(4),
        stall_max: Duration::from_secs(config.http.export_stall_s),
    }
}

/// Returns the rate limits, unless they are switched off.
fn rate_limits(config: &Config, connections: &Connections) -> Option<Arc<RateLimits>> {
    let quotas = Quotas::new(&config.limits.rate_limit_quotas);
    config.limits.rate_limits.then(|| Arc::new(RateLimits::new(connections.stream.rate_limits(), quotas)))
}

/// Binds the address and starts the web server. If the server dies, it releases its connections and the address, and is
/// restarted.
///
/// # Errors
/// If the address is in use or not local.
pub fn start(parts: Parts<'_>, supervisors: &mut Supervisors) -> anyhow::Result<Web> {
    let Parts { config, connections, pipeline, sockets, health, metrics } = parts;
    let Access { open, standings, authenticator, accounts, credentials } = Access::new(connections);
    credential_upkeep::start(&credentials, supervisors);
    let exports = ExportLimits::new(exports(config));
    let (sweep_sockets, sweep_exports) = (sockets.clone(), exports.clone());
    AccessSweep { open, standings, sockets: sweep_sockets, exports: sweep_exports }.start(supervisors);
    let account_mail = MailQueue::new(connections.reading.clone(), Arc::clone(&connections.messenger));
    let letters = account_mail.clone();
    supervisors.start_task(SupervisionPlan::task("account_mail"), None, move |stage_metrics| {
        letters.clone().work(move || stage_metrics.finish(1))
    });
    let state = Data::new(AppState {
        params: HttpParams {
            hosts: AllowedHosts::new(config.http.listen, &config.http.allowed_hosts),
            origins: AllowedOrigins::new(&config.http.allowed_origins),
            token: config.auth.auth_token.as_ref().map(|token| Token::new(token.expose())),
            high_water: config.stream.high_water,
            proxies: TrustedProxies::new(
                config.limits.trusted_proxies.clone(),
                config.limits.forwarded_header,
            ),
            retention: connections.store.retention(),
        },
        store: connections.reading.clone(),
        auditor: connections.auditor.clone(),
        eraser: connections.eraser.clone(),
        updates: connections.stream.updates(),
        producer: connections.stream.producer(),
        dead_letters: connections.stream.dead_letters(),
        on_demand_scorer: pipeline.on_demand_scorer.clone(),
        models: Arc::clone(&connections.models),
        messenger: Arc::clone(&connections.messenger),
        prints_pdf: connections.chromium.is_some(),
        authenticator,
        accounts: accounts.clone(),
        account_mail,
        actor_names: ActorNames::new(connections.reading.clone()),
        credentials: credentials.clone(),
        live_tickets: connections.stream.live_tickets(),
        rate_limits: rate_limits(config, connections),
        share_permits: http::share_permits(),
        exports,
        trends: TrendCache::new(connections.stream.trends()),
        sockets: sockets.clone(),
        exposition: Exposition::new(metrics),
        health,
    });
    let listener = listen(config.http.listen).with_context(|| {
        format!("cannot listen on `{}`: is another server running there?", config.http.listen)
    })?;
    let address = listener.local_addr()?;
    let spec = ServerSpec {
        state,
        serves_all: config.pipeline.has_role(Role::Web),
        n_sockets_max: usize::try_from(config.live.sockets_max).unwrap_or(usize::MAX),
        stall_max: Duration::from_secs(config.live.socket_stall_s.max(config.http.export_stall_s)),
    };
    let first = spec.build(listener)?;
    let server = Rc::new(RefCell::new(Some(first.handle())));
    let (first, current) = (Cell::new(Some(first)), Rc::clone(&server));
    supervisors.start_task_where(SupervisionPlan::task("http_server"), None, move |task: TaskContext| {
        let built = match first.take() {
            Some(first) => Ok(first),
            None => listen(address).and_then(|listener| spec.build(listener)),
        };
        current.replace(built.as_ref().ok().map(Server::handle));
        // unsupervised: part of a supervised task
        actix_rt::spawn(task.run(async move {
            let ended = match built {
                Ok(server) => server.await,
                Err(error) => Err(error),
            };
            if let Err(error) = ended {
                error!(%error, "the web server failed");
            }
        }))
    });
    Ok(Web { address, accounts, credentials, server, sockets })
}

/// Everything needed to build a server for a listener.
struct ServerSpec {
    state: Data<AppState>,
    serves_all: bool,
    n_sockets_max: usize,
    /// How long clients may read nothing, beyond what applies to exports and live connections.
    stall_max: Duration,
}

impl ServerSpec {
    fn build(&self, listener: TcpListener) -> std::io::Result<Server> {
        let server = Server::build()
            .workers(WORKERS)
            .max_concurrent_connections(self.n_sockets_max.saturating_add(1_024))
            .shutdown_timeout(SHUTDOWN_TIMEOUT_SECONDS)
            .disable_signals();
        let (state, serves_all) = (self.state.clone(), self.serves_all);
        let listening = ListenParams { listener, stall_max: self.stall_max };
        let server = ws::listen(server, listening, move || {
            let table = |table: &mut ServiceConfig| match serves_all {
                true => http::configure(table, &state.params.origins),
                false => http::configure_operations(table),
            };
            map_config(App::new().app_data(state.clone()).configure(table), |_| AppConfig::default())
        })?;
        Ok(server.run())
    }
}

/// Listens on an address, even if a previous server has only just released it.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG_MAX)?;
    Ok(socket.into())
}

impl Web {
    /// Closes every live socket with the close code for a stopping server.
    pub fn close_sockets(&self) {
        self.sockets.close_all();
    }

    /// Finishes the requests in progress, stops the server, then writes the calls that it counted.
    pub async fn stop(self) {
        let server = self.server.take();
        if let Some(server) = server {
            server.stop(true).await;
        }
        if let Err(error) = self.credentials.api_keys().usage().write().await {
            warn!(%error, "the last calls with API keys were not counted");
        }
    }
}
