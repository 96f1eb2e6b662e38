//! Handlers that ingest, list, erase and export posts.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use jiff::{SignedDuration, Timestamp};

use super::export::{self, Format};
use super::ingest_body;
use super::ingest_body::{BODY_BYTES_MAX, PostsBody, Receipt};
use crate::http::access::{Admin, Ingest, Viewer};
use crate::http::audit::trail::Trail;
use crate::http::body;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, EmptyQuery, Parameters};
use crate::http::metrics::explore::zone;
use crate::http::metrics::filter_parameters::filter_parameters;
use crate::http::metrics::range::RangeQuery;
use crate::http::state::AppState;
use crate::models::audit::Action;
use crate::models::id::PostId;
use crate::models::new_post::AcceptContext;
use crate::models::post::{ListedPost, PostOrder, PostWithHistory, Source};
use crate::models::share_link::ShareLink;
use crate::store::page::Page;
use crate::store::posts::list::{self, PostsQuery, RANKED_MAX, RANKED_RANGE_MAX};

/// Maximum number of posts per page. Exports have no such limit.
const LIMIT_MAX: usize = 500;

/// Ingest posts
///
/// Takes one post, an array of posts, or one post per line (`application/x-ndjson`): at most 8 MiB and 10,000 posts,
/// optionally compressed with gzip. `202` means that the accepted posts are in the stream and will not be lost. A post
/// that was sent before is not counted again. An invalid post does not affect the others. After 429 or 503, send the
/// same body again.
#[utoipa::path(post, path = "/api/v1/posts", tag = "posts", operation_id = "ingest_posts",
    request_body(content((PostsBody = "application/json"), (String = "application/x-ndjson")),
        description = "A post, an array of posts, or one post per line"),
    responses(
        (status = 202, body = Receipt, description = "All posts except the rejected ones are in the stream"),
        (status = 400, body = ErrorBody, description = "The body is not JSON"),
        (status = 413, body = ErrorBody, description = "The body exceeds 8 MiB or 10,000 posts"),
        (status = 415, body = ErrorBody, description = "The content type is not supported"),
        (status = 422, body = ErrorBody, description = "The body is a single post with an invalid field; see `details.field`"),
        (status = 429, body = ErrorBody, description = "The stream is full; send again after `Retry-After` seconds"),
        (status = 503, body = ErrorBody, description = "Redis is unavailable; send again after `Retry-After` seconds"),
    ))]
pub async fn ingest(
    _: Ingest,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    // Checked before the body is read, because reading it would be wasted work under overload.
    require_room(&state, 1).await?;
    let body = body::receive(&request, payload, BODY_BYTES_MAX).await?;
    let context = AcceptContext {
        now: Timestamp::now(),
        retention: state.params.retention,
        source: Source::new(Source::HTTP),
        connector: None,
    };
    let sorted = ingest_body::sort(&request, &body, &context)?;
    if !sorted.accepted.is_empty() {
        require_room(&state, sorted.accepted.len()).await?;
        state.producer.publish(&sorted.accepted).await?;
    }
    Ok(HttpResponse::Accepted().json(Receipt { accepted: sorted.accepted.len(), rejected: sorted.rejected }))
}

/// Returns an error if the stream has no room. If the stream is empty, even a batch larger than the high-water mark is
/// accepted.
pub(in crate::http) async fn require_room(state: &AppState, n_posts: usize) -> Result<(), ApiError> {
    let high_water = state.params.high_water;
    let n_posts = u64::try_from(n_posts).unwrap_or(u64::MAX).min(high_water);
    if state.producer.has_room(high_water, n_posts).await? {
        return Ok(());
    }
    Err(ApiError::Busy { what: "the stream is full" })
}

filter_parameters! {
    /// Filters for posts; absent filters match everything.
    ListParameters {
        /// IANA time zone of calendar ranges, such as `Europe/Berlin`; defaults to UTC.
        tz: Option<String>,
        /// Order of the posts; defaults to newest first. `virality` and `rising` require a range of at most 7 days and
        /// return a single page of at most 200 posts.
        order: Option<PostOrder>,
        /// `next_cursor` of the previous page; absent for the first page.
        cursor: Option<String>,
        /// Maximum number of posts to return, 1 to 500; defaults to 50.
        #[param(minimum = 1, maximum = 500)]
        limit: Option<usize>,
    }
}

filter_parameters! {
    /// Filters for posts to export; absent filters match everything.
    ExportParameters {
        /// IANA time zone of calendar ranges, such as `Europe/Berlin`; defaults to UTC.
        tz: Option<String>,
        /// Format of the file: `csv` or `ndjson`.
        format: Format,
    }
}

/// Returns the range if one is given. Unlike other calls, `GET /posts` accepts `to` without `from`.
fn between(range: RangeQuery, tz: Option<&str>) -> Result<(Option<Timestamp>, Option<Timestamp>), ApiError> {
    let now = Timestamp::now().to_zoned(zone(tz)?);
    if range.window.is_none() && range.from.is_none() {
        return Ok((None, range.to));
    }
    let given = range.between_in(&now)?;
    Ok(given.map_or((None, None), |(from, to)| (Some(from), range.to.or(range.window.map(|_| to)))))
}

