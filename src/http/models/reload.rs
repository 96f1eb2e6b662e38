//! Handler that reloads the models.

use std::sync::Arc;

use actix_web::web::{self, Data, Json};
use serde::Serialize;
use tracing::{info, warn};
use utoipa::ToSchema;

use crate::http::access::Admin;
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::inference::{NotReloaded, Reloaded};
use crate::models::audit::Action;
use crate::models::new_post::Rejection;
use crate::models::score::ModelId;

/// Models in use after a reload.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReloadAnswer)]
pub struct ReloadResponse {
    /// Models that were reloaded, one per tier.
    items: Vec<ReloadedModel>,
    /// Human-readable reason why there is no deep model; null if there is one. Adding one that was missing at startup
    /// requires a restart.
    without_deep: Option<String>,
}

/// Model that was reloaded for one tier.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReloadedModel {
    /// `swift` or `deep`.
    tier: &'static str,
    /// Model in use before the reload.
    before: ModelId,
    /// Model in use from the next batch onwards.
    after: ModelId,
}

/// Reload the models from their directories
///
/// Each model is checked against its manifest and must score a text before it is used; no post is lost or delayed. If
/// any model fails, all models stay as they are. Only the process that receives the call reloads its models.
#[utoipa::path(post, path = "/api/v1/models/reload", tag = "operations", operation_id = "reload_models", responses(
    (status = 200, body = ReloadResponse, description = "The models that are used from the next batch onwards"),
    (status = 400, body = ErrorBody, description = "The call takes no parameters"),
    (status = 422, body = ErrorBody, description = "A model cannot be used; its tier is in `details.field`"),
))]
pub async fn reload(
    _: Admin,
    state: Data<AppState>,
    trail: Trail,
    _: Parameters<EmptyQuery>,
) -> Result<Json<ReloadResponse>, ApiError> {
    let models = Arc::clone(&state.models);
    // Loading and trying a model would block other requests on this thread.
    let reloaded = web::block(move || models.reload()).await.map_err(ApiError::internal)?;
    let reloaded = reloaded.inspect_err(|refusal| warn!(%refusal, "the models were not reloaded"))?;
    for Reloaded { tier, before, after } in &reloaded {
        let (before, after) = (&before.version, &after.version);
        info!(tier = tier.as_str(), before, after, "model reloaded");
    }
    let without_deep = state.models.deep().err().map(|why| format!("{why}; restart to add a deep model"));
    let response =
        ReloadResponse { items: reloaded.into_iter().map(ReloadedModel::from).collect(), without_deep };
    trail.created(Action::ModelsReloaded, "models", &response).await?;
    Ok(Json(response))
}

impl From<Reloaded> for ReloadedModel {
    fn from(reloaded: Reloaded) -> Self {
        let Reloaded { tier, before, after } = reloaded;
        Self { tier: tier.as_str(), before: ModelId::clone(&before), after: ModelId::clone(&after) }
    }
}

impl From<NotReloaded> for ApiError {
    fn from(refusal: NotReloaded) -> Self {
        Self::Rejected(Rejection {
            code: "model_refused",
            field: refusal.tier.as_str().to_owned(),
            message: refusal.to_string(),
        })
    }
}
