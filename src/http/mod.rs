//! The calls of DESIGN.md, section 3, and the dashboard.

mod alert_rules; // when something must be acted on
mod alerts; // what must be acted on
pub mod answer; // what every answer carries
mod body; // bodies of requests, bounded in memory
mod channel_wish; // whom somebody wants told
pub mod dashboard; // the dashboard's files
mod dead_letters; // posts that could not be stored
pub mod error; // what a client is told when a call fails
mod events; // where live news begins for those who only listen
mod explore; // history over any range
mod export; // posts as a file
pub mod export_room; // how many exports there may be
pub mod extract; // what handlers take out of a request
pub mod guard; // who may ask
mod health; // whether the process lives
mod ingest; // a body of posts, taken apart
mod labels; // what people say where they know better
mod metrics; // how people feel
mod models; // who reads the posts
mod notification_channels; // whom to tell
mod notifications; // what they were told
pub mod openapi; // the calls, described for programs
pub mod origins; // which pages may ask
mod posts; // posts in, and their history out
mod range; // which stretch of history
mod score; // scores at once
mod signal_settings; // how readily unusual changes are told
mod silences; // when nobody shall be told
mod socket; // where live sockets begin
pub mod state; // what every handler can reach
mod system; // how the pipeline is
mod tickets; // passes for live connections
pub mod trends; // what people speak of
mod views; // saved views

use actix_web::middleware::{Compress, from_fn};
use actix_web::{Resource, Route, guard as guards, web};

use self::error::ApiError;
use self::origins::AllowedOrigins;

/// Every address this server knows, and who answers there. Needs [`state::AppState`] as application data, of which
/// `origins` are part.
pub fn configure(config: &mut web::ServiceConfig, origins: &AllowedOrigins) {
    let table = web::scope("")
        // The last one added sees a request first.
        .wrap(Compress::default())
        .wrap(from_fn(guard::guard))
        .wrap(origins.sharing())
        .wrap(from_fn(guard::admit))
        .wrap(from_fn(answer::complete))
        .service(
            at("/api/v1/posts", "GET, HEAD, POST")
                .route(get().to(posts::list))
                .route(web::post().to(posts::ingest)),
        )
        .service(at("/api/v1/posts/export", "GET, HEAD").route(get().to(posts::export)))
        .service(at("/api/v1/posts/{id}", "GET, HEAD").route(get().to(posts::get)))
        .service(
            at("/api/v1/posts/{id}/label", "PUT, DELETE")
                .route(web::put().to(labels::correct))
                .route(web::delete().to(labels::take_back)),
        )
        .service(at("/api/v1/labels/export", "GET, HEAD").route(get().to(labels::export)))
        .service(
            at("/api/v1/views", "GET, HEAD, POST")
                .route(get().to(views::list))
                .route(web::post().to(views::create)),
        )
        .service(
            at("/api/v1/views/{id}", "PUT, DELETE")
                .route(web::put().to(views::update))
                .route(web::delete().to(views::delete)),
        )
        .service(at("/api/v1/score", "POST").route(web::post().to(score::score)))
        .service(at("/api/metrics/overall", "GET, HEAD").route(get().to(metrics::overall)))
        .service(at("/api/metrics/geo", "GET, HEAD").route(get().to(metrics::geo)))
        .service(at("/api/metrics/products", "GET, HEAD").route(get().to(metrics::products)))
        .service(at("/api/metrics/channels", "GET, HEAD").route(get().to(metrics::channels)))
        .service(at("/api/metrics/platforms", "GET, HEAD").route(get().to(metrics::platforms)))
        .service(at("/api/metrics/emotions", "GET, HEAD").route(get().to(metrics::emotions)))
        .service(at("/api/metrics/trend", "GET, HEAD").route(get().to(metrics::trend)))
        .service(at("/api/v1/trends", "GET, HEAD").route(get().to(trends::show)))
        .service(at("/api/v1/explore/series", "GET, HEAD").route(get().to(explore::series)))
        .service(at("/api/v1/explore/breakdown", "GET, HEAD").route(get().to(explore::breakdown)))
        .service(at("/api/v1/alerts", "GET, HEAD").route(get().to(alerts::list)))
        .service(at("/api/v1/alerts/{id}", "GET, HEAD").route(get().to(alerts::get)))
        .service(at("/api/v1/alerts/{id}/acknowledge", "POST").route(web::post().to(alerts::acknowledge)))
        .service(
            at("/api/v1/alert-rules", "GET, HEAD, POST")
                .route(get().to(alert_rules::list))
                .route(web::post().to(alert_rules::create)),
        )
        .service(at("/api/v1/alert-rules/preview", "POST").route(web::post().to(alert_rules::preview)))
        .service(
            at("/api/v1/alert-rules/{id}", "GET, HEAD, PUT, DELETE")
                .route(get().to(alert_rules::get))
                .route(web::put().to(alert_rules::replace))
                .route(web::delete().to(alert_rules::delete)),
        )
        .service(
            at("/api/v1/silences", "GET, HEAD, POST")
                .route(get().to(silences::list))
                .route(web::post().to(silences::create)),
        )
        .service(at("/api/v1/silences/{id}", "DELETE").route(web::delete().to(silences::end)))
        .service(
            at("/api/v1/notification-channels", "GET, HEAD, POST")
                .route(get().to(notification_channels::list))
                .route(web::post().to(notification_channels::create)),
        )
        .service(
            at("/api/v1/notification-channels/{id}", "GET, HEAD, PUT, DELETE")
                .route(get().to(notification_channels::get))
                .route(web::put().to(notification_channels::replace))
                .route(web::delete().to(notification_channels::delete)),
        )
        .service(
            at("/api/v1/notification-channels/{id}/test", "POST")
                .route(web::post().to(notification_channels::test)),
        )
        .service(
            at("/api/v1/notification-channels/{id}/rotate-secret", "POST")
                .route(web::post().to(notification_channels::rotate_secret)),
        )
        .service(at("/api/v1/notifications", "GET, HEAD").route(get().to(notifications::list)))
        .service(at("/api/v1/notifications/{id}/resend", "POST").route(web::post().to(notifications::resend)))
        .service(at("/api/v1/push/key", "GET, HEAD").route(get().to(notifications::push_key)))
        .service(
            at("/api/v1/signal-settings", "GET, HEAD, PUT")
                .route(get().to(signal_settings::show))
                .route(web::put().to(signal_settings::change)),
        )
        .service(at("/api/v1/dead-letters", "GET, HEAD").route(get().to(dead_letters::list)))
        .service(at("/api/v1/dead-letters/replay", "POST").route(web::post().to(dead_letters::replay)))
        .service(at("/api/v1/live/tickets", "POST").route(web::post().to(tickets::issue)))
        .service(at("/api/v1/events", "GET").route(web::get().to(events::listen)))
        .service(at("/ws", "GET").route(web::get().to(socket::open)))
        .configure(operations)
        .service(at("/openapi.json", "GET, HEAD").route(get().to(openapi::show)))
        .service(at("/docs", "GET, HEAD").route(get().to(openapi::to_page)))
        .service(openapi::page())
        .default_service(web::to(dashboard::serve));
    config.service(table);
}