/// Validates an order that sorts the whole range, which must therefore be short.
fn ranked(
    parameters: &ListParameters,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<(), ApiError> {
    if matches!(parameters.order, None | Some(PostOrder::Newest | PostOrder::Engagement)) {
        return Ok(());
    }
    let days = RANKED_RANGE_MAX.as_hours() / 24;
    let length = from.map(|from| to.unwrap_or_else(Timestamp::now).duration_since(from));
    // A named window ends with the current minute, so allow one more.
    if length.is_none_or(|length| length > RANKED_RANGE_MAX + SignedDuration::from_mins(1)) {
        let problem = format!("must be given with this `order` and be at most {days} days before `to`");
        return Err(ApiError::invalid("from", problem));
    }
    if parameters.cursor.is_some() {
        return Err(ApiError::invalid(
            "cursor",
            "can only be used with the orders `newest` and `engagement`",
        ));
    }
    if parameters.limit.is_some_and(|limit| limit > RANKED_MAX) {
        return Err(ApiError::invalid("limit", format!("must be at most {RANKED_MAX} with this `order`")));
    }
    Ok(())
}

/// List posts
///
/// Posts are listed newest first, by predicted virality (`virality`), by engagement (`engagement`: likes, shares and
/// comments as last reported; posts without any of these counts follow, newest first), or by growth (`rising`: the
/// engagement per hour between the last two reports, divided by the age in hours plus two; posts with a single report
/// are omitted).
#[utoipa::path(get, path = "/api/v1/posts", tag = "posts", operation_id = "list_posts", params(ListParameters), responses(
    (status = 200, body = Page<ListedPost>, description = "A page of posts"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn list(
    _: Viewer,
    state: Data<AppState>,
    request: HttpRequest,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<Json<Page<ListedPost>>, ApiError> {
    let limit = extract::limit(parameters.limit, LIMIT_MAX)?;
    let (from, to) = between(parameters.range(), parameters.tz.as_deref())?;
    ranked(&parameters, from, to)?;
    let order = parameters.order.unwrap_or_default();
    let query = PostsQuery {
        filter: parameters.filter()?,
        from,
        to,
        order,
        cursor: parameters.cursor.clone(),
        limit,
    };
    let mut page = list::list(&state.store, &query).await?;
    // Work on posts is for colleagues, not for holders of share links.
    if request.extensions().contains::<ShareLink>() {
        page.items.iter_mut().for_each(|listed| listed.work = None);
    }
    Ok(Json(page))
}

/// Get one post with its earlier scores
#[utoipa::path(get, path = "/api/v1/posts/{id}", tag = "posts", operation_id = "get_post",
    params(("id" = PostId, Path, description = "Groundswell's own id for the post")),
    responses(
        (status = 200, body = PostWithHistory, description = "The post and its earlier scores"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The post does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn get(
    _: Viewer,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<PostWithHistory>, ApiError> {
    let uuid = extract::id(&path)?;
    let found = list::get_with_history(&state.store, uuid).await?;
    found.map(Json).ok_or_else(|| ApiError::NotFound { what: format!("post `{uuid}`") })
}

/// Erase a post
///
/// Deletes the post and everything about it: scores, labels, work, engagement, and copies in alerts. All counts
/// decrease by exactly what the post contributed. If the post is sent again, it counts as a duplicate and is not stored
/// until the retention period has passed. Messages and reports that were already sent still contain their quotes of it.
#[utoipa::path(delete, path = "/api/v1/posts/{id}", tag = "posts", operation_id = "erase_post",
    params(("id" = PostId, Path, description = "Groundswell's own id for the post")),
    responses(
        (status = 204, description = "The post is erased"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The post does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn erase(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    trail: Trail,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let uuid: PostId = extract::id(&path)?;
    if state.eraser.erase_post(uuid).await? {
        // Not with what was erased.
        trail.record(Action::PostErased, Some(uuid.to_string()), []).await?;
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(ApiError::NotFound { what: format!("post `{uuid}`") })
}

/// Export posts, newest first
///
/// Streams any number of posts. A client that reads nothing for `--export-stall-s` (30 seconds by default) is
/// disconnected. In CSV, an apostrophe goes before each sign with which a spreadsheet could begin a formula, wherever
/// it might split the text; NDJSON has the exact text.
#[utoipa::path(get, path = "/api/v1/posts/export", tag = "posts", operation_id = "export_posts", params(ExportParameters), responses(
    (status = 200, content((String = "text/csv"), (String = "application/x-ndjson")), description = "The file"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
    (status = 429, body = ErrorBody, description = "Too many exports are running; retry after `Retry-After` seconds"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn export(
    _: Viewer,
    state: Data<AppState>,
    request: HttpRequest,
    Parameters(parameters): Parameters<ExportParameters>,
) -> Result<HttpResponse, ApiError> {
    let (from, to) = between(parameters.range(), parameters.tz.as_deref())?;
    let query = PostsQuery { filter: parameters.filter()?, from, to, ..PostsQuery::default() };
    let permit = state.exports.acquire(&request)?;
    Trail::of(&request)?.exported(Action::PostsExported).await?;
    let chunks = list::export(state.store.clone(), query);
    export::respond(parameters.format, chunks, permit).await
}
