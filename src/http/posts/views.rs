//! Handlers that manage saved views.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};

use crate::http::access::{Analyst, Viewer};
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, ActorHeader, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::hidden_characters::is_hidden;
use crate::models::id::ViewId;
use crate::models::new_post::Rejection;
use crate::models::saved_view::{NAME_CHARS_MAX, NewView, QUERY_CHARS_MAX, SavedView};
use crate::store::page::Page;
use crate::store::views::{self, VIEWS_MAX};

/// Maximum body size in bytes: a name and a query, with room for JSON escapes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// List saved views, ordered by name
#[utoipa::path(get, path = "/api/v1/views", tag = "views", operation_id = "list_views", responses(
    (status = 200, body = Page<SavedView>, description = "All views"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn list(
    _: Viewer,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Page<SavedView>>, ApiError> {
    Ok(Json(views::list(&state.store).await?))
}

/// Save a view
#[utoipa::path(post, path = "/api/v1/views", tag = "views", operation_id = "create_view", params(ActorHeader), request_body = NewView, responses(
    (status = 201, body = SavedView, description = "The saved view"),
    (status = 413, body = ErrorBody, description = "The limit of 500 views is reached"),
    (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn create(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let stamp = extract::stamp(&request)?;
    let new = sent(&request, payload).await?;
    let limit = u64::try_from(VIEWS_MAX).unwrap_or(u64::MAX);
    let saved = views::create(&state.store, &new, &stamp).await?;
    let saved = saved.ok_or(ApiError::TooLarge { limit, what: "saved views" })?;
    Ok(HttpResponse::Created().json(saved))
}

/// Replace a saved view
#[utoipa::path(put, path = "/api/v1/views/{id}", tag = "views", operation_id = "update_view", request_body = NewView,
    params(("id" = ViewId, Path, description = "Id of the view"), ActorHeader),
    responses(
        (status = 200, body = SavedView, description = "The saved view"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The view does not exist"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn update(
    _: Analyst,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<SavedView>, ApiError> {
    let (id, stamp) = (extract::id(&path)?, extract::stamp(&request)?);
    let new = sent(&request, payload).await?;
    let saved = views::update(&state.store, id, &new, &stamp).await?;
    saved.map(Json).ok_or_else(|| ApiError::NotFound { what: format!("view `{id}`") })
}

/// Delete a saved view
#[utoipa::path(delete, path = "/api/v1/views/{id}", tag = "views", operation_id = "delete_view",
    params(("id" = ViewId, Path, description = "Id of the view")),
    responses(
        (status = 204, description = "The view was deleted"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The view does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn delete(_: Analyst, state: Data<AppState>, path: Path<String>) -> Result<HttpResponse, ApiError> {
    let id = extract::id(&path)?;
    if views::delete(&state.store, id).await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(ApiError::NotFound { what: format!("view `{id}`") })
}

async fn sent(request: &HttpRequest, payload: Payload) -> Result<NewView, ApiError> {
    checked(extract::json_body(request, payload, BODY_BYTES_MAX).await?)
}

fn checked(new: NewView) -> Result<NewView, ApiError> {
    let wrong = |field: &str, message: String| {
        Err(ApiError::Rejected(Rejection { code: "invalid_field", field: field.to_owned(), message }))
    };
    let name = new.name.trim();
    if name.is_empty() || new.name.chars().count() > NAME_CHARS_MAX || name.chars().any(is_hidden) {
        return wrong(
            "name",
            format!("the name must be 1 to {NAME_CHARS_MAX} characters, without control characters"),
        );
    }
    if new.query.chars().count() > QUERY_CHARS_MAX || new.query.chars().any(is_hidden) {
        let message =
            format!("the query must be at most {QUERY_CHARS_MAX} characters, without control characters");
        return wrong("query", message);
    }
    Ok(NewView { name: name.to_owned(), ..new })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::saved_view::ViewPage;

    #[test]
    fn a_name_must_fit_a_menu_and_a_query_a_url() {
        let refused = |name: &str, query: &str, field: &str| {
            let new = NewView { name: name.to_owned(), page: ViewPage::Live, query: query.to_owned() };
            let refusal = checked(new).unwrap_err();
            assert!(matches!(&refusal, ApiError::Rejected(wrong) if wrong.field == field), "{refusal}");
        };
        refused("  ", "", "name");
        refused(&"x".repeat(101), "", "name");
        refused("a\0b", "", "name");
        refused("a", &"x".repeat(4_001), "query");
        refused("a", "q=a\nb", "query");
        let new = NewView { name: " a ".to_owned(), page: ViewPage::Live, query: "q=ü".to_owned() };
        assert_eq!(checked(new).unwrap().name, "a");
    }
}
