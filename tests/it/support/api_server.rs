//! HTTP API on real servers but without a pipeline: ingested posts stay in the stream, and queries return what the test
//! stored.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use actix_server::{Server, ServerHandle};
use actix_service::map_config;
use actix_web::App;
use actix_web::dev::AppConfig;
use actix_web::web::{Data, ServiceConfig};
use groundswell::actors::messages::ScoreBatch;
use groundswell::actors::runtime::downstream::downstream;
use groundswell::actors::runtime::health_snapshot::{HealthSnapshot, LatestHealth};
use groundswell::actors::scoring::cascade::{Cascade, CascadeParams};
use groundswell::actors::scoring::job_queue::{Job, JobQueue};
use groundswell::actors::scoring::on_demand::OnDemandScorer;
use groundswell::auth::accounts::Accounts;
use groundswell::auth::actor_names::ActorNames;
use groundswell::auth::audit::auditor::{self, Auditor};
use groundswell::auth::audit::keys::AuditKeys;
use groundswell::auth::authenticator::Authenticator;
use groundswell::auth::credentials::Credentials;
use groundswell::auth::mail_queue::MailQueue;
use groundswell::auth::open_access::OpenAccess;
use groundswell::auth::password::PasswordHasher;
use groundswell::auth::standing::Standings;
use groundswell::egress::allowlist::Allowlist;
use groundswell::erasure::Eraser;
use groundswell::http;
use groundswell::http::client_address::TrustedProxies;
use groundswell::http::exposition::Exposition;
use groundswell::http::hosts::AllowedHosts;
use groundswell::http::metrics::trend_cache::TrendCache;
use groundswell::http::origins::AllowedOrigins;
use groundswell::http::posts::export_limits::{ExportLimits, ExportLimitsParams};
use groundswell::http::state::{AppState, HttpParams};
use groundswell::http::token::Token;
use groundswell::inference::{LoadParams, ModelChoice, Models, Tier};
use groundswell::keyring::Keyring;
use groundswell::models::score::{Emotion, EmotionScores, ModelId, Score, Sentiment, SentimentLabel};
use groundswell::models::system_health::{
    DependencyHealth, ModelHealth, SocketHealth, StreamHealth, SystemHealth, TiersHealth,
};
use groundswell::notify::messenger::{Messenger, MessengerParams};
use groundswell::store::Store;
use groundswell::stream::Stream;
use groundswell::ws::{self, ListenParams, Sockets, SocketsParams};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::sync::watch;

use super::Space;
use super::space::RETENTION;

/// Allowed origin of another site.
pub const ALLOWED_ORIGIN: &str = "https://pages.example.org";

/// Parameters of one API server.
pub struct Setup {
    /// Number of stream entries at which posts are rejected.
    pub high_water: u64,
    /// Token that callers must present.
    pub token: Option<&'static str>,
    /// Maximum number of live connections.
    pub sockets_max: u64,
}

impl Default for Setup {
    fn default() -> Self {
        Self { high_water: 100_000, token: None, sockets_max: 100 }
    }
}

/// Secret key of the server.
const KEY: &str = "the key of the API tests";

fn keyring() -> Keyring {
    Keyring::from_secret(KEY)
}

/// Creates a messenger that reaches no private network.
fn messenger() -> Arc<Messenger> {
    let params = MessengerParams {
        allowed: Allowlist::default(),
        keyring: keyring(),
        mail: None,
        pagerduty_url: "https://events.pagerduty.com/v2/enqueue".to_owned(),
        push_subject: "mailto:nobody@example.com".to_owned(),
        dashboard: None,
    };
    Arc::new(Messenger::new(params).unwrap())
}

/// Creates an auditor whose entries are inserted as long as a test holds it.
fn auditor(store: &Store) -> Auditor {
    let keys = AuditKeys::new(&Keyring::from_secret(KEY));
    let (auditor, writer) = auditor::auditor(Arc::new(keys));
    let store = store.clone();
    tokio::spawn(async move {
        loop {
            writer.write_next(&store).await;
        }
    });
    auditor
}

