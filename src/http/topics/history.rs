//! Handlers that apply topics to stored posts.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::missing;
use crate::http::access::{Analyst, Viewer};
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, ActorHeader, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::id::{TopicId, TopicJobId};
use crate::models::topic_history::{NewTopicJob, TopicJob};
use crate::store::page::Page;
use crate::store::topics::jobs::{self, Cancelled, Created};

/// Maximum body size in bytes: a number.
const BODY_BYTES_MAX: usize = 1_024;

const SECONDS_PER_DAY: u64 = 86_400;

/// Apply a topic to stored posts
///
/// Creates a job that matches the posts of the last days against the current topic. It adds the topic's name to the
/// products of matching posts, and removes the name and former names of the topic from posts that no longer match.
/// Names that senders gave, or that keywords found, are never removed. All counts change with the posts. If the topic
/// is replaced in the meantime, the job starts over.
#[utoipa::path(post, path = "/api/v1/topics/{id}/history", tag = "topics", operation_id = "apply_topic_to_history",
    request_body = NewTopicJob,
    params(("id" = TopicId, Path, description = "Id of the topic"), ActorHeader),
    responses(
        (status = 202, body = TopicJob, description = "The job"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, the id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The topic does not exist"),
        (status = 409, body = ErrorBody, description = "Another job of the topic has not ended"),
        (status = 422, body = ErrorBody, description = "The number of days is 0, or posts are not kept for so long"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn create(
    _: Analyst,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let (id, stamp) = (extract::id(&path)?, extract::stamp(&request)?);
    let NewTopicJob { days } = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    let days_max = state.store.retention().as_secs() / SECONDS_PER_DAY;
    if !(1..=days_max).contains(&u64::from(days)) {
        let message = format!("must be between 1 and {days_max}, because posts are kept for that many days");
        return Err(ApiError::invalid_field("days", message));
    }
    match jobs::create(&state.store, id, days, &stamp).await? {
        Created::Job(job) => Ok(HttpResponse::Accepted().json(job)),
        Created::Unknown => Err(missing(id)),
        Created::Unfinished => {
            let message = "another job of this topic has not ended".to_owned();
            Err(ApiError::Conflict { code: "job_unfinished", message })
        }
    }
}

/// List jobs of a topic
///
/// Newest first. At most 50 are kept.
#[utoipa::path(get, path = "/api/v1/topics/{id}/history", tag = "topics", operation_id = "list_topic_jobs",
    params(("id" = TopicId, Path, description = "Id of the topic")),
    responses(
        (status = 200, body = Page<TopicJob>, description = "Jobs of the topic"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The topic does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn list(
    _: Viewer,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Page<TopicJob>>, ApiError> {
    let id = extract::id(&path)?;
    let items = jobs::list(&state.store, id).await?.ok_or_else(|| missing(id))?;
    Ok(Json(Page { items, next_cursor: None }))
}

/// Cancel a job
///
/// Posts that it has already changed stay as they are.
#[utoipa::path(delete, path = "/api/v1/topics/{id}/history/{job}", tag = "topics", operation_id = "cancel_topic_job",
    params(
        ("id" = TopicId, Path, description = "Id of the topic"),
        ("job" = TopicJobId, Path, description = "Id of the job"),
    ),
    responses(
        (status = 204, description = "The job was cancelled"),
        (status = 400, body = ErrorBody, description = "An id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The topic has no such job"),
        (status = 409, body = ErrorBody, description = "The job has ended"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn cancel(
    _: Analyst,
    state: Data<AppState>,
    path: Path<(String, String)>,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let (topic, job) = path.into_inner();
    let (topic, job): (TopicId, TopicJobId) = (extract::id(&topic)?, extract::id(&job)?);
    match jobs::cancel(&state.store, topic, job).await? {
        Cancelled::Now => Ok(HttpResponse::NoContent().finish()),
        Cancelled::Unknown => Err(ApiError::NotFound { what: format!("job `{job}`") }),
        Cancelled::Ended => {
            Err(ApiError::Conflict { code: "job_ended", message: "the job has ended".to_owned() })
        }
    }
}
