//! Middleware of routes that counts calls against their callers' quotas (`auth::limits`).
//!
//! Responses to callers with a quota say what is left of it in `RateLimit-Limit`, `RateLimit-Remaining` and
//! `RateLimit-Reset`, the fields of draft-ietf-httpapi-ratelimit-headers up to its revision 06, which clients understand.
//! Later revisions, none of them final, put the same figures into two structured fields.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, HttpMessage as _, ResponseError as _, Route, web};

use super::access::Access;
use super::client_address::ClientAddress;
use super::error::ApiError;
use super::response_headers::{RATE_LIMIT, RATE_LIMIT_REMAINING, RATE_LIMIT_RESET};
use super::state::AppState;
use crate::auth::limits::{Caller, RouteClass, Verdict};
use crate::models::principal::Principal;

const THIS_MACHINE: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Middleware that finds out where a request comes from, and keeps the [`ClientAddress`] in its extensions. A request
/// without a peer, as over a Unix socket, counts as coming from this machine.
pub async fn find_client(
    state: web::Data<AppState>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let peer = request.peer_addr().map_or(THIS_MACHINE, |peer| peer.ip());
    let client = state.params.proxies.client(peer, request.headers());
    request.extensions_mut().insert(client);
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

/// Returns the class of routes that are not assigned to another one.
pub(super) fn class_of(method: &Method, needs: Access) -> RouteClass {
    match needs {
        Access::Ingest => RouteClass::Ingest,
        Access::Analyze => RouteClass::Analyze,
        _ if matches!(*method, Method::GET | Method::HEAD) => RouteClass::Read,
        _ => RouteClass::Write,
    }
}

/// Limits calls of the route before its handler runs.
pub(super) fn limited(route: Route, class: RouteClass) -> Route {
    route.wrap(from_fn(move |request: ServiceRequest, next: Next<BoxBody>| limit(class, request, next)))
}

async fn limit(
    class: RouteClass,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let state = request.app_data::<web::Data<AppState>>().cloned();
    let limits = state.as_ref().and_then(|state| state.rate_limits.as_ref());
    let (Some(limits), Some(caller)) = (limits, caller_of(&request, class)) else {
        return next.call(request).await;
    };
    let verdict = limits.admit(&caller, class, 1).await;
    let mut response = if verdict.is_admitted {
        next.call(request).await?
    } else {
        let refusal = ApiError::RateLimited {
            class: class.as_str(),
            limit: verdict.n_limit.into(),
            retry_after_s: whole_seconds(verdict.retry_after).max(1),
        };
        request.into_response(refusal.error_response())
    };
    add_headers(response.headers_mut(), &verdict);
    Ok(response)
}

fn caller_of(request: &ServiceRequest, class: RouteClass) -> Option<Caller> {
    let extensions = request.extensions();
    let address = extensions.get::<ClientAddress>().map(|address| address.network());
    let address = address.unwrap_or(THIS_MACHINE);
    if class == RouteClass::SignIn {
        return Some(Caller::address(address));
    }
    Caller::of(extensions.get::<Principal>(), address)
}

fn add_headers(headers: &mut HeaderMap, verdict: &Verdict) {
    headers.insert(RATE_LIMIT, HeaderValue::from(verdict.n_limit));
    headers.insert(RATE_LIMIT_REMAINING, HeaderValue::from(verdict.n_left));
    headers.insert(RATE_LIMIT_RESET, HeaderValue::from(whole_seconds(verdict.full_after)));
}

/// Rounds up, so that a caller who waits that long is admitted.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}
