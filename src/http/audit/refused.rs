//! Requests that were refused because of a missing, wrong or insufficient credential.

use actix_web::HttpMessage as _;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;

use crate::auth::audit::refusals::Refusal;
use crate::http::client_address::ClientAddress;
use crate::http::state::AppState;
use crate::models::account::Email;
use crate::models::audit::AuditActor;
use crate::models::principal::Principal;

/// Account whose password somebody failed to present, kept in the extensions of the request.
#[derive(Debug)]
pub struct FailedSignIn(pub Email);

/// Counts the request for the audit log if the response refuses it.
pub fn note(response: &ServiceResponse) {
    let (status, request) = (response.status(), response.request());
    let account = request.extensions().get::<FailedSignIn>().map(|failed| failed.0.as_str().to_owned());
    // Who is signed in and presents a wrong password to change it gets a 422.
    if account.is_none() && ![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status) {
        return;
    }
    let Some(state) = request.app_data::<Data<AppState>>() else {
        return;
    };
    state.auditor.refuse(Refusal {
        actor: AuditActor::of(request.extensions().get::<Principal>()),
        from: ClientAddress::of(request),
        account,
        status: status.as_u16(),
        method: request.method().to_string(),
        route: request.match_pattern().unwrap_or_else(|| "other".to_owned()),
    });
}