/// HTTP API server.
pub struct ApiServer {
    /// `http://127.0.0.1:port`.
    pub url: String,
    /// Its database and prefix.
    pub space: Space,
    /// Store behind the API.
    pub store: Store,
    /// Stream that receives posts.
    pub stream: Stream,
    /// Whether the API is open. Nothing else refreshes it.
    pub open_access: OpenAccess,
    /// What the API remembers about callers.
    pub standings: Standings,
    /// Credentials of programs, with what the API remembers about them.
    pub credentials: Credentials,
    /// Health that the API reports.
    pub health: watch::Sender<HealthSnapshot>,
    client: reqwest::Client,
    server: ServerHandle,
    serving: Option<std::thread::JoinHandle<()>>,
    scoring: Arc<AtomicBool>,
}

impl ApiServer {
    /// Starts a server on the shared servers, with its own database and prefix.
    pub async fn open(setup: Setup) -> Self {
        Self::open_on(&Space::new().await, setup).await
    }

    /// Starts a server on the given database and prefix.
    pub async fn open_on(space: &Space, setup: Setup) -> Self {
        let (store, stream) = (space.store().await, space.stream().await);
        store.migrate().await.unwrap();
        let queue = Arc::new(JobQueue::new(Tier::Swift));
        let scoring = Arc::new(AtomicBool::new(true));
        score_by_length(Arc::clone(&queue), Arc::clone(&scoring));
        let (health, newest) = watch::channel(measured_late(healthy(setup.sockets_max)));
        let sockets = SocketsParams {
            watch: downstream("broadcaster").1,
            disconnect: downstream("broadcaster").1,
            limit: setup.sockets_max,
            stall_max: Duration::from_secs(30),
        };
        let open_access = OpenAccess::new(store.clone(), setup.token.is_none());
        open_access.refresh().await.unwrap();
        let standings = Standings::new(store.clone(), stream.sessions(), open_access.clone());
        let accounts = Accounts::new(store.clone(), &stream, standings.clone(), open_access.clone());
        let credentials = Credentials::new(store.clone(), keyring(), PasswordHasher::new());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Data::new(AppState {
            params: HttpParams {
                hosts: AllowedHosts::new(address, &["dash.example.org".to_owned()]),
                origins: AllowedOrigins::new(&[ALLOWED_ORIGIN.parse().unwrap()]),
                token: setup.token.map(Token::new),
                high_water: setup.high_water,
                proxies: TrustedProxies::default(),
                retention: RETENTION,
            },
            store: store.clone(),
            auditor: auditor(&store),
            eraser: Eraser::new(store.clone(), stream.updates()),
            updates: stream.updates(),
            producer: stream.producer(),
            dead_letters: stream.dead_letters(),
            on_demand_scorer: OnDemandScorer::new(
                queue,
                Arc::new(Cascade::new(CascadeParams {
                    budget: Duration::ZERO,
                    n_workers: 0,
                    backlog_max: 0,
                })),
            ),
            models: Arc::new(Models::load(LoadParams {
                fast: ModelChoice::Fake,
                deep: ModelChoice::Off,
                ..LoadParams::default()
            })),
            messenger: messenger(),
            prints_pdf: false,
            authenticator: Authenticator::new(
                stream.sessions(),
                credentials.clone(),
                standings.clone(),
                open_access.clone(),
            ),
            accounts,
            credentials: credentials.clone(),
            account_mail: MailQueue::new(store.clone(), messenger()),
            actor_names: ActorNames::new(store.clone()),
            live_tickets: stream.live_tickets(),
            // Tests of this server are strangers thousands of times.
            rate_limits: None,
            share_permits: http::share_permits(),
            exports: ExportLimits::new(ExportLimitsParams {
                n_max: 16,
                n_reading_max: 2,
                stall_max: Duration::from_secs(30),
            }),
            trends: TrendCache::new(stream.trends()),
            sockets: Sockets::new(sockets),
            exposition: Exposition::new(prometheus()),
            health: LatestHealth::new(newest),
        });
        let (handles, handle) = std::sync::mpsc::channel();
        let serving = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = Server::build().workers(1).disable_signals();
                let listening = ListenParams { listener, stall_max: Duration::from_secs(30) };
                let server = ws::listen(server, listening, move || {
                    let table = |table: &mut ServiceConfig| http::configure(table, &state.params.origins);
                    let application = App::new().app_data(state.clone()).configure(table);
                    map_config(application, |_| AppConfig::default())
                });
                let server = server.unwrap().run();
                handles.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self {
            url: format!("http://{address}"),
            space: space.clone(),
            store,
            stream,
            open_access,
            standings,
            credentials,
            health,
            client: reqwest::Client::new(),
            server: handle.recv().unwrap(),
            serving: Some(serving),
            scoring,
        }
    }

