//! Handlers that manage annotations.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::{ApiError, ErrorBody};
use super::extract::{self, ActorHeader, Parameters};
use super::state::AppState;
use crate::http::access::{Analyst, Viewer};
use crate::models::annotation::{Annotation, NewAnnotation, PRODUCT_BYTES_MAX, TEXT_CHARS_MAX};
use crate::models::hidden_characters::is_hidden;
use crate::models::id::AnnotationId;
use crate::models::new_post::Rejection;
use crate::models::person_name::PersonName;
use crate::store::annotations::{self, ANNOTATIONS_MAX};
use crate::store::page::Page;

/// Maximum body size in bytes: a text and a product, with room for JSON escapes.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// Maximum number of annotations per response. A chart cannot show more.
const LIMIT_MAX: usize = 500;

/// Length of the range if none is given.
const RANGE_DEFAULT: SignedDuration = SignedDuration::from_hours(24);

/// Range and product of the annotations to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AnnotationsParameters {
    /// Start of the range in RFC 3339; defaults to a day before its end.
    from: Option<Timestamp>,
    /// End of the range, exclusive, in RFC 3339; defaults to now.
    to: Option<Timestamp>,
    /// Return only annotations about this product and those about no product.
    product: Option<String>,
    /// Maximum number of annotations to return, 1 to 500; defaults to 50. If there are more, the latest are returned.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// List the annotations that touch a range, in order of time
#[utoipa::path(get, path = "/api/v1/annotations", tag = "annotations", operation_id = "list_annotations", params(AnnotationsParameters), responses(
    (status = 200, body = Page<Annotation>, description = "The annotations"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn list(
    _: Viewer,
    state: Data<AppState>,
    Parameters(parameters): Parameters<AnnotationsParameters>,
) -> Result<Json<Page<Annotation>>, ApiError> {
    let limit = extract::limit(parameters.limit, LIMIT_MAX)?;
    let to = parameters.to.unwrap_or_else(Timestamp::now);
    let from = parameters.from.unwrap_or(to.saturating_sub(RANGE_DEFAULT).unwrap_or(to));
    if from >= to {
        return Err(ApiError::invalid("from", "must be before `to`"));
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(Json(annotations::list(&state.store, (from, to), parameters.product.as_deref(), limit).await?))
}

/// Create an annotation
#[utoipa::path(post, path = "/api/v1/annotations", tag = "annotations", operation_id = "create_annotation", params(ActorHeader), request_body = NewAnnotation, responses(
    (status = 201, body = Annotation, description = "The annotation"),
    (status = 400, body = ErrorBody, description = "The body is not JSON, or the actor is not a name"),
    (status = 413, body = ErrorBody, description = "The limit of 2,000 annotations is reached"),
    (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn create(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let new = sent(&request, payload).await?;
    let limit = u64::try_from(ANNOTATIONS_MAX).unwrap_or(u64::MAX);
    let actor = extract::actor(&request)?;
    let created_by = actor.as_ref().map(PersonName::as_str);
    let created = annotations::create(&state.store, &new, created_by).await?;
    let created = created.ok_or(ApiError::TooLarge { limit, what: "annotations" })?;
    Ok(HttpResponse::Created().json(created))
}

/// Replace the content of an annotation
///
/// Restores an annotation that was deleted within the last day.
#[utoipa::path(put, path = "/api/v1/annotations/{id}", tag = "annotations", operation_id = "update_annotation", request_body = NewAnnotation,
    params(("id" = AnnotationId, Path, description = "Id of the annotation"), ActorHeader),
    responses(
        (status = 200, body = Annotation, description = "The annotation"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The annotation does not exist"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn update(
    _: Analyst,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<Annotation>, ApiError> {
    let (id, actor) = (extract::id(&path)?, extract::actor(&request)?);
    let new = sent(&request, payload).await?;
    let updated_by = actor.as_ref().map(PersonName::as_str);
    let updated = annotations::update(&state.store, id, &new, updated_by).await?;
    updated.map(Json).ok_or_else(|| missing(id))
}

/// Delete an annotation
#[utoipa::path(delete, path = "/api/v1/annotations/{id}", tag = "annotations", operation_id = "delete_annotation",
    params(("id" = AnnotationId, Path, description = "Id of the annotation")),
    responses(
        (status = 204, description = "The annotation was deleted"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The annotation does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn delete(_: Analyst, state: Data<AppState>, path: Path<String>) -> Result<HttpResponse, ApiError> {
    let id = extract::id(&path)?;
    if annotations::delete(&state.store, id).await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(missing(id))
}

fn missing(id: AnnotationId) -> ApiError {
    ApiError::NotFound { what: format!("annotation `{id}`") }
}

async fn sent(request: &HttpRequest, payload: Payload) -> Result<NewAnnotation, ApiError> {
    checked(extract::json_body(request, payload, BODY_BYTES_MAX).await?)
}

fn checked(new: NewAnnotation) -> Result<NewAnnotation, ApiError> {
    let wrong = |field: &str, message: String| {
        Err(ApiError::Rejected(Rejection { code: "invalid_field", field: field.to_owned(), message }))
    };
    let text = new.text.trim();
    if text.is_empty() || text.chars().count() > TEXT_CHARS_MAX || text.chars().any(is_hidden) {
        let message =
            format!("the text must be 1 to {TEXT_CHARS_MAX} characters, without control characters");
        return wrong("text", message);
    }
    if let Some(product) = &new.product
        && (product.trim().is_empty() || product.len() > PRODUCT_BYTES_MAX || product.chars().any(is_hidden))
    {
        let message =
            format!("the product must be 1 to {PRODUCT_BYTES_MAX} bytes, without control characters");
        return wrong("product", message);
    }
    // PostgreSQL supports fewer years than jiff.
    let is_storable = |at: Timestamp| at >= Timestamp::UNIX_EPOCH;
    if !is_storable(new.starts_at) {
        return wrong("starts_at", "the start must not be before 1970".to_owned());
    }
    if new.ends_at.is_some_and(|ends_at| ends_at <= new.starts_at) {
        return wrong("ends_at", "the end must be after the start".to_owned());
    }
    Ok(NewAnnotation { text: text.to_owned(), ..new })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> NewAnnotation {
        let starts_at = "2026-11-21T08:40:00Z".parse().unwrap();
        NewAnnotation { text: " launch ".to_owned(), starts_at, ends_at: None, product: None }
    }

    fn refused(new: NewAnnotation, field: &str) {
        let refusal = checked(new).unwrap_err();
        assert!(matches!(&refusal, ApiError::Rejected(wrong) if wrong.field == field), "{refusal}");
    }

    #[test]
    fn the_text_is_trimmed_and_every_field_checked() {
        assert_eq!(checked(new()).unwrap().text, "launch");
        refused(NewAnnotation { text: "  ".to_owned(), ..new() }, "text");
        refused(NewAnnotation { text: "x".repeat(201), ..new() }, "text");
        refused(NewAnnotation { text: "a\nb".to_owned(), ..new() }, "text");
        refused(NewAnnotation { product: Some(" ".to_owned()), ..new() }, "product");
        refused(NewAnnotation { product: Some("x".repeat(129)), ..new() }, "product");
        refused(NewAnnotation { ends_at: Some(new().starts_at), ..new() }, "ends_at");
        refused(NewAnnotation { starts_at: "1969-12-31T23:59:59Z".parse().unwrap(), ..new() }, "starts_at");
    }
}
