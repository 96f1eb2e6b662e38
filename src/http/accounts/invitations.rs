//! Handlers that invite people, and with which they accept.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::users::{email_taken, needs_admin, too_many};
use super::{BODY_BYTES_MAX, link_ended, weak};
use crate::auth::links::{Acceptation, Choice, Invite};
use crate::auth::mail_queue::MailJob;
use crate::auth::owner::owner_of;
use crate::http::access::{Admin, Anyone};
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, ActorHeader, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::account::User;
use crate::models::audit::Action;
use crate::models::id::InvitationId;
use crate::models::invitation::{Invitation, NewInvitation};
use crate::models::person_name::PersonName;
use crate::models::principal::Identity;
use crate::notify::account_mail::{self, AccountMail};
use crate::store::accounts::invitations::{self, INVITATIONS_MAX};
use crate::store::page::Page;

/// Maximum number of invitations per page.
const LIMIT_MAX: usize = 500;

/// Page of invitations to return.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InvitationsParameters {
    /// `next_cursor` of the previous page; absent for the first page.
    cursor: Option<String>,
    /// Maximum number of invitations to return, 1 to 500; defaults to 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// Invitation that was just created, with its token, which is shown only once.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedInvitation {
    /// The invitation.
    #[serde(flatten)]
    invitation: Invitation,
    /// Token that accepts the invitation.
    token: String,
    /// Link to pass on: a URL, or a path of the dashboard if its public URL is not configured.
    link: String,
    /// Whether the link is also mailed to the address.
    mailed: bool,
}

/// Invitation to accept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptedInvitation {
    /// Token from the link.
    #[schema(max_length = 200)]
    token: String,
    /// Password of the new account, 12 to 1,024 characters; passwords that are easy to guess are refused.
    #[schema(min_length = 12, max_length = 1024, format = Password)]
    password: String,
    /// Display name.
    #[serde(default)]
    name: Option<PersonName>,
}

/// List open invitations, newest first
#[utoipa::path(get, path = "/api/v1/invitations", tag = "invitations", operation_id = "list_invitations",
    params(InvitationsParameters), responses(
    (status = 200, body = Page<Invitation>, description = "A page of the invitations that can still be accepted"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn list(
    _: Admin,
    state: Data<AppState>,
    Parameters(parameters): Parameters<InvitationsParameters>,
) -> Result<Json<Page<Invitation>>, ApiError> {
    let limit = extract::limit(parameters.limit, LIMIT_MAX)?;
    let page = (parameters.cursor.as_deref(), limit);
    Ok(Json(invitations::list(&state.store, page, Timestamp::now()).await?))
}

/// Invite a person
///
/// The person creates an account with this role and plan by choosing a password, once, within seven days. The link is
/// mailed if a mail server and the public URL of the dashboard are configured. Only this response contains the token.
/// The invitation replaces an earlier one for the same address. It works only while the person who created it, or who
/// owns the API key that did, is an active administrator.
#[utoipa::path(post, path = "/api/v1/invitations", tag = "invitations", operation_id = "create_invitation",
    params(ActorHeader), request_body = NewInvitation, responses(
    (status = 201, body = CreatedInvitation, description = "The invitation and its token"),
    (status = 400, body = ErrorBody, description = "The body is not JSON, or the actor is not a name"),
    (status = 409, body = ErrorBody, description = "An account has this address (`email_taken`)"),
    (status = 413, body = ErrorBody, description = "The body is too large, or the limit of 200 open invitations is reached"),
    (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn create(
    Admin(principal): Admin,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let stamp = extract::stamp(&request)?;
    let invited_by = owner_of(&state.store, principal.identity, stamp.at).await?.owner;
    let new: NewInvitation = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    let (invitation, token) = match state.accounts.invite(new, (&stamp, invited_by)).await? {
        Invite::Done { invitation, token } => (invitation, token),
        Invite::EmailTaken => return Err(email_taken()),
        Invite::TooMany => {
            let limit = INVITATIONS_MAX.unsigned_abs();
            return Err(ApiError::TooLarge { limit, what: "open invitations" });
        }
    };
    Trail::of(&request)?.created(Action::InvitationCreated, invitation.id, &invitation).await?;
    let link = account_mail::invitation_link(state.messenger.dashboard().as_deref(), &token);
    let mail = AccountMail::Invitation { invitation: invitation.clone(), token: token.clone() };
    let job = MailJob::Send { to: invitation.email.clone(), mail };
    // If the queue is full, the admin still has the link.
    let mailed = state.account_mail.offer(job).unwrap_or(false);
    Ok(HttpResponse::Created().json(CreatedInvitation { invitation, token, link, mailed }))
}

/// Revoke an invitation
#[utoipa::path(delete, path = "/api/v1/invitations/{id}", tag = "invitations", operation_id = "revoke_invitation",
    params(("id" = InvitationId, Path, description = "Id of the invitation")),
    responses(
        (status = 204, description = "The invitation was revoked"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The invitation does not exist, or was accepted"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn revoke(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    trail: Trail,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let id: InvitationId = extract::id(&path)?;
    if let Some(invitation) = invitations::revoke(&state.store, id).await? {
        trail.deleted(Action::InvitationRevoked, id, &invitation).await?;
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(ApiError::NotFound { what: format!("invitation `{id}`") })
}

/// Accept an invitation
///
/// Creates the account. Sign in afterwards.
#[utoipa::path(post, path = "/api/v1/auth/invitation", tag = "auth", operation_id = "accept_invitation",
    request_body = AcceptedInvitation, responses(
    (status = 201, body = User, description = "The new account"),
    (status = 409, body = ErrorBody,
        description = "The invitation has ended (`link_ended`), another account has this address by now (`email_taken`), or the \
            first account is not an admin's (`first_admin`)"),
    (status = 413, body = ErrorBody, description = "The body is too large, or the limit of 10,000 accounts is reached"),
    (status = 422, body = ErrorBody, description = "A field is invalid, or the password is easy to guess; see `details.field`"),
    (status = 429, body = ErrorBody, description = "Too many passwords are being hashed"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn accept(
    _: Anyone,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let AcceptedInvitation { token, password, name } =
        extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    match state.accounts.accept(Choice { token, password, name }, Timestamp::now()).await? {
        Acceptation::Done(user) => {
            let trail = Trail::of(&request)?.by(Identity::User(user.id)).await;
            trail.created(Action::UserCreated, user.id, &user).await?;
            Ok(HttpResponse::Created().json(user))
        }
        Acceptation::Ended => Err(link_ended()),
        Acceptation::EmailTaken => Err(email_taken()),
        Acceptation::TooMany => Err(too_many()),
        Acceptation::Weak(reason) => Err(weak(reason)),
        Acceptation::NeedsAdmin => Err(needs_admin()),
    }
}
