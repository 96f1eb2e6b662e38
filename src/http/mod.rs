//! HTTP API and embedded dashboard. `table` is the route table. Modules that have a counterpart in `store/`
//! share its name.

mod accounts; // people: signing in, sessions
pub mod audit; // the audit log, and how handlers write to it
mod credentials; // programs: API keys, clients, tokens
mod annotations; // notes attached to times
mod alerts; // alerts, rules, silences, settings for anomaly detection
pub mod live; // WebSocket and server-sent events
pub mod metrics; // live windows, history, trends
mod models; // scores on demand, models in use
mod notifications; // channels, sent notifications, browser subscriptions
mod reports; // scheduled reports, previews and runs
mod operations; // health, system status, dead letters
pub mod posts; // ingest, history, exports, labels, saved views, work on posts
mod sources; // sources, and what is done with them
mod topics; // topics and their queries

pub mod access; // who may make a call
mod body; // request bodies, received whole
mod body_memory; // memory for request bodies, and who may hold how much
mod inflate; // gzip, a portion at a time
pub mod client_address; // addresses of clients, also behind proxies
pub mod dashboard; // the embedded files of the dashboard
pub mod exposition; // the text of the metrics, shared by requests that wait
mod precompressed; // responses that are the same for everyone
pub mod error; // error responses
pub mod extract; // typed extractors
mod repeated; // query parameters with several values
mod guard; // middleware: hosts, origins, who is calling
pub mod hosts; // allowed host names
mod refused_credentials; // counting and logging them
pub mod openapi; // the OpenAPI document
pub mod origins; // allowed origins, CORS
pub mod rate_limit; // counts calls against quotas
pub mod routes; // entries of the route table
pub mod response_headers; // names of headers of responses
pub mod response_middleware; // headers, ids and metrics of every response
mod share; // share links and what their holders may read
pub mod state; // application state shared by all handlers
pub mod token; // API token
mod uninterrupted; // changes run to their end

use std::sync::Arc;

use actix_web::middleware::{Compress, from_fn};
use actix_web::{guard as guards, web};
use tokio::sync::Semaphore;

use self::error::ApiError;
use self::origins::AllowedOrigins;
use self::routes::{Entry, Rule, at};
use crate::auth::limits::RouteClass;

/// Registers every route and its handler. Requires [`state::AppState`] as application data; `origins` must match the
/// allowed origins in its parameters.
pub fn configure(config: &mut web::ServiceConfig, origins: &AllowedOrigins) {
    let public = guards::fn_guard(dashboard::is_public);
    let public_files = web::scope("").guard(public).default_service(web::to(dashboard::show));
    let table = web::scope("")
        // Middleware added last runs first.
        .wrap(from_fn(uninterrupted::run))
        .wrap(Compress::default())
        .wrap(from_fn(guard::authenticate))
        .wrap(origins.sharing())
        .wrap(from_fn(guard::check_origin))
        .wrap(from_fn(rate_limit::find_client))
        .wrap(from_fn(response_middleware::complete))
        .configure(|config| register(config, table()))
        .service(public_files)
        .default_service(rate_limit::limited(web::to(dashboard::find), RouteClass::Read));
    config.service(table);
}

/// Registers only the operational routes, for a process without the role `web`.
pub fn configure_operations(config: &mut web::ServiceConfig) {
    let nothing_else = |_: access::NotAStranger| {
        std::future::ready(Err::<&str, _>(ApiError::NotFound { what: "this path".to_owned() }))
    };
    let table = web::scope("")
        .wrap(from_fn(guard::authenticate))
        .wrap(from_fn(guard::check_origin))
        .wrap(from_fn(rate_limit::find_client))
        .wrap(from_fn(response_middleware::complete))
        .configure(|config| register(config, operational_routes()))
        .default_service(rate_limit::limited(web::to(nothing_else), RouteClass::Read));
    config.service(table);
}

fn register(config: &mut web::ServiceConfig, table: Vec<Entry>) {
    for entry in table {
        config.service(entry.into_resource());
    }
}

/// Returns every route with what it requires of its caller, except the dashboard's pages and files, which are open to
/// anyone.
pub fn routes() -> Vec<Rule> {
    table().into_iter().flat_map(Entry::into_rules).collect()
}

/// Returns the permits for requests by holders of share links, for the application state.
pub fn share_permits() -> Arc<Semaphore> {
    share::access::permits()
}

