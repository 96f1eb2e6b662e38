//! The models that score, read again while they do.

use std::sync::Arc;

use actix_web::web::{self, Data, Json};
use serde::Serialize;
use tracing::{info, warn};
use utoipa::ToSchema;

use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{NoParameters, Parameters};
use crate::http::state::AppState;
use crate::inference::{NotReloaded, Reloaded};
use crate::models::new_post::Rejection;
use crate::models::score::ModelId;

/// What became of the models.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReloadAnswer {
    /// One for each tier that has a model.
    items: Vec<ReloadedModel>,
    /// Why there is no deep model. One that was missing when the process started is taken in by a restart only.
    without_deep: Option<String>,
}

/// What became of one tier's model.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReloadedModel {
    /// `swift` or `deep`.
    tier: &'static str,
    /// The model that answered until now.
    before: ModelId,
    /// The model that answers from the next batch on.
    after: ModelId,
}

/// Read the models again from their folders
///
/// Each is checked against its manifest and scores a text before it is used; no post is lost or waits. When one
/// cannot be used all stay as they were. Only the process that is asked does so.
#[utoipa::path(post, path = "/api/v1/models/reload", tag = "operations", operation_id = "reload_models", responses(
    (status = 200, body = ReloadAnswer, description = "They answer from the next batch on"),
    (status = 400, body = ErrorBody, description = "There are no parameters"),
    (status = 422, body = ErrorBody, description = "A model cannot be used, its tier is named in `details.field`"),
))]
pub async fn reload(
    state: Data<AppState>,
    _: Parameters<NoParameters>,
) -> Result<Json<ReloadAnswer>, ApiError> {
    let models = Arc::clone(&state.models);
    // Reading and trying a model takes long enough to hold up others on this thread.
    let reloaded = web::block(move || models.reload()).await.map_err(ApiError::internal)?;
    let reloaded = reloaded.inspect_err(|refusal| warn!(%refusal, "the models were not reloaded"))?;
    for Reloaded { tier, before, after } in &reloaded {
        let (before, after) = (&before.version, &after.version);
        info!(tier = tier.as_str(), before, after, "model reloaded");
    }
    let without_deep = state.models.deep().err().map(|why| format!("{why}; a deep model needs a restart"));
    Ok(Json(ReloadAnswer { items: reloaded.into_iter().map(ReloadedModel::from).collect(), without_deep }))
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
