//! Handlers that rotate the secrets of webhooks and try their mappings.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::deliveries;
use crate::connectors::webhook::Delivery;
use crate::http::access::Admin;
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, ActorHeader, EmptyQuery, Parameters};
use crate::http::notifications::channel_request::require_persistent_key;
use crate::http::posts::ingest_body::RejectedPost;
use crate::http::state::AppState;
use crate::models::audit::Action;
use crate::models::id::SourceId;
use crate::models::new_post::NewPost;
use crate::models::object::object;
use crate::models::source::{Network, RevealedSource, SourceSettings};
use crate::notify::settings;
use crate::store::sources::webhook;

/// Maximum size of a body with a sample in bytes: room for a page of posts from any system.
const SAMPLE_BYTES_MAX: usize = 512 * 1024;

/// Settings of a webhook, and a sample delivery to apply them to.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingSample {
    /// Settings of the source.
    #[serde(deserialize_with = "object")]
    pub settings: SourceSettings,
    /// Sample of a delivery.
    pub sample: Value,
}

/// Result of applying a mapping to a sample.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MappingPreview {
    /// Posts that would be stored, in the order of the items.
    pub posts: Vec<NewPost>,
    /// Items that would be rejected, each with the reason.
    pub rejected: Vec<RejectedPost>,
}

/// Rotate the secret of a webhook
///
/// The previous secret is no longer accepted. Only this response reveals the new one.
#[utoipa::path(post, path = "/api/v1/sources/{id}/rotate-secret", tag = "sources", operation_id = "rotate_source_secret",
    params(("id" = SourceId, Path, description = "Id of the source"), ActorHeader),
    responses(
        (status = 200, body = RevealedSource, description = "The source"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The source does not exist"),
        (status = 409, body = ErrorBody,
            description = "The source is not a webhook (`no_secret`), or there is no key to encrypt secrets with (`no_secret_key`)"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn rotate_secret(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    _: Parameters<EmptyQuery>,
) -> Result<Json<RevealedSource>, ApiError> {
    let (id, stamp) = (extract::id(&path)?, extract::stamp(&request)?);
    let trail = Trail::of(&request)?;
    if super::found(&state, id).await?.network != Network::Webhook {
        return Err(ApiError::Conflict {
            code: "no_secret",
            message: "only webhooks have a secret to rotate".to_owned(),
        });
    }
    let (secret, sealed) = new_secret(&state, id)?;
    let outcome = webhook::reseal(&state.store, id, &sealed, &stamp).await?;
    let source = super::stored(outcome, Some(id))?;
    trail.record(Action::SourceSecretRotated, Some(id.to_string()), []).await?;
    Ok(Json(RevealedSource { source, secret: Some(secret) }))
}

/// Try a mapping on a sample
///
/// Returns the posts that the sample would produce. Nothing is stored.
#[utoipa::path(post, path = "/api/v1/sources/preview-mapping", tag = "sources", operation_id = "preview_mapping",
    request_body = MappingSample,
    responses(
        (status = 200, body = MappingPreview, description = "The posts that the sample would produce"),
        (status = 400, body = ErrorBody, description = "The body is not JSON"),
        (status = 413, body = ErrorBody, description = "The body exceeds 512 KiB or 10,000 items"),
        (status = 422, body = ErrorBody, description = "A field is invalid, or there is nothing at the position of the items"),
    ))]
pub async fn preview_mapping(
    _: Admin,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let MappingSample { settings, sample } = extract::json_body(&request, payload, SAMPLE_BYTES_MAX).await?;
    super::check_settings(&state, Network::Webhook, &settings)?;
    let delivery = Delivery { source: SourceId::from_u128(0), id: "sample", settings: &settings };
    let context = deliveries::context(&state, delivery.source, Timestamp::now());
    let sorted = deliveries::sort(sample.to_string().as_bytes(), &delivery, &context)?;
    let posts = sorted.accepted.into_iter().map(|accepted| accepted.post).collect();
    Ok(HttpResponse::Ok().json(MappingPreview { posts, rejected: sorted.rejected }))
}

/// Returns a new secret for a source, with its encrypted form.
///
/// # Errors
/// If the key that encrypts it would be lost with the process.
pub(super) fn new_secret(state: &AppState, id: SourceId) -> Result<(String, Vec<u8>), ApiError> {
    require_persistent_key(state)?;
    let secret = settings::new_secret();
    let sealed = state.messenger.keyring().seal(Uuid::from(id).as_bytes(), secret.as_bytes());
    Ok((secret, sealed))
}
