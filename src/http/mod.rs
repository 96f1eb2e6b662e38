//! HTTP API and embedded dashboard. [`configure`] holds the route table. Modules that have a counterpart in `store/`
//! share its name.

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

mod body; // request bodies, bounded in memory
pub mod dashboard; // the embedded files of the dashboard
pub mod error; // error responses
pub mod extract; // typed extractors
mod repeated; // query parameters with several values
mod guard; // middleware: hosts, origins, authentication
pub mod hosts; // allowed host names
pub mod openapi; // the OpenAPI document
pub mod origins; // allowed origins, CORS
pub mod response_middleware; // headers, ids and metrics of every response
mod share; // share links and what their holders may read
pub mod state; // application state shared by all handlers
pub mod token; // API token

use std::sync::Arc;

use actix_web::middleware::{Compress, from_fn};
use actix_web::{Resource, Route, guard as guards, web};

use tokio::sync::Semaphore;

use self::error::ApiError;
use self::origins::AllowedOrigins;

/// Registers every route and its handler. Requires [`state::AppState`] as application data; `origins` must match the
/// allowed origins in its parameters.
pub fn configure(config: &mut web::ServiceConfig, origins: &AllowedOrigins) {
    let table = web::scope("")
        // Middleware added last runs first.
        .wrap(Compress::default())
        .wrap(from_fn(guard::authenticate))
        .wrap(origins.sharing())
        .wrap(from_fn(guard::check_origin))
        .wrap(from_fn(response_middleware::complete))
        .service(
            at("/api/v1/posts", "GET, HEAD, POST")
                .route(get().to(posts::handlers::list))
                .route(web::post().to(posts::handlers::ingest)),
        )
        .service(at("/api/v1/posts/export", "GET, HEAD").route(get().to(posts::handlers::export)))
        .service(
            at("/api/v1/posts/work", "GET, HEAD, POST")
                .route(get().to(posts::work::changes))
                .route(web::post().to(posts::work::change_many)),
        )
        .service(
            at("/api/v1/posts/{id}", "GET, HEAD, DELETE")
                .route(get().to(posts::handlers::get))
                .route(web::delete().to(posts::handlers::erase)),
        )
        .service(
            at("/api/v1/posts/{id}/work", "GET, HEAD, PATCH")
                .route(get().to(posts::work::get))
                .route(web::patch().to(posts::work::change)),
        )
        .service(at("/api/v1/posts/{id}/notes", "POST").route(web::post().to(posts::work::note)))
        .service(at("/api/v1/posts/{id}/history", "GET, HEAD").route(get().to(posts::work::history)))
        .service(at("/api/v1/work-queue", "GET, HEAD").route(get().to(posts::work::queue)))
        .service(at("/api/v1/work-queue/names", "GET, HEAD").route(get().to(posts::work::names)))
        .service(
            at("/api/v1/posts/{id}/label", "PUT, DELETE")
                .route(web::put().to(posts::labels::correct))
                .route(web::delete().to(posts::labels::retract)),
        )
        .service(
            at("/api/v1/authors/{platform}/{author}", "GET, HEAD").route(get().to(posts::authors::profile)),
        )
        .service(at("/api/v1/labels/export", "GET, HEAD").route(get().to(posts::labels::export)))
        .service(
            at("/api/v1/views", "GET, HEAD, POST")
                .route(get().to(posts::views::list))
                .route(web::post().to(posts::views::create)),
        )
        .service(
            at("/api/v1/views/{id}", "PUT, DELETE")
                .route(web::put().to(posts::views::update))
                .route(web::delete().to(posts::views::delete)),
        )
        .service(
            at("/api/v1/sources", "GET, HEAD, POST")
                .route(get().to(sources::list))
                .route(web::post().to(sources::create)),
        )
        .service(
            at("/api/v1/sources/preview-mapping", "POST")
                .route(web::post().to(sources::webhooks::preview_mapping)),
        )
        .service(
            at("/api/v1/sources/{id}", "GET, HEAD, PATCH, DELETE")
                .route(get().to(sources::get))
                .route(web::patch().to(sources::change))
                .route(web::delete().to(sources::delete)),
        )
        .service(
            at("/api/v1/sources/{id}/events", "POST").route(web::post().to(sources::deliveries::receive)),
        )
        .service(
            at("/api/v1/sources/{id}/rotate-secret", "POST")
                .route(web::post().to(sources::webhooks::rotate_secret)),
        )
        .service(
            at("/api/v1/sources/{id}/credentials", "PUT").route(web::put().to(sources::credentials::replace)),
        )
        .service(at("/api/v1/sources/{id}/queries", "GET, HEAD").route(get().to(sources::queries::get)))
        .service(at("/api/v1/sources/{id}/test", "POST").route(web::post().to(sources::test)))
        .service(at("/api/v1/sources/{id}/pause", "POST").route(web::post().to(sources::pause)))
        .service(at("/api/v1/sources/{id}/resume", "POST").route(web::post().to(sources::resume)))
        .service(at("/api/v1/sources/{id}/backfill", "POST").route(web::post().to(sources::backfill)))
        .service(
            at("/api/v1/topics", "GET, HEAD, POST")
                .route(get().to(topics::list))
                .route(web::post().to(topics::create)),
        )
        .service(at("/api/v1/topics/validate", "POST").route(web::post().to(topics::validate)))
        .service(at("/api/v1/topics/preview", "POST").route(web::post().to(topics::preview)))
        .service(
            at("/api/v1/topics/{id}", "GET, HEAD, PUT, DELETE")
                .route(get().to(topics::get))
                .route(web::put().to(topics::replace))
                .route(web::delete().to(topics::delete)),
        )
        .service(
            at("/api/v1/topics/{id}/history", "GET, HEAD, POST")
                .route(get().to(topics::history::list))
                .route(web::post().to(topics::history::create)),
        )
        .service(
            at("/api/v1/topics/{id}/history/{job}", "DELETE")
                .route(web::delete().to(topics::history::cancel)),
        )
        .service(
            at("/api/v1/share-links", "GET, HEAD, POST")
                .route(get().to(share::links::list))
                .route(web::post().to(share::links::create)),
        )
        .service(at("/api/v1/share-links/{id}", "DELETE").route(web::delete().to(share::links::revoke)))
        .service(at("/api/v1/shared-view", "GET, HEAD").route(get().to(share::links::show)))
        .service(at("/api/v1/score", "POST").route(web::post().to(models::score::score)))
        .service(at("/api/metrics/overall", "GET, HEAD").route(get().to(metrics::live::overall)))
        .service(at("/api/metrics/geo", "GET, HEAD").route(get().to(metrics::live::geo)))
        .service(at("/api/metrics/products", "GET, HEAD").route(get().to(metrics::live::products)))
        .service(at("/api/metrics/channels", "GET, HEAD").route(get().to(metrics::live::channels)))
        .service(at("/api/metrics/platforms", "GET, HEAD").route(get().to(metrics::live::platforms)))
        .service(at("/api/metrics/emotions", "GET, HEAD").route(get().to(metrics::live::emotions)))
        .service(at("/api/metrics/trend", "GET, HEAD").route(get().to(metrics::live::trend)))
        .service(at("/api/v1/trends", "GET, HEAD").route(get().to(metrics::trends::show)))
        .service(at("/api/v1/explore/series", "GET, HEAD").route(get().to(metrics::explore::series)))
        .service(at("/api/v1/explore/explain", "GET, HEAD").route(get().to(metrics::explain::show)))
        .service(at("/api/v1/explore/breakdown", "GET, HEAD").route(get().to(metrics::explore::breakdown)))
        .service(at("/api/v1/explore/lines", "GET, HEAD").route(get().to(metrics::explore::lines)))
        .service(
            at("/api/v1/annotations", "GET, HEAD, POST")
                .route(get().to(annotations::list))
                .route(web::post().to(annotations::create)),
        )
        .service(
            at("/api/v1/annotations/{id}", "PUT, DELETE")
                .route(web::put().to(annotations::update))
                .route(web::delete().to(annotations::delete)),
        )
        .service(at("/api/v1/alerts", "GET, HEAD").route(get().to(alerts::handlers::list)))
        .service(at("/api/v1/alerts/{id}", "GET, HEAD").route(get().to(alerts::handlers::get)))
        .service(
            at("/api/v1/alerts/{id}/acknowledge", "POST, DELETE")
                .route(web::post().to(alerts::handlers::acknowledge))
                .route(web::delete().to(alerts::handlers::unacknowledge)),
        )
        .service(at("/api/v1/alerts/{id}/assignee", "PUT").route(web::put().to(alerts::handlers::assign)))
        .service(at("/api/v1/alerts/{id}/comments", "POST").route(web::post().to(alerts::handlers::comment)))
        .service(
            at("/api/v1/alert-rules", "GET, HEAD, POST")
                .route(get().to(alerts::rules::list))
                .route(web::post().to(alerts::rules::create)),
        )
        .service(at("/api/v1/alert-rules/preview", "POST").route(web::post().to(alerts::rules::preview)))
        .service(
            at("/api/v1/alert-rules/{id}", "GET, HEAD, PUT, DELETE")
                .route(get().to(alerts::rules::get))
                .route(web::put().to(alerts::rules::replace))
                .route(web::delete().to(alerts::rules::delete)),
        )
        .service(
            at("/api/v1/silences", "GET, HEAD, POST")
                .route(get().to(alerts::silences::list))
                .route(web::post().to(alerts::silences::create)),
        )
        .service(at("/api/v1/silences/{id}", "DELETE").route(web::delete().to(alerts::silences::end)))
        .service(
            at("/api/v1/notification-channels", "GET, HEAD, POST")
                .route(get().to(notifications::channels::list))
                .route(web::post().to(notifications::channels::create)),
        )
        .service(
            at("/api/v1/notification-channels/{id}", "GET, HEAD, PUT, DELETE")
                .route(get().to(notifications::channels::get))
                .route(web::put().to(notifications::channels::replace))
                .route(web::delete().to(notifications::channels::delete)),
        )
        .service(
            at("/api/v1/notification-channels/{id}/test", "POST")
                .route(web::post().to(notifications::channels::test)),
        )
        .service(
            at("/api/v1/notification-channels/{id}/rotate-secret", "POST")
                .route(web::post().to(notifications::channels::rotate_secret)),
        )
        .service(at("/api/v1/notifications", "GET, HEAD").route(get().to(notifications::sent::list)))
        .service(
            at("/api/v1/notifications/{id}/resend", "POST")
                .route(web::post().to(notifications::sent::resend)),
        )
        .service(at("/api/v1/push/key", "GET, HEAD").route(get().to(notifications::sent::push_key)))
        .service(
            at("/api/v1/reports", "GET, HEAD, POST")
                .route(get().to(reports::schedules::list))
                .route(web::post().to(reports::schedules::create)),
        )
        .service(at("/api/v1/reports/preview", "POST").route(web::post().to(reports::preview::preview)))
        .service(
            at("/api/v1/reports/{id}", "GET, HEAD, PUT, DELETE")
                .route(get().to(reports::schedules::get))
                .route(web::put().to(reports::schedules::replace))
                .route(web::delete().to(reports::schedules::delete)),
        )
        .service(at("/api/v1/reports/{id}/send", "POST").route(web::post().to(reports::runs::send)))
        .service(at("/api/v1/reports/{id}/runs", "GET, HEAD").route(get().to(reports::runs::list)))
        .service(at("/api/v1/report-runs/{id}.html", "GET, HEAD").route(get().to(reports::runs::html)))
        .service(at("/api/v1/report-runs/{id}.pdf", "GET, HEAD").route(get().to(reports::runs::pdf)))
        .service(
            at("/api/v1/signal-settings", "GET, HEAD, PUT")
                .route(get().to(alerts::anomaly_settings::show))
                .route(web::put().to(alerts::anomaly_settings::change)),
        )
        .service(at("/api/v1/dead-letters", "GET, HEAD").route(get().to(operations::dead_letters::list)))
        .service(
            at("/api/v1/dead-letters/replay", "POST").route(web::post().to(operations::dead_letters::replay)),
        )
        .service(at("/api/v1/live/tickets", "POST").route(web::post().to(live::tickets::issue)))
        .service(at("/api/v1/events", "GET").route(web::get().to(live::sse::listen)))
        .service(at("/ws", "GET").route(web::get().to(live::socket::open)))
        .configure(operations)
        .service(at("/openapi.json", "GET, HEAD").route(get().to(openapi::show)))
        .service(at("/docs", "GET, HEAD").route(get().to(openapi::to_page)))
        .service(openapi::page())
        .default_service(web::to(dashboard::serve));
    config.service(table);
}