    /// Returns a request builder for the path.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Returns the response to `GET`.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    /// Returns the response to `POST`.
    pub async fn post(&self, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> (u16, Value) {
        let request = self.request(Method::POST, path).header("content-type", content_type);
        read(request.body(body.into()).send().await.unwrap()).await
    }

    /// Returns the number of entries in the stream.
    pub async fn n_waiting(&self) -> u64 {
        self.stream.health().await.unwrap().length
    }

    /// Changes the reported health.
    pub fn change_health(&self, change: impl FnOnce(&mut SystemHealth)) {
        self.health.send_modify(|measured| change(Arc::make_mut(&mut measured.health)));
    }

    /// Makes the reported health this old.
    pub fn age_health(&self, age: Duration) {
        self.health.send_modify(|measured| measured.at = Instant::now().checked_sub(age).unwrap());
    }
}

impl Drop for ApiServer {
    /// Stops the server and joins its thread.
    fn drop(&mut self) {
        self.scoring.store(false, Ordering::Release);
        drop(self.server.stop(false));
        if let Some(serving) = self.serving.take() {
            let _ = serving.join();
        }
    }
}

/// Returns the status and the body of a response; null when it is not JSON.
pub async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// Returns an address that matches a path of the route table. Nothing has the ids in it.
pub fn address_of(path: &str) -> String {
    let mut address = String::new();
    let mut rest = path;
    while let Some((before, parameter)) = rest.split_once('{') {
        address.push_str(before);
        address.push_str("01930000-0000-7000-8000-000000000001");
        rest = parameter.split_once('}').unwrap().1;
    }
    address + rest
}

fn prometheus() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| PrometheusBuilder::new().build_recorder().handle()).clone()
}

/// Stands in for the inference threads: longer texts are more positive.
fn score_by_length(queue: Arc<JobQueue<ScoreBatch>>, scoring: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        while let Some(job) = queue.pop(&scoring) {
            if let Job::Request(request) = job {
                let scores = request.texts.iter().map(|text| score(text.len() as f32 / 10_000.0)).collect();
                let _ = request.response.send(Ok(scores));
            }
        }
    });
}

/// Returns a score with this positivity.
pub fn score(positive: f32) -> Score {
    Score {
        sentiment: Sentiment {
            label: SentimentLabel::Positive,
            score: positive,
            confidence: positive,
            uncertain: false,
        },
        emotion: Emotion {
            label: "joy".into(),
            scores: EmotionScores { joy: positive, ..EmotionScores::default() },
        },
        toxicity: 0.0,
        churn_risk: 0.0,
        virality: 0.0,
        model: Arc::new(ModelId { name: "fake".into(), version: "1".into(), hash: "0".into() }),
    }
}

/// Dates the measurement into the future, because it is never renewed and a busy machine may take long.
fn measured_late(health: SystemHealth) -> HealthSnapshot {
    HealthSnapshot { health: Arc::new(health), at: Instant::now() + Duration::from_secs(3_600) }
}

fn healthy(sockets_max: u64) -> SystemHealth {
    let now = jiff::Timestamp::now();
    let reachable = DependencyHealth { reachable: true, error: None };
    SystemHealth {
        at: now,
        version: "0".into(),
        started_at: now,
        stages: Vec::new(),
        tasks: Vec::new(),
        stream: Some(StreamHealth::default()),
        unknown_entries: Vec::new(),
        redis: reachable.clone(),
        postgres: reachable,
        model: ModelHealth { id: (*score(0.0).model).clone(), degraded: None },
        tiers: TiersHealth {
            budget_ms: 0,
            overloaded: false,
            awaiting: 0,
            deep_per_second: 0.0,
            items: Vec::new(),
            without_deep: None,
        },
        mode: "embedded".into(),
        sockets: SocketHealth { open: 0, limit: sockets_max },
        disk: None,
        service_alerts: Vec::new(),
        service_alert_destinations: 0,
        alerting: None,
    }
}
