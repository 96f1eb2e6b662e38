//! Handlers that manage topics, and check and preview their queries.

pub mod history; // topics applied to stored posts

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, ErrorBody};
use super::extract::{self, ActorHeader, EmptyQuery, Parameters};
use super::state::AppState;
use crate::http::access::{Analyst, Viewer};
use crate::http::audit::trail::Trail;
use crate::models::audit::Action;
use crate::models::id::TopicId;
use crate::models::post::{ListedPost, ScoredPost};
use crate::models::topic::{NAME_CHARS_MAX, NewTopic, Topic};
use crate::store::page::{PAGE_MAX, Page};
use crate::store::posts::list::{self, PostsQuery};
use crate::store::topics::{self, Stored, TOPICS_MAX};
use crate::topics::{Hint, ParseError, Parsed, PreparedText, Span, Subject, TopicSet, parse};

/// Maximum body size in bytes: a name and a query, with room for JSON escapes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Period whose posts a preview reads.
const PREVIEW_RANGE: SignedDuration = SignedDuration::from_hours(24);

/// Maximum number of posts that a preview reads.
const PREVIEW_POSTS_MAX: usize = 5 * PAGE_MAX;

/// Maximum number of matching posts that a preview returns.
const PREVIEW_ITEMS_MAX: usize = 20;

const SECONDS_PER_DAY: f64 = 86_400.0;

/// Query to check or preview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicQuery {
    /// Query, at most 4,096 characters.
    pub query: String,
}

/// Result of checking a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopicQueryCheck {
    /// Whether the query is valid.
    pub valid: bool,
    /// Query in its canonical form, which shows how its operators bind; absent if it is invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canonical: Option<String>,
    /// Error in the query; absent if it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<TopicQueryError>,
    /// Advice on parts that are valid but may not mean what their author intended.
    pub hints: Vec<Hint>,
}

/// Error in a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopicQueryError {
    /// Part of the query that the error concerns.
    pub span: Span,
    /// Description of the error, and how to fix it.
    pub message: String,
}

/// Recent posts that match a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TopicPreview {
    /// Event time of the oldest post that was read. The newest posts of the last 24 hours are read.
    pub from: Timestamp,
    /// Time of the preview.
    pub to: Timestamp,
    /// Number of posts that were read.
    pub posts_read: usize,
    /// Number of these posts that match.
    pub posts_matched: usize,
    /// Estimated number of matching posts per day, based on the posts that were read; absent if none were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<f64>,
    /// Newest matching posts, at most 20.
    pub items: Vec<ListedPost>,
}

