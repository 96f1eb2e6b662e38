//! Handlers for the work on posts: status, assignee, tags and notes.

use std::collections::HashSet;

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::access::{Analyst, Viewer};
use crate::http::error::{ApiError, ErrorBody, ErrorResponse};
use crate::http::extract::{self, ActorHeader, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::alert_comment::NewComment;
use crate::models::id::PostId;
use crate::models::new_post::Rejection;
use crate::models::post::ListedPost;
use crate::models::post_work::{
    PostWork, Tag, UsedNames, WorkChange, WorkChanges, WorkHistory, WorkOutcome, WorkResult, WorkStatus,
};
use crate::store::page::Page;
use crate::store::posts::work::{self, NOTES_MAX, Noted, QueueOrder, QueueQuery};

/// Maximum body size in bytes: a note of 2,000 characters, or 40 tags, all in JSON escapes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Maximum number of posts in a bulk change: as many as a person can select, and few enough for one transaction.
const BULK_MAX: usize = 500;

/// Maximum body size of a bulk change in bytes: enough for a screenful of tags for each post.
const BULK_BYTES_MAX: usize = 1024 * 1024;

/// Maximum number of posts per page of the queue.
const LIMIT_MAX: usize = 200;

/// Response to a change that is based on an old revision.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkConflict {
    /// Reason why the change was refused; the code is `work_changed`.
    error: ErrorResponse,
    /// Current state of the work, on which to base the next change.
    current: PostWork,
}

