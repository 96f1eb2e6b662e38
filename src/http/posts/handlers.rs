//! Posts in, and the history of posts out.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::{SignedDuration, Timestamp};

use super::export::{self, Format};
use super::ingest::{self, BODY_BYTES_MAX, PostsBody, Receipt};
use crate::http::body;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract;
use crate::http::extract::{NoParameters, Parameters};
use crate::http::metrics::explore::filter_parameters;
use crate::http::metrics::range::RangeWish;
use crate::http::state::AppState;
use crate::models::new_post::AcceptContext;
use crate::models::post::{ListedPost, PostOrder, PostWithHistory, Source};
use crate::store::page::Page;
use crate::store::posts::list;
use crate::store::posts::list::{PostsQuery, RANKED_MAX, RANKED_RANGE_MAX};

/// Most posts of one page; the export has no such limit.
const LIMIT_MAX: usize = 500;

/// Take posts in
///
/// One post, an array of posts, or one post a line (`application/x-ndjson`), at most 8 MiB and 10,000 posts; gzip
/// is understood. `202` means that the accepted ones are in the stream and will not be lost; a post that was sent
/// before counts once. One bad post does not spoil its batch. After 429 and 503 send the same body again.
#[utoipa::path(post, path = "/api/v1/posts", tag = "posts", operation_id = "ingest_posts",
    request_body(content((PostsBody = "application/json"), (String = "application/x-ndjson")),
        description = "A post, an array of posts, or one post a line"),
    responses(
        (status = 202, body = Receipt, description = "In the stream, except those rejected"),
        (status = 400, body = ErrorBody, description = "Not JSON"),
        (status = 413, body = ErrorBody, description = "Over 8 MiB or 10,000 posts"),
        (status = 415, body = ErrorBody, description = "Another content type"),
        (status = 422, body = ErrorBody, description = "A single post with a wrong field, named in `details.field`"),
        (status = 429, body = ErrorBody, description = "The stream is full; `Retry-After` says when to send again"),
        (status = 503, body = ErrorBody, description = "Redis is away; `Retry-After` says when to send again"),
    ))]
pub async fn ingest(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    // Before the body is read: in an overload most of the work would be for nothing.
    require_room(&state, 1).await?;
    let body = body::receive(&request, payload, BODY_BYTES_MAX).await?;
    let context = AcceptContext {
        now: Timestamp::now(),
        retention: state.params.retention,
        source: Source::new(Source::HTTP),
    };
    let sorted = ingest::sort(&request, &body, &context)?;
    if !sorted.accepted.is_empty() {
        require_room(&state, sorted.accepted.len()).await?;
        state.producer.publish(&sorted.accepted).await?;
    }
    Ok(HttpResponse::Accepted().json(Receipt { accepted: sorted.accepted.len(), rejected: sorted.rejected }))
}

/// A body larger than the mark could never be taken; it is when the stream is empty.
async fn require_room(state: &AppState, n_posts: usize) -> Result<(), ApiError> {
    let high_water = state.params.high_water;
    let n_posts = u64::try_from(n_posts).unwrap_or(u64::MAX).min(high_water);
    if state.producer.has_room(high_water, n_posts).await? {
        return Ok(());
    }
    Err(ApiError::Busy { what: "the stream is full" })
}

filter_parameters! {
    /// Which posts to list; filters that are absent let everything pass.
    ListParameters {
        /// Which come first; the newest when absent. The other orders need a range of at most 7 days, have no second
        /// page, and at most 200 posts.
        order: Option<PostOrder>,
        /// `next_cursor` of the page before.
        cursor: Option<String>,
        /// Most posts to answer, 1 to 500; 50 when absent.
        #[param(minimum = 1, maximum = 500)]
        limit: Option<usize>,
    }
}

filter_parameters! {
    /// Which posts to export; filters that are absent let everything pass.
    ExportParameters {
        /// `csv` or `ndjson`.
        format: Format,
    }
}

/// The range, if one is given. A start or an end alone is one: `GET /posts` was always so.
fn between(wish: RangeWish) -> Result<(Option<Timestamp>, Option<Timestamp>), ApiError> {
    if wish.window.is_none() && wish.from.is_none() {
        return Ok((None, wish.to));
    }
    let asked = wish.between(Timestamp::now())?;
    Ok(asked.map_or((None, None), |(from, to)| (Some(from), wish.to.or(wish.window.map(|_| to)))))
}