/// List topics, ordered by name
#[utoipa::path(get, path = "/api/v1/topics", tag = "topics", operation_id = "list_topics", responses(
    (status = 200, body = Page<Topic>, description = "All topics"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn list(
    _: Viewer,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Page<Topic>>, ApiError> {
    Ok(Json(Page { items: topics::list(&state.store).await?, next_cursor: None }))
}

/// Get a topic
#[utoipa::path(get, path = "/api/v1/topics/{id}", tag = "topics", operation_id = "get_topic",
    params(("id" = TopicId, Path, description = "Id of the topic")),
    responses(
        (status = 200, body = Topic, description = "The topic"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The topic does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn get(
    _: Viewer,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Topic>, ApiError> {
    let id = extract::id(&path)?;
    topics::get(&state.store, id).await?.map(Json).ok_or_else(|| missing(id))
}

/// Create a topic
///
/// Every process matches new posts against it within a few seconds. Stored posts are not matched until the topic is
/// applied to them.
#[utoipa::path(post, path = "/api/v1/topics", tag = "topics", operation_id = "create_topic", request_body = NewTopic,
    params(ActorHeader),
    responses(
        (status = 201, body = Topic, description = "The topic"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, or the actor is not a name"),
        (status = 409, body = ErrorBody, description = "Another topic has this name"),
        (status = 413, body = ErrorBody, description = "The limit of 1,000 topics is reached"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn create(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let (stamp, trail) = (extract::stamp(&request)?, Trail::of(&request)?);
    let new = checked(extract::json_body(&request, payload, BODY_BYTES_MAX).await?)?;
    let topic = stored(topics::create(&state.store, &new, &stamp).await?, None)?;
    trail.created(Action::TopicCreated, topic.id, &topic).await?;
    Ok(HttpResponse::Created().json(topic))
}

/// Replace a topic
///
/// Stored posts keep their products, even if the name changes, until the topic is applied to them.
#[utoipa::path(put, path = "/api/v1/topics/{id}", tag = "topics", operation_id = "replace_topic", request_body = NewTopic,
    params(("id" = TopicId, Path, description = "Id of the topic"), ActorHeader),
    responses(
        (status = 200, body = Topic, description = "The topic"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, the id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The topic does not exist"),
        (status = 409, body = ErrorBody, description = "Another topic has this name"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn replace(
    _: Analyst,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<Topic>, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let (id, stamp, trail) = (extract::id(&path)?, extract::stamp(&request)?, Trail::of(&request)?);
    let new = checked(extract::json_body(&request, payload, BODY_BYTES_MAX).await?)?;
    let before = topics::get(&state.store, id).await?;
    let topic = stored(topics::replace(&state.store, id, &new, &stamp).await?, Some(id))?;
    trail.changed(Action::TopicChanged, id, (&before, &topic)).await?;
    Ok(Json(topic))
}

/// Delete a topic
///
/// Stored posts keep their products.
#[utoipa::path(delete, path = "/api/v1/topics/{id}", tag = "topics", operation_id = "delete_topic",
    params(("id" = TopicId, Path, description = "Id of the topic")),
    responses(
        (status = 204, description = "The topic was deleted"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The topic does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn delete(
    _: Analyst,
    state: Data<AppState>,
    path: Path<String>,
    trail: Trail,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let id = extract::id(&path)?;
    let before = topics::get(&state.store, id).await?;
    if !topics::delete(&state.store, id).await? {
        return Err(missing(id));
    }
    trail.deleted(Action::TopicDeleted, id, &before).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Check a query
///
/// Returns the position of an error, in characters (Unicode code points) from the start, and how to fix it.
#[utoipa::path(post, path = "/api/v1/topics/validate", tag = "topics", operation_id = "validate_topic_query",
    request_body = TopicQuery, responses(
        (status = 200, body = TopicQueryCheck, description = "Whether the query is valid"),
        (status = 400, body = ErrorBody, description = "The body is not JSON"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
    ))]
pub async fn validate(
    _: Analyst,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<TopicQueryCheck>, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let TopicQuery { query } = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    Ok(Json(match parse(&query) {
        Ok(Parsed { query, hints }) => {
            TopicQueryCheck { valid: true, canonical: Some(query.to_string()), error: None, hints }
        }
        Err(ParseError { span, problem }) => {
            let error = Some(TopicQueryError { span, message: problem.to_string() });
            TopicQueryCheck { valid: false, canonical: None, error, hints: Vec::new() }
        }
    }))
}

/// Preview a query
///
/// Matches it against the newest posts of the last 24 hours, at most 5,000, without storing anything.
#[utoipa::path(post, path = "/api/v1/topics/preview", tag = "topics", operation_id = "preview_topic_query",
    request_body = TopicQuery, responses(
        (status = 200, body = TopicPreview, description = "Recent posts that the query matches"),
        (status = 400, body = ErrorBody, description = "The body is not JSON"),
        (status = 422, body = ErrorBody, description = "The query is invalid"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn preview(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<TopicPreview>, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let TopicQuery { query } = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    let query = parse(&query).map_err(|error| ApiError::invalid_field("query", describe(&error)))?.query;
    let set = TopicSet::compile(&[query]);
    let now = Timestamp::now();
    let earliest = now.saturating_sub(PREVIEW_RANGE).unwrap_or(now);
    let mut found = TopicPreview {
        from: earliest,
        to: now,
        posts_read: 0,
        posts_matched: 0,
        per_day: None,
        items: Vec::new(),
    };
    let mut cursor = None;
    loop {
        let query = PostsQuery {
            from: Some(earliest),
            to: Some(now),
            cursor,
            limit: PAGE_MAX,
            ..PostsQuery::default()
        };
        let page = list::list(&state.store, &query).await?;
        found.posts_read += page.items.len();
        if let Some(oldest) = page.items.last() {
            found.from = oldest.scored.post.created_at;
        }
        let matching = page.items.into_iter().filter(|listed| matches(&set, &listed.scored));
        for listed in matching {
            found.posts_matched += 1;
            if found.items.len() < PREVIEW_ITEMS_MAX {
                found.items.push(listed);
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() || found.posts_read >= PREVIEW_POSTS_MAX {
            break;
        }
    }
    if cursor.is_none() {
        // All posts of the period were read.
        found.from = earliest;
    }
    let seconds = now.duration_since(found.from).as_secs_f64();
    if found.posts_read > 0 && seconds > 0.0 {
        found.per_day = Some(found.posts_matched as f64 * SECONDS_PER_DAY / seconds);
    }
    Ok(Json(found))
}

fn matches(set: &TopicSet, scored: &ScoredPost) -> bool {
    let text = PreparedText::new(&scored.post.text);
    !set.matches(&Subject::of_post(&scored.post, &text)).is_empty()
}

fn checked(new: NewTopic) -> Result<NewTopic, ApiError> {
    let name = extract::checked_name(&new.name, NAME_CHARS_MAX)?;
    parse(&new.query).map_err(|error| ApiError::invalid_field("query", describe(&error)))?;
    Ok(NewTopic { name, ..new })
}

/// Returns a parse error with its position, counted from 1 as people do.
fn describe(error: &ParseError) -> String {
    let Span { from, to } = error.span;
    format!("characters {} to {}: {}", from + 1, to.max(from + 1), error.problem)
}

fn stored(outcome: Stored, id: Option<TopicId>) -> Result<Topic, ApiError> {
    match (outcome, id) {
        (Stored::Topic(topic), _) => Ok(*topic),
        (Stored::NameTaken, _) => {
            Err(ApiError::Conflict { code: "name_taken", message: "another topic has this name".to_owned() })
        }
        (Stored::Unknown, Some(id)) => Err(missing(id)),
        (Stored::Full | Stored::Unknown, _) => {
            Err(ApiError::TooLarge { limit: TOPICS_MAX.unsigned_abs(), what: "topics" })
        }
    }
}

fn missing(id: TopicId) -> ApiError {
    ApiError::NotFound { what: format!("topic `{id}`") }
}
