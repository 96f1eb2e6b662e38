//! Handler that creates the first account.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::whoami::Me;
use super::{BODY_BYTES_MAX, client_address, origin_of, sign_in};
use crate::auth::accounts::{FirstAdmin, SetUp, SignInOrigin};
use crate::http::access::Anyone;
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract;
use crate::http::state::AppState;
use crate::models::account::Email;
use crate::models::audit::Action;
use crate::models::person_name::PersonName;
use crate::models::principal::Identity;

/// First account, and the code that proves access to the server.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupRequest {
    /// Code from the server's log.
    #[schema(max_length = 64)]
    code: String,
    /// Address with which the person signs in.
    email: Email,
    /// Password, at least 12 characters.
    #[schema(format = Password, min_length = 12, max_length = 1024)]
    password: String,
    /// Display name.
    #[serde(default)]
    name: Option<PersonName>,
}

/// Create the first account
///
/// Makes the person an administrator and signs them in. The code is in the log of the server, which shows it at every start
/// until there is an account. From then on, all calls but health checks and signing in require a credential, in every
/// process within five seconds.
#[utoipa::path(post, path = "/api/v1/auth/setup", tag = "auth", operation_id = "set_up",
    request_body = SetupRequest,
    responses(
        (status = 201, body = Me, description = "The account exists, and the person has signed in",
            headers(("set-cookie" = String, description = "Cookies of the session and of the device"))),
        (status = 401, body = ErrorBody, description = "The code is wrong (`wrong_setup_code`)"),
        (status = 409, body = ErrorBody, description = "There are accounts already (`already_set_up`)"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 429, body = ErrorBody, description = "Too many codes were wrong (`too_many_attempts`), or too many people \
            are signing in; retry after `Retry-After` seconds"),
        (status = 503, body = ErrorBody, description = "PostgreSQL or Redis is unavailable"),
    ))]
pub async fn set_up(
    _: Anyone,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let SetupRequest { code, email, password, name } =
        extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    let admin = FirstAdmin { email, password, name };
    match state.accounts.set_up(&code, admin, client_address(&request), Timestamp::now()).await? {
        SetUp::Done(user) => {
            let trail = Trail::of(&request)?.by(Identity::User(user.id)).await;
            trail.created(Action::UserCreated, user.id, &*user).await?;
            // No device is known to an account that has just been created.
            let origin = SignInOrigin { device: None, ..origin_of(&request, &state) };
            let signed_in = state.accounts.begin(*user, origin, Timestamp::now()).await?;
            Ok(sign_in::welcome(HttpResponse::Created(), &state, &request, signed_in))
        }
        SetUp::AlreadyDone => {
            let message = "there are accounts already; sign in, or ask an administrator".to_owned();
            Err(ApiError::Conflict { code: "already_set_up", message })
        }
        SetUp::WrongCode => Err(ApiError::WrongSetupCode),
        SetUp::Weak(weak) => Err(ApiError::invalid_field("password", format!("the password {weak}"))),
        SetUp::Wait(wait) => Err(ApiError::too_many_attempts(wait)),
    }
}
