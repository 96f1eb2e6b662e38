//! What sources ask their networks for.

use actix_web::web::{Data, Json, Path};

use super::found;
use crate::connectors::following;
use crate::http::access::Viewer;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::id::SourceId;
use crate::models::source::Source;
use crate::models::source::following::SourceQueries;
use crate::models::topic::Topic;
use crate::store::topics;

/// Get the queries of a source
///
/// What it asks its network for: the queries or hashtags of its settings and, if it follows topics, what these add. The
/// source uses them within a few seconds of a change. Parts of topics that the network cannot be asked for are listed with
/// the reason.
#[utoipa::path(get, path = "/api/v1/sources/{id}/queries", tag = "sources", operation_id = "get_source_queries",
    params(("id" = SourceId, Path, description = "Id of the source")),
    responses(
        (status = 200, body = SourceQueries, description = "What the source asks for, and what it leaves out"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The source does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn get(
    _: Viewer,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<SourceQueries>, ApiError> {
    let source = found(&state, extract::id(&path)?).await?;
    let topics = followed_by(&state, &source).await?;
    Ok(Json(following::queries(source.network, &source.settings, &topics)))
}

/// Returns the topics that a source may follow; none if it follows none.
pub async fn followed_by(state: &AppState, source: &Source) -> Result<Vec<Topic>, ApiError> {
    match source.settings.follow_topics {
        Some(true) => Ok(topics::list(&state.store).await?),
        _ => Ok(Vec::new()),
    }
}
