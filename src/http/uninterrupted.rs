//! Middleware that lets calls run to their end when the client disconnects.

use std::panic::resume_unwind;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::ErrorInternalServerError;
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{Error, rt};

/// Calls that are made thousands of times a second and leave no entry in the audit log.
const FREQUENT: [&str; 2] = ["/api/v1/posts", "/api/v1/score"];

/// Middleware that runs calls which may change something in tasks of their own.
///
/// When a connection breaks, actix drops the handler wherever it waits. A client could so prevent the audit log's entry of
/// a change that has just been made.
///
/// # Errors
/// If the call fails.
pub async fn run<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
    if is_reading || FREQUENT.contains(&request.path()) {
        return next.call(request).await;
    }
    // unsupervised: a call ends, and the connection waits for it while it lives
    match rt::spawn(next.call(request)).await {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(error) => Err(ErrorInternalServerError(error)),
    }
}
