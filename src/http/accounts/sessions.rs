//! Handlers that list and end sessions.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::http::access::{Identified, check_whole};
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, Parameters};
use crate::http::state::AppState;
use crate::models::audit::Action;
use crate::models::id::{SessionId, UserId};
use crate::models::principal::{Grant, Identity, Principal, Role, Scope};
use crate::models::session::Session;
use crate::store::page::Page;

/// Session in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedSession {
    /// The session.
    #[serde(flatten)]
    session: Session,
    /// Whether the request was made in this session.
    is_current: bool,
}

/// Parameters of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SessionParameters {
    /// Person whose sessions are listed; the caller by default. Requires the role `admin` for other people.
    user: Option<UserId>,
}

/// List sessions, newest first
///
/// Callers without an account have no sessions of their own. A credential that grants less than its owner may do is refused.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sessions", operation_id = "list_sessions",
    params(SessionParameters),
    responses(
        (status = 200, body = Page<ListedSession>, description = "The sessions that have not ended"),
        (status = 503, body = ErrorBody, description = "Redis is unavailable"),
    ))]
pub async fn list(
    Identified(principal): Identified,
    state: Data<AppState>,
    Parameters(SessionParameters { user }): Parameters<SessionParameters>,
) -> Result<Json<Page<ListedSession>>, ApiError> {
    check_whole(&principal)?;
    let own = own_account(&principal);
    if user.is_some() && user != own && !manages_all(&principal) {
        return Err(ApiError::Forbidden { what: "role", name: Role::Admin.as_str() });
    }
    let sessions = match user.or(own) {
        Some(user) => state.accounts.sessions().list(user).await?,
        None => Vec::new(),
    };
    let listed = |session: Session| {
        let is_current = principal.grant == Some(Grant::Session(session.id));
        ListedSession { session, is_current }
    };
    Ok(Json(Page { items: sessions.into_iter().map(listed).collect(), next_cursor: None }))
}

/// End a session
///
/// Its live connections end within five seconds, in every process. Only administrators can end another person's session;
/// for everyone else it does not exist. A credential that grants less than its holder may do is refused.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "sessions", operation_id = "end_session",
    params(("id" = SessionId, Path, description = "Id of the session")),
    responses(
        (status = 204, description = "The session has ended"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The session has ended or is another person's"),
        (status = 503, body = ErrorBody, description = "Redis is unavailable"),
    ))]
pub async fn end(
    Identified(principal): Identified,
    state: Data<AppState>,
    path: Path<String>,
    trail: Trail,
) -> Result<HttpResponse, ApiError> {
    check_whole(&principal)?;
    let id: SessionId = extract::id(&path)?;
    let missing = || ApiError::NotFound { what: format!("session `{id}`") };
    let sessions = state.accounts.sessions();
    let session = sessions.get(id).await?.ok_or_else(missing)?;
    if own_account(&principal) != Some(session.user) && !manages_all(&principal) {
        return Err(missing());
    }
    if !sessions.end(id).await? {
        return Err(missing());
    }
    state.end_live(|principal| principal.grant == Some(Grant::Session(id)));
    let owner = [("user", Value::from(session.user.to_string()))];
    trail.record(Action::SessionEnded, Some(id.to_string()), owner).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Returns the account of a person; keys and clients do not act for sessions of their owner.
fn own_account(principal: &Principal) -> Option<UserId> {
    match principal.identity {
        Identity::User(user) => Some(user),
        _ => None,
    }
}

fn manages_all(principal: &Principal) -> bool {
    principal.may(Role::Admin, Scope::Admin)
}