/// The same for a process without the role `web`: only what those who run it ask.
pub fn configure_operations(config: &mut web::ServiceConfig) {
    let nothing_else =
        || std::future::ready(Err::<&str, _>(ApiError::NotFound { what: "the address".to_owned() }));
    let table = web::scope("")
        .wrap(from_fn(guard::guard))
        .wrap(from_fn(guard::admit))
        .wrap(from_fn(answer::complete))
        .configure(operations)
        .default_service(web::to(nothing_else));
    config.service(table);
}

fn operations(config: &mut web::ServiceConfig) {
    config
        .service(at("/api/v1/system", "GET, HEAD").route(get().to(system::show)))
        .service(at("/api/v1/system/errors", "GET, HEAD").route(get().to(system::errors)))
        .service(at("/api/v1/models/reload", "POST").route(web::post().to(models::reload)))
        .service(at("/health", "GET, HEAD").route(get().to(health::health)))
        .service(at("/livez", "GET, HEAD").route(get().to(health::live)))
        .service(at("/readyz", "GET, HEAD").route(get().to(health::ready)))
        .service(at("/metrics", "GET, HEAD").route(get().to(system::prometheus)));
}

/// An address; `allow` is what is said to other methods than those of its routes.
fn at(path: &str, allow: &'static str) -> Resource {
    let refuse = move || std::future::ready(Err::<&str, _>(ApiError::MethodNotAllowed { allow }));
    web::resource(path).default_service(web::to(refuse))
}

/// Reading, also of the headers alone.
fn get() -> Route {
    web::route().guard(guards::Any(guards::Get()).or(guards::Head()))
}
