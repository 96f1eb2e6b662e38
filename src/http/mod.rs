//! The calls of DESIGN.md, section 3, and the dashboard.

pub mod answer; // what every answer carries
pub mod dashboard; // the dashboard's files
pub mod error; // what a client is told when a call fails
pub mod extract; // what handlers take out of a request
pub mod guard; // who may ask
mod health; // whether the process lives
mod ingest; // the body of a batch of posts, taken apart
pub mod state; // what every handler can reach
mod system; // how the pipeline is

use actix_web::middleware::{Compress, from_fn};
use actix_web::{Resource, Route, guard as guards, web};

use self::error::ApiError;

/// Every address this server knows, and who answers there. Needs [`state::AppState`] as application data.
pub fn configure(config: &mut web::ServiceConfig) {
    let table = web::scope("")
        // The last one added sees a request first.
        .wrap(Compress::default())
        .wrap(from_fn(guard::guard))
        .wrap(from_fn(answer::complete))
        .service(at("/api/v1/system", "GET, HEAD").route(get().to(system::show)))
        .service(at("/health", "GET, HEAD").route(get().to(health::health)))
        .service(at("/livez", "GET, HEAD").route(get().to(health::live)))
        .service(at("/readyz", "GET, HEAD").route(get().to(health::ready)))
        .default_service(web::to(dashboard::serve));
    config.service(table);
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