/// An order other than the newest first sorts the whole range.
fn ranked(wish: &ListParameters, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<(), ApiError> {
    if wish.order.unwrap_or_default() == PostOrder::Newest {
        return Ok(());
    }
    let days = RANKED_RANGE_MAX.as_hours() / 24;
    let length = from.map(|from| to.unwrap_or_else(Timestamp::now).duration_since(from));
    // A named window ends with the minute at hand.
    if length.is_none_or(|length| length > RANKED_RANGE_MAX + SignedDuration::from_mins(1)) {
        let problem = format!("must be given with this `order`, at most {days} days before `to`");
        return Err(ApiError::invalid("from", problem));
    }
    if wish.cursor.is_some() {
        return Err(ApiError::invalid("cursor", "goes with the order `newest` only"));
    }
    if wish.limit.is_some_and(|limit| limit > RANKED_MAX) {
        return Err(ApiError::invalid("limit", format!("is at most {RANKED_MAX} with this `order`")));
    }
    Ok(())
}

/// List posts
///
/// The newest first, or those that may go furthest (`virality`), that most people reacted to (`engagement`: likes,
/// shares and comments, as last heard), or that are reacted to ever more (`rising`: what came between the two last
/// readings, by the hour, divided by the age in hours plus two; posts of which only one reading is known are left out).
#[utoipa::path(get, path = "/api/v1/posts", tag = "posts", operation_id = "list_posts", params(ListParameters), responses(
    (status = 200, body = Page<ListedPost>, description = "What was asked for"),
    (status = 400, body = ErrorBody, description = "A parameter is wrong, named in `details.parameter`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
))]
pub async fn list(
    state: Data<AppState>,
    Parameters(wish): Parameters<ListParameters>,
) -> Result<Json<Page<ListedPost>>, ApiError> {
    let limit = extract::limit(wish.limit, LIMIT_MAX)?;
    let (from, to) = between(wish.range())?;
    ranked(&wish, from, to)?;
    let order = wish.order.unwrap_or_default();
    let query = PostsQuery { filter: wish.filter()?, from, to, order, cursor: wish.cursor.clone(), limit };
    Ok(Json(list::list(&state.store, &query).await?))
}

/// One post, with the scores it had before
#[utoipa::path(get, path = "/api/v1/posts/{id}", tag = "posts", operation_id = "get_post",
    params(("id" = Uuid, Path, description = "Groundswell's name for the post")),
    responses(
        (status = 200, body = PostWithHistory, description = "What was asked for"),
        (status = 400, body = ErrorBody, description = "The id is no UUID"),
        (status = 404, body = ErrorBody, description = "There is no such post"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
    ))]
pub async fn get(
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<NoParameters>,
) -> Result<Json<PostWithHistory>, ApiError> {
    let uuid = extract::uuid(&path)?;
    let found = list::get_with_history(&state.store, uuid).await?;
    found.map(Json).ok_or_else(|| ApiError::NotFound { what: format!("post `{uuid}`") })
}

/// Download posts, newest first
///
/// Streams any number of posts. The server disconnects a client that reads nothing for `--export-stall-s` (30 seconds by
/// default). In the CSV, text that a spreadsheet would run as a formula gets an apostrophe before it.
#[utoipa::path(get, path = "/api/v1/posts/export", tag = "posts", operation_id = "export_posts", params(ExportParameters), responses(
    (status = 200, content((String = "text/csv"), (String = "application/x-ndjson")), description = "The file"),
    (status = 400, body = ErrorBody, description = "A parameter is wrong, named in `details.parameter`"),
    (status = 429, body = ErrorBody, description = "Too many exports are running; `Retry-After` says when to retry"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
))]
pub async fn export(
    state: Data<AppState>,
    request: HttpRequest,
    Parameters(wish): Parameters<ExportParameters>,
) -> Result<HttpResponse, ApiError> {
    let (from, to) = between(wish.range())?;
    let query = PostsQuery { filter: wish.filter()?, from, to, ..PostsQuery::default() };
    let place = state.exports.begin(&request)?;
    let pieces = list::export(state.store.clone(), query);
    export::answer(wish.format, pieces, place).await
}
