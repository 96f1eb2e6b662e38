//! Handlers that tell callers who they are, and what the installation requires of them.

use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::access::{Anyone, Identified};
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::account::User;
use crate::models::plan::Plan;
use crate::models::principal::{Identity, Principal, Role, Scope};
use crate::store::accounts::users;

/// Kind of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentityKind {
    /// Caller of an installation that requires no credential.
    LocalOperator,
    /// Holder of the operator's token.
    Operator,
    /// Holder of a share link.
    ShareHolder,
    /// Person with an account.
    User,
    /// Holder of an API key.
    ApiKey,
    /// Program with credentials of its own.
    Client,
}

impl From<Identity> for IdentityKind {
    fn from(identity: Identity) -> Self {
        match identity {
            Identity::LocalOperator => Self::LocalOperator,
            Identity::Operator => Self::Operator,
            Identity::ShareHolder(_) => Self::ShareHolder,
            Identity::User(_) => Self::User,
            Identity::ApiKey(_) => Self::ApiKey,
            Identity::Client(_) => Self::Client,
        }
    }
}

/// Whether callers need a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInRule {
    /// Callers must sign in or present a credential.
    Required,
    /// Callers without a credential may do everything, because there are no accounts yet.
    Open,
}

/// Who the caller is, and what the caller may do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Kind of caller.
    pub identity: IdentityKind,
    /// Account of the caller; null for callers without one.
    pub user: Option<User>,
    /// Role of the caller, or of the owner of the credential.
    pub role: Role,
    /// Kinds of access that the presented credential grants.
    pub scopes: Vec<Scope>,
    /// Plan whose limits apply.
    pub plan: Plan,
    /// Whether callers need a credential.
    pub sign_in: SignInRule,
}

impl Me {
    /// Describes a principal, with the account if it has one.
    pub fn new(principal: &Principal, user: Option<User>, state: &AppState) -> Self {
        let sign_in = if state.authenticator.is_open() { SignInRule::Open } else { SignInRule::Required };
        Self {
            identity: principal.identity.into(),
            user,
            role: principal.role,
            scopes: principal.scopes.into(),
            plan: principal.plan,
            sign_in,
        }
    }
}

/// What the installation requires before anybody has signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuthState {
    /// Whether there are no accounts yet, so that the code from the server's log can create the first one.
    pub setup_required: bool,
    /// Whether callers must sign in or present a credential.
    pub sign_in_required: bool,
    /// Whether links that set a new password are mailed; if not, an admin has to make one.
    pub mail: bool,
}

/// Get what the installation requires of callers
///
/// For the dashboard, which asks before anybody has signed in. A new account counts in every process within five seconds.
#[utoipa::path(get, path = "/api/v1/auth/state", tag = "auth", operation_id = "get_auth_state", responses(
    (status = 200, body = AuthState, description = "What the installation requires"),
))]
pub async fn state(_: Anyone, state: Data<AppState>, _: Parameters<EmptyQuery>) -> Json<AuthState> {
    let setup_required = !state.authenticator.has_users();
    let (sign_in_required, mail) = (!state.authenticator.is_open(), state.messenger.sends_account_mail());
    Json(AuthState { setup_required, sign_in_required, mail })
}

/// Get who the caller is and what the caller may do
#[utoipa::path(get, path = "/api/v1/auth/me", tag = "auth", operation_id = "get_me", responses(
    (status = 200, body = Me, description = "The caller"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn me(
    Identified(principal): Identified,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Me>, ApiError> {
    let user = match principal.identity {
        Identity::User(id) => users::get(&state.store, id).await?,
        _ => None,
    };
    Ok(Json(Me::new(&principal, user, &state)))
}
