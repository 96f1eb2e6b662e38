//! Handlers that correct sentiment labels and export the corrections.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::IntoParams;

use super::csv_cell::harmless;
use super::export::{self, Format};
use crate::http::access::{Analyst, Viewer};
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, ActorHeader, Parameters};
use crate::http::state::AppState;
use crate::models::audit::Action;
use crate::models::id::PostId;
use crate::models::label::{BY_CHARS_MAX, LabelCorrection, LabelledPost, NOTE_CHARS_MAX, NewLabel};
use crate::models::new_post::Rejection;
use crate::store::posts::labels;

/// Maximum body size in bytes: a note, with room for JSON escapes.
const BODY_BYTES_MAX: usize = 16 * 1024;

const COLUMNS: &[&str] = &[
    "text",
    "label",
    "model_label",
    "was_label",
    "was_model",
    "lang",
    "post",
    "corrected_at",
    "by",
    "note",
    "was_model_hash",
];

/// Correct a post's sentiment label
///
/// The last correction wins. It is shown beside the model's label, on which all counts and rollups are based. It stays
/// in place even if a better model rescores the post later.
#[utoipa::path(put, path = "/api/v1/posts/{id}/label", tag = "labels", operation_id = "correct_label", request_body = NewLabel,
    params(("id" = PostId, Path, description = "Groundswell's own id for the post"), ActorHeader),
    responses(
        (status = 200, body = LabelCorrection, description = "The stored correction"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The post does not exist"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn correct(
    _: Analyst,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<LabelCorrection>, ApiError> {
    let (uuid, trail) = (extract::id(&path)?, Trail::of(&request)?);
    let mut new = checked(extract::json_body(&request, payload, BODY_BYTES_MAX).await?)?;
    new.by = extract::actor_or_given(&request, new.by)?;
    let made = labels::correct(&state.store, uuid, &new).await?;
    let made = made.ok_or_else(|| ApiError::NotFound { what: format!("post `{uuid}`") })?;
    trail.created(Action::LabelCorrected, uuid, &made).await?;
    Ok(Json(made))
}

/// Remove the correction to a post's label
#[utoipa::path(delete, path = "/api/v1/posts/{id}/label", tag = "labels", operation_id = "take_label_back",
    params(("id" = PostId, Path, description = "Groundswell's own id for the post")),
    responses(
        (status = 204, description = "The correction was removed"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The post has no correction"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn retract(
    _: Analyst,
    state: Data<AppState>,
    path: Path<String>,
    trail: Trail,
) -> Result<HttpResponse, ApiError> {
    let uuid: PostId = extract::id(&path)?;
    if labels::take_back(&state.store, uuid).await? {
        trail.record(Action::LabelRetracted, Some(uuid.to_string()), []).await?;
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(ApiError::NotFound { what: format!("the correction of post `{uuid}`") })
}

/// Format of a label export.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LabelsParameters {
    /// Format of the file, `csv` or `ndjson`; defaults to `ndjson`.
    format: Option<Format>,
}

/// Export corrected posts for training
///
/// Streams the text, corrected label and model label of each post, earliest correction first.
/// `training/train.py --labels` reads both formats. Corrections expire together with their posts.
#[utoipa::path(get, path = "/api/v1/labels/export", tag = "labels", operation_id = "export_labels", params(LabelsParameters), responses(
    (status = 200, content((String = "application/x-ndjson"), (String = "text/csv")), description = "The file"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn export(
    _: Viewer,
    state: Data<AppState>,
    request: HttpRequest,
    Parameters(parameters): Parameters<LabelsParameters>,
) -> Result<HttpResponse, ApiError> {
    let format = parameters.format.unwrap_or(Format::Ndjson);
    let permit = state.exports.acquire(&request)?;
    Trail::of(&request)?.exported(Action::LabelsExported).await?;
    let chunks = labels::export(state.store.clone());
    export::stream(export::File { name: "labels", format, header: COLUMNS }, (chunks, permit), cells).await
}

fn cells(post: &LabelledPost) -> Vec<String> {
    let LabelledPost { text, lang, model_label, correction } = post;
    let LabelCorrection { post, label, note, by, corrected_at, was } = correction;
    let optional = |text: &Option<String>| harmless(text.as_deref().unwrap_or_default());
    vec![
        harmless(text),
        label.as_str().to_owned(),
        model_label.as_str().to_owned(),
        was.label.as_str().to_owned(),
        harmless(&format!("{} {}", was.model.name, was.model.version)),
        optional(lang),
        post.to_string(),
        corrected_at.to_string(),
        optional(by),
        optional(note),
        was.model.hash.clone(),
    ]
}

/// Validates a correction and drops blank texts.
fn checked(new: NewLabel) -> Result<NewLabel, ApiError> {
    let short = |field: &str, text: Option<String>, most: usize| {
        if text.as_ref().is_some_and(|text| text.chars().count() > most || text.contains('\0')) {
            let message = format!("`{field}` must be at most {most} characters, without NUL");
            return Err(ApiError::Rejected(Rejection {
                code: "invalid_field",
                field: field.to_owned(),
                message,
            }));
        }
        Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
    };
    Ok(NewLabel {
        label: new.label,
        note: short("note", new.note, NOTE_CHARS_MAX)?,
        by: short("by", new.by, BY_CHARS_MAX)?,
    })
}