/// Returns the permits for requests by holders of share links, for the application state.
pub fn share_permits() -> Arc<Semaphore> {
    share::access::permits()
}

/// Registers only the operational routes, for a process without the role `web`.
pub fn configure_operations(config: &mut web::ServiceConfig) {
    let nothing_else =
        || std::future::ready(Err::<&str, _>(ApiError::NotFound { what: "this path".to_owned() }));
    let table = web::scope("")
        .wrap(from_fn(guard::authenticate))
        .wrap(from_fn(guard::check_origin))
        .wrap(from_fn(response_middleware::complete))
        .configure(operations)
        .default_service(web::to(nothing_else));
    config.service(table);
}

fn operations(config: &mut web::ServiceConfig) {
    config
        .service(at("/api/v1/system", "GET, HEAD").route(get().to(operations::system::show)))
        .service(at("/api/v1/system/errors", "GET, HEAD").route(get().to(operations::system::errors)))
        .service(at("/api/v1/models/reload", "POST").route(web::post().to(models::reload::reload)))
        .service(at("/health", "GET, HEAD").route(get().to(operations::health::health)))
        .service(at("/livez", "GET, HEAD").route(get().to(operations::health::live)))
        .service(at("/readyz", "GET, HEAD").route(get().to(operations::health::ready)))
        .service(at("/metrics", "GET, HEAD").route(get().to(operations::system::prometheus)));
}

/// Creates a resource that responds to other methods with 405; `allow` lists the methods of its routes.
fn at(path: &str, allow: &'static str) -> Resource {
    let refuse = move || std::future::ready(Err::<&str, _>(ApiError::MethodNotAllowed { allow }));
    web::resource(path).default_service(web::to(refuse))
}

/// Creates a route for GET and HEAD.
fn get() -> Route {
    web::route().guard(guards::Any(guards::Get()).or(guards::Head()))
}
