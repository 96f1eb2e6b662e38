//! Application state shared by all handlers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::client_address::TrustedProxies;
use super::exposition::Exposition;
use super::hosts::AllowedHosts;
use super::metrics::trend_cache::TrendCache;
use super::origins::AllowedOrigins;
use super::posts::export_limits::ExportLimits;
use super::token::Token;
use crate::actors::runtime::health_snapshot::LatestHealth;
use crate::actors::scoring::on_demand::OnDemandScorer;
use crate::auth::accounts::Accounts;
use crate::auth::actor_names::ActorNames;
use crate::auth::audit::auditor::Auditor;
use crate::auth::authenticator::Authenticator;
use crate::auth::credentials::Credentials;
use crate::auth::limits::RateLimits;
use crate::auth::mail_queue::MailQueue;
use crate::erasure::Eraser;
use crate::inference::Models;
use crate::models::principal::Principal;
use crate::notify::messenger::Messenger;
use crate::store::Store;
use crate::stream::{DeadLetters, LiveTickets, Producer, Updates};
use crate::ws::Sockets;

/// Settings and limits that apply to requests.
#[derive(Debug, Clone)]
pub struct HttpParams {
    /// Host names under which this server accepts requests.
    pub hosts: AllowedHosts,
    /// Origins of other sites whose pages may call the API.
    pub origins: AllowedOrigins,
    /// The operator's token.
    pub token: Option<Token>,
    /// Number of undelivered and pending stream entries above which ingest responds with 429.
    pub high_water: u64,
    /// Proxies in front of the server.
    pub proxies: TrustedProxies,
    /// Retention period of posts; older posts are rejected.
    pub retention: Duration,
}

/// Application state shared by all handlers.
pub struct AppState {
    /// Configuration that the handlers need.
    pub params: HttpParams,
    /// Database of posts, metrics, alerts and notifications.
    pub store: Store,
    /// Audit log, in which handlers record what they change.
    pub auditor: Auditor,
    /// Erases posts.
    pub eraser: Eraser,
    /// Channel through which changes made by API calls reach all processes.
    pub updates: Updates,
    /// Stream to which ingested posts are appended.
    pub producer: Producer,
    /// Posts that could not be processed, for listing and replay.
    pub dead_letters: DeadLetters,
    /// Scorer for texts sent in requests, which have priority over posts in the stream.
    pub on_demand_scorer: OnDemandScorer,
    /// Models that score posts; API calls can reload them.
    pub models: Arc<Models>,
    /// Verifies the credentials of callers.
    pub authenticator: Authenticator,
    /// Signs people in, and manages their accounts.
    pub accounts: Accounts,
    /// Letters to people with accounts.
    pub account_mail: MailQueue,
    /// Names under which changes are recorded.
    pub actor_names: ActorNames,
    /// Credentials of programs, and the tokens that they are exchanged for.
    pub credentials: Credentials,
    /// Issues and redeems tickets for live connections.
    pub live_tickets: LiveTickets,
    /// Rate limits of callers; `None` if they are switched off.
    pub rate_limits: Option<Arc<RateLimits>>,
    /// Permits for requests by holders of share links.
    pub share_permits: Arc<Semaphore>,
    /// Limits on concurrent exports.
    pub exports: ExportLimits,
    /// Trending terms, merged across all processes.
    pub trends: TrendCache,
    /// Sender of test messages, and cipher for channel secrets.
    pub messenger: Arc<Messenger>,
    /// Whether this process prints reports as PDF.
    pub prints_pdf: bool,
    /// Registry of this process's live connections.
    pub sockets: Sockets,
    /// Text of this process's metrics.
    pub exposition: Exposition,
    /// Latest health measurement of this process.
    pub health: LatestHealth,
}

impl AppState {
    /// Ends the live connections and exports of principals whose access this process has just ended, and forgets what it
    /// remembers about them. Other processes notice by themselves.
    pub fn end_live(&self, is_ended: impl Fn(&Principal) -> bool) {
        self.authenticator.standings().end(&is_ended);
        self.sockets.end(&is_ended);
        self.exports.end(&is_ended);
    }
}