/// The route table. If two paths match, the first one counts. Paths without parameters come first: the router compares
/// those as text, and runs a regular expression for each of the others that it passes. Health checks are not limited,
/// because a supervisor that is refused takes the server for dead; nor are the files of the dashboard, which are sent from
/// memory.
fn table() -> Vec<Entry> {
    let mut table = vec![
        at("/api/v1/posts").get(posts::handlers::list).post(posts::handlers::ingest),
        at("/api/v1/posts/export").counts_as(RouteClass::Export).get(posts::handlers::export),
        at("/api/v1/posts/work").get(posts::work::changes).post(posts::work::change_many),
        at("/api/v1/posts/{id}").get(posts::handlers::get).delete(posts::handlers::erase),
        at("/api/v1/posts/{id}/work").get(posts::work::get).patch(posts::work::change),
        at("/api/v1/posts/{id}/notes").post(posts::work::note),
        at("/api/v1/posts/{id}/history").get(posts::work::history),
        at("/api/v1/work-queue").get(posts::work::queue),
        at("/api/v1/work-queue/names").get(posts::work::names),
        at("/api/v1/posts/{id}/label").put(posts::labels::correct).delete(posts::labels::retract),
        at("/api/v1/authors/{platform}/{author}").get(posts::authors::profile),
        at("/api/v1/labels/export").counts_as(RouteClass::Export).get(posts::labels::export),
        at("/api/v1/views").get(posts::views::list).post(posts::views::create),
        at("/api/v1/views/{id}").put(posts::views::update).delete(posts::views::delete),
        at("/api/v1/sources").get(sources::list).post(sources::create),
        at("/api/v1/sources/preview-mapping").post(sources::webhooks::preview_mapping),
        at("/api/v1/sources/{id}").get(sources::get).patch(sources::change).delete(sources::delete),
        at("/api/v1/sources/{id}/events").counts_as(RouteClass::Delivery).post(sources::deliveries::receive),
        at("/api/v1/sources/{id}/rotate-secret").post(sources::webhooks::rotate_secret),
        at("/api/v1/sources/{id}/credentials").put(sources::credentials::replace),
        at("/api/v1/sources/{id}/queries").get(sources::queries::get),
        at("/api/v1/sources/{id}/test").post(sources::test),
        at("/api/v1/sources/{id}/pause").post(sources::pause),
        at("/api/v1/sources/{id}/resume").post(sources::resume),
        at("/api/v1/sources/{id}/backfill").post(sources::backfill),
        at("/api/v1/topics").get(topics::list).post(topics::create),
        at("/api/v1/topics/validate").post(topics::validate),
        at("/api/v1/topics/preview").post(topics::preview),
        at("/api/v1/topics/{id}").get(topics::get).put(topics::replace).delete(topics::delete),
        at("/api/v1/topics/{id}/history").get(topics::history::list).post(topics::history::create),
        at("/api/v1/topics/{id}/history/{job}").delete(topics::history::cancel),
        at("/api/v1/share-links").get(share::links::list).post(share::links::create),
        at("/api/v1/share-links/{id}").delete(share::links::revoke),
        at("/api/v1/shared-view").get(share::links::show),
        at("/api/v1/score").counts_as(RouteClass::Score).post(models::score::score),
        at("/api/metrics/overall").get(metrics::live::overall),
        at("/api/metrics/geo").get(metrics::live::geo),
        at("/api/metrics/products").get(metrics::live::products),
        at("/api/metrics/channels").get(metrics::live::channels),
        at("/api/metrics/platforms").get(metrics::live::platforms),
        at("/api/metrics/emotions").get(metrics::live::emotions),
        at("/api/metrics/trend").get(metrics::live::trend),
        at("/api/v1/trends").get(metrics::trends::show),
        at("/api/v1/explore/series").get(metrics::explore::series),
        at("/api/v1/explore/explain").get(metrics::explain::show),
        at("/api/v1/explore/breakdown").get(metrics::explore::breakdown),
        at("/api/v1/explore/lines").get(metrics::explore::lines),
        at("/api/v1/annotations").get(annotations::list).post(annotations::create),
        at("/api/v1/annotations/{id}").put(annotations::update).delete(annotations::delete),
        at("/api/v1/alerts").get(alerts::handlers::list),
        at("/api/v1/alerts/{id}").get(alerts::handlers::get),
        at("/api/v1/alerts/{id}/acknowledge")
            .post(alerts::handlers::acknowledge)
            .delete(alerts::handlers::unacknowledge),
        at("/api/v1/alerts/{id}/assignee").put(alerts::handlers::assign),
        at("/api/v1/alerts/{id}/comments").post(alerts::handlers::comment),
        at("/api/v1/alert-rules").get(alerts::rules::list).post(alerts::rules::create),
        at("/api/v1/alert-rules/preview").post(alerts::rules::preview),
        at("/api/v1/alert-rules/{id}")
            .get(alerts::rules::get)
            .put(alerts::rules::replace)
            .delete(alerts::rules::delete),
        at("/api/v1/silences").get(alerts::silences::list).post(alerts::silences::create),
        at("/api/v1/silences/{id}").delete(alerts::silences::end),
        at("/api/v1/notification-channels")
            .get(notifications::channels::list)
            .post(notifications::channels::create),
        at("/api/v1/notification-channels/{id}")
            .get(notifications::channels::get)
            .put(notifications::channels::replace)
            .delete(notifications::channels::delete),
        at("/api/v1/notification-channels/{id}/test").post(notifications::channels::test),
        at("/api/v1/notification-channels/{id}/rotate-secret").post(notifications::channels::rotate_secret),
        at("/api/v1/notifications").get(notifications::sent::list),
        at("/api/v1/notifications/{id}/resend").post(notifications::sent::resend),
        at("/api/v1/push/key").get(notifications::sent::push_key),
        at("/api/v1/reports").get(reports::schedules::list).post(reports::schedules::create),
        at("/api/v1/reports/preview").post(reports::preview::preview),
        at("/api/v1/reports/{id}")
            .get(reports::schedules::get)
            .put(reports::schedules::replace)
            .delete(reports::schedules::delete),
        at("/api/v1/reports/{id}/send").post(reports::runs::send),
        at("/api/v1/reports/{id}/runs").get(reports::runs::list),
        at("/api/v1/report-runs/{id}.html").get(reports::runs::html),
        at("/api/v1/report-runs/{id}.pdf").get(reports::runs::pdf),
        at("/api/v1/audit").get(audit::list),
        at("/api/v1/audit/export").get(audit::export),
        at("/api/v1/signal-settings")
            .get(alerts::anomaly_settings::show)
            .put(alerts::anomaly_settings::change),
        at("/api/v1/dead-letters").get(operations::dead_letters::list),
        at("/api/v1/dead-letters/replay").post(operations::dead_letters::replay),
        at("/api/v1/auth/state").get(accounts::whoami::state),
        at("/api/v1/auth/me").get(accounts::whoami::me),
        at("/api/v1/auth/setup").counts_as(RouteClass::SignIn).post(accounts::setup::set_up),
        at("/api/v1/auth/login").counts_as(RouteClass::SignIn).post(accounts::sign_in::login),
        at("/api/v1/auth/logout").post(accounts::sign_in::logout),
        at("/api/v1/auth/password").counts_as(RouteClass::SignIn).post(accounts::password::change),
        at("/api/v1/auth/password-reset")
            .counts_as(RouteClass::SignIn)
            .post(accounts::password_resets::ask)
            .put(accounts::password_resets::set),
        at("/api/v1/auth/invitation").counts_as(RouteClass::SignIn).post(accounts::invitations::accept),
        at("/api/v1/invitations").get(accounts::invitations::list).post(accounts::invitations::create),
        at("/api/v1/invitations/{id}").delete(accounts::invitations::revoke),
        at("/api/v1/users").get(accounts::users::list).post(accounts::users::create),
        at("/api/v1/users/{id}")
            .get(accounts::users::get)
            .patch(accounts::users::change)
            .delete(accounts::users::archive),
        at("/api/v1/users/{id}/password-reset").post(accounts::users::reset_password),
        at("/api/v1/users/{id}/sign-out").post(accounts::users::sign_out),
        at("/api/v1/sessions").get(accounts::sessions::list),
        at("/api/v1/sessions/{id}").delete(accounts::sessions::end),
        at("/api/v1/auth/token").counts_as(RouteClass::SignIn).post(credentials::token::issue),
        at("/.well-known/jwks.json").get(credentials::jwks::show),
        at("/api/v1/api-keys").get(credentials::api_keys::list).post(credentials::api_keys::create),
        at("/api/v1/api-keys/{id}").delete(credentials::api_keys::revoke),
        at("/api/v1/api-keys/{id}/rotate").post(credentials::api_keys::rotate),
        at("/api/v1/api-keys/{id}/usage").get(credentials::api_keys::usage),
        at("/api/v1/clients").get(credentials::clients::list).post(credentials::clients::create),
        at("/api/v1/clients/{id}").delete(credentials::clients::revoke),
        at("/api/v1/clients/{id}/rotate-secret").post(credentials::clients::rotate_secret),
        at("/api/v1/live/tickets").post(live::tickets::issue),
        at("/api/v1/events").live(live::sse::listen),
        at("/ws").live(live::socket::open),
        at("/openapi.json").get(openapi::show),
        at("/docs").get(openapi::to_page),
        at("/docs/{file:.*}").get(openapi::page),
    ];
    table.extend(operational_routes());
    table.sort_by_key(Entry::has_parameters);
    table
}

/// The routes that every process serves, whatever its roles.
fn operational_routes() -> Vec<Entry> {
    vec![
        at("/api/v1/system").get(operations::system::show),
        at("/api/v1/system/errors").get(operations::system::errors),
        at("/api/v1/models/reload").post(models::reload::reload),
        at("/health").unlimited().get(operations::health::health),
        at("/livez").unlimited().get(operations::health::live),
        at("/readyz").unlimited().get(operations::health::ready),
        at("/metrics").get(operations::system::prometheus),
    ]
}