/// Get the work on a post
///
/// A post that nobody has worked on is open, without an assignee or tags, at revision 0.
#[utoipa::path(get, path = "/api/v1/posts/{id}/work", tag = "work", operation_id = "get_post_work",
    params(("id" = PostId, Path, description = "Groundswell's own id for the post")),
    responses(
        (status = 200, body = PostWork, description = "The work on the post"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The post does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn get(
    _: Viewer,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<PostWork>, ApiError> {
    let post = extract::id(&path)?;
    work::get(&state.store, post).await?.map(Json).ok_or_else(|| missing(post))
}

/// Change the work on a post
///
/// Only the fields in the body change. With `revision`, the change applies only if nobody else has changed the work
/// since; otherwise the response is 409 with the current state. A change that is already in effect does nothing, so it
/// is safe to send it again.
#[utoipa::path(patch, path = "/api/v1/posts/{id}/work", tag = "work", operation_id = "change_post_work",
    params(("id" = PostId, Path, description = "Groundswell's own id for the post"), ActorHeader),
    request_body = WorkChange,
    responses(
        (status = 200, body = PostWork, description = "The work after the change"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, the id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The post does not exist"),
        (status = 409, body = WorkConflict, description = "Someone else has changed the work since `revision`"),
        (status = 413, body = ErrorBody, description = "The body is too large, or the post would have more than 20 tags"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn change(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let post = extract::id(&path)?;
    let stamp = extract::stamp(&request)?;
    let change: WorkChange = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    change.check().map_err(ApiError::Rejected)?;
    let result = work::change(&state.store, &[(post, change)], &stamp).await?.pop();
    let Some(WorkResult { outcome, work: Some(work), .. }) = result else {
        return Err(missing(post));
    };
    match outcome {
        WorkOutcome::Changed | WorkOutcome::Unchanged => Ok(HttpResponse::Ok().json(work)),
        WorkOutcome::UnknownPost => Err(missing(post)),
        WorkOutcome::TooManyTags => Err(ApiError::TooLarge { limit: 20, what: "tags" }),
        WorkOutcome::Conflict => {
            let (code, message) = ("work_changed", "someone else has changed the work on this post");
            let error = ErrorResponse { code: code.to_owned(), message: message.to_owned(), details: None };
            Ok(HttpResponse::Conflict().json(WorkConflict { error, current: work }))
        }
    }
}

/// Changes to the work on several posts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkChange {
    /// Posts with their changes, 1 to 500, each post once.
    #[schema(min_items = 1, max_items = 500)]
    items: Vec<BulkItem>,
}

/// Change to the work on one of several posts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkItem {
    /// Groundswell's own id for the post.
    post: PostId,
    /// Change to apply.
    change: WorkChange,
}

/// Results of a bulk change.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkResults {
    /// One result for each item of the request, in the same order.
    items: Vec<WorkResult>,
}

/// Change the work on several posts
///
/// All changes are made in one transaction. Each item has its own result: an unknown post or a conflict does not affect
/// the others. Sending the same request again changes nothing.
#[utoipa::path(post, path = "/api/v1/posts/work", tag = "work", operation_id = "change_work_on_posts",
    params(ActorHeader),
    request_body = BulkChange,
    responses(
        (status = 200, body = BulkResults, description = "The result of each change"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, or the actor is not a name"),
        (status = 413, body = ErrorBody, description = "The body is too large, or has more than 500 items"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn change_many(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<BulkResults>, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let stamp = extract::stamp(&request)?;
    let BulkChange { items } = extract::json_body(&request, payload, BULK_BYTES_MAX).await?;
    let changes = checked(items)?;
    Ok(Json(BulkResults { items: work::change(&state.store, &changes, &stamp).await? }))
}

/// Validates the items of a bulk change. Errors name the field of the item.
fn checked(items: Vec<BulkItem>) -> Result<Vec<(PostId, WorkChange)>, ApiError> {
    let reject =
        |code, field: String, message: String| ApiError::Rejected(Rejection { code, field, message });
    if items.is_empty() {
        return Err(reject("missing_field", "items".to_owned(), "name at least one post".to_owned()));
    }
    if items.len() > BULK_MAX {
        return Err(ApiError::TooLarge { limit: BULK_MAX as u64, what: "posts" });
    }
    let mut posts = HashSet::with_capacity(items.len());
    let mut changes = Vec::with_capacity(items.len());
    for (n, BulkItem { post, change }) in items.into_iter().enumerate() {
        if !posts.insert(post) {
            let message = "each post can be named only once".to_owned();
            return Err(reject("invalid_field", format!("items[{n}].post"), message));
        }
        if let Err(Rejection { code, field, message }) = change.check() {
            let path = format!("items[{n}].change.{field}");
            return Err(reject(code, path.trim_end_matches('.').to_owned(), message));
        }
        changes.push((post, change));
    }
    Ok(changes)
}

/// Revision from which to list changes in the work on posts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChangesParameters {
    /// `revision` of the previous response. Without it, the response has no items, only the revision to start from.
    #[param(minimum = 0)]
    since: Option<i64>,
}

/// List work that has changed since a revision
///
/// For clients that keep their view of the work up to date. The call is cheap enough to be repeated every few seconds.
#[utoipa::path(get, path = "/api/v1/posts/work", tag = "work", operation_id = "list_work_changes", params(ChangesParameters), responses(
    (status = 200, body = WorkChanges, description = "The changes, and the revision to continue from"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn changes(
    _: Viewer,
    state: Data<AppState>,
    Parameters(parameters): Parameters<ChangesParameters>,
) -> Result<Json<WorkChanges>, ApiError> {
    if parameters.since.is_some_and(|since| since < 0) {
        return Err(ApiError::invalid("since", "must not be negative"));
    }
    Ok(Json(work::changes(&state.store, parameters.since).await?))
}

/// Add a note to a post
///
/// The note becomes part of the history of the work on the post and cannot be changed.
#[utoipa::path(post, path = "/api/v1/posts/{id}/notes", tag = "work", operation_id = "add_note_to_post",
    params(("id" = PostId, Path, description = "Groundswell's own id for the post"), ActorHeader),
    request_body = NewComment,
    responses(
        (status = 201, body = PostWork, description = "The work on the post, with the note"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, the id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The post does not exist"),
        (status = 413, body = ErrorBody, description = "The body is too large, or the limit of 200 notes is reached"),
        (status = 422, body = ErrorBody, description = "The text is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn note(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let post = extract::id(&path)?;
    let stamp = extract::stamp(&request)?;
    let new: NewComment = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    new.check().map_err(ApiError::Rejected)?;
    match work::note(&state.store, post, new.text.trim(), &stamp).await? {
        Noted::Stored(work) => Ok(HttpResponse::Created().json(work)),
        Noted::Full => Err(ApiError::TooLarge { limit: NOTES_MAX.unsigned_abs(), what: "notes" }),
        Noted::Unknown => Err(missing(post)),
    }
}

/// Get the history of the work on a post
#[utoipa::path(get, path = "/api/v1/posts/{id}/history", tag = "work", operation_id = "get_post_history",
    params(("id" = PostId, Path, description = "Groundswell's own id for the post")),
    responses(
        (status = 200, body = WorkHistory, description = "The work on the post, and its history"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The post does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn history(
    _: Viewer,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<WorkHistory>, ApiError> {
    let post = extract::id(&path)?;
    let work = work::get(&state.store, post).await?.ok_or_else(|| missing(post))?;
    Ok(Json(WorkHistory { work, items: work::history(&state.store, post).await? }))
}

/// Filters for the queue; absent filters match every post that somebody has worked on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QueueParameters {
    /// Return only posts with this status; defaults to all that are neither answered nor closed.
    status: Option<WorkStatus>,
    /// Return only posts that need an answer, or with `false` only the others. Defaults to `true`, or to both with a
    /// `status` or a `tag`.
    needs_answer: Option<bool>,
    /// Return only posts that are assigned to this person; empty for posts that are assigned to nobody.
    assignee: Option<String>,
    /// Return only posts with this tag.
    #[param(value_type = Option<Tag>)]
    tag: Option<String>,
    /// Order of the posts; defaults to oldest first.
    order: Option<QueueOrder>,
    /// `next_cursor` of the previous page in the same order; absent for the first page.
    cursor: Option<String>,
    /// Maximum number of posts to return, 1 to 200; defaults to 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// List posts in the queue
///
/// The queue holds the posts that need an answer and are neither answered nor closed.
#[utoipa::path(get, path = "/api/v1/work-queue", tag = "work", operation_id = "list_work_queue", params(QueueParameters), responses(
    (status = 200, body = Page<ListedPost>, description = "A page of posts"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn queue(
    _: Viewer,
    state: Data<AppState>,
    Parameters(parameters): Parameters<QueueParameters>,
) -> Result<Json<Page<ListedPost>>, ApiError> {
    let limit = extract::limit(parameters.limit, LIMIT_MAX)?;
    let tag = parameters.tag.as_deref().map(str::parse::<Tag>).transpose();
    let tag = tag.map_err(|error| ApiError::invalid("tag", format!("is not valid: {error}")))?;
    let is_plain = parameters.status.is_none() && tag.is_none();
    let query = QueueQuery {
        status: parameters.status,
        needs_answer: parameters.needs_answer.or(is_plain.then_some(true)),
        assignee: parameters.assignee,
        tag: tag.map(|tag| tag.as_str().to_owned()),
        order: parameters.order.unwrap_or_default(),
        cursor: parameters.cursor,
        limit,
    };
    Ok(Json(work::queue(&state.store, &query).await?))
}

/// List the tags and assignees in use
#[utoipa::path(get, path = "/api/v1/work-queue/names", tag = "work", operation_id = "list_work_names", responses(
    (status = 200, body = UsedNames, description = "Tags and assignees, most frequent first"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn names(
    _: Viewer,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<UsedNames>, ApiError> {
    Ok(Json(work::names(&state.store).await?))
}

fn missing(post: PostId) -> ApiError {
    ApiError::NotFound { what: format!("post `{post}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, field: Option<&str>) {
        let BulkChange { items } = serde_json::from_str(json).unwrap();
        let refused = match checked(items) {
            Err(ApiError::Rejected(rejection)) => Some(rejection.field),
            Err(other) => panic!("{other}"),
            Ok(_) => None,
        };
        assert_eq!(refused.as_deref(), field, "{json}");
    }

    #[test]
    fn a_wrong_item_of_a_bulk_change_is_named() {
        let item = |id: u8, change: &str| {
            format!(r#"{{"post":"00000000-0000-0000-0000-0000000000{id:02}","change":{change}}}"#)
        };
        let bulk = |items: &[String]| format!(r#"{{"items":[{}]}}"#, items.join(","));
        let closed = r#"{"status":"closed"}"#;
        check(&bulk(&[item(1, closed), item(2, closed)]), None);
        check(&bulk(&[item(1, closed), item(1, closed)]), Some("items[1].post"));
        check(&bulk(&[item(1, closed), item(2, "{}")]), Some("items[1].change"));
        let contradiction = r#"{"add_tags":["a"],"remove_tags":["A"]}"#;
        check(&bulk(&[item(1, contradiction)]), Some("items[0].change.remove_tags"));
        check(&bulk(&[]), Some("items"));
    }
}
