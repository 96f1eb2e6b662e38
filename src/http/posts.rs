//! Posts in, and the history of posts out.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::{ApiError, ErrorBody};
use super::export::{self, Format};
use super::extract::{self, NoParameters, Parameters};
use super::ingest::{self, BODY_BYTES_MAX, Receipt};
use super::state::AppState;
use crate::models::new_post::{AcceptContext, NewPost};
use crate::models::post::{PostWithHistory, ScoredPost, Source};
use crate::models::score::SentimentLabel;
use crate::store::page::Page;
use crate::store::post_list::{self, PostsQuery};

/// Most posts of one page; the export has no such limit.
const LIMIT_MAX: usize = 500;

/// The longest search. PostgreSQL reads each word of it for each post.
const SEARCH_CHARS_MAX: usize = 500;

/// Take posts in
///
/// One post, an array of posts, or one post a line (`application/x-ndjson`), at most 8 MiB and 10,000 posts; gzip
/// is understood. `202` means that the accepted ones are in the stream and will not be lost; a post that was sent
/// before counts once. One bad post does not spoil its batch. After 429 and 503 send the same body again.
#[utoipa::path(post, path = "/api/v1/posts", tag = "posts", operation_id = "ingest_posts",
    request_body(content((NewPost = "application/json"), (NewPost = "application/x-ndjson")),
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
    let body = extract::body(&request, payload, BODY_BYTES_MAX).await?;
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

/// Parameters that pick posts, beside the given ones. A macro, because a flattened struct cannot deny unknown
/// fields, and an unknown parameter must be refused.
macro_rules! posts_parameters {
    ($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Default, Deserialize, IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            /// Words to find, as typed into a web search: `"a phrase"`, `or`, `-without`.
            q: Option<String>,
            /// Where they came in, such as `http` or `replay`.
            source: Option<String>,
            /// Their platform.
            platform: Option<String>,
            /// A product they speak of; empty for posts that speak of none.
            product: Option<String>,
            /// Their channel.
            channel: Option<String>,
            /// Their city.
            city: Option<String>,
            /// Their sentiment.
            label: Option<SentimentLabel>,
            /// Written at this time or later, RFC 3339.
            from: Option<Timestamp>,
            /// Written before this time, RFC 3339.
            to: Option<Timestamp>,
            $($(#[$field_about])* $field: $type,)*
        }

        impl $name {
            fn filter(&self) -> Result<PostsQuery, ApiError> {
                if self.q.as_ref().is_some_and(|q| q.chars().count() > SEARCH_CHARS_MAX) {
                    return Err(ApiError::invalid("q", format!("is at most {SEARCH_CHARS_MAX} characters long")));
                }
                if let (Some(from), Some(to)) = (self.from, self.to)
                    && from >= to
                {
                    return Err(ApiError::invalid("from", "must be before `to`"));
                }
                Ok(PostsQuery {
                    q: self.q.clone(),
                    source: self.source.clone(),
                    platform: self.platform.clone(),
                    product: self.product.clone(),
                    channel: self.channel.clone(),
                    city: self.city.clone(),
                    label: self.label,
                    from: self.from,
                    to: self.to,
                    cursor: None,
                    limit: LIMIT_MAX,
                })
            }
        }
    };
}

posts_parameters! {
    /// Which posts to list; filters that are absent let everything pass.
    ListParameters {
        /// `next_cursor` of the page before.
        cursor: Option<String>,
        /// Most posts to answer, 1 to 500; 50 when absent.
        #[param(minimum = 1, maximum = 500)]
        limit: Option<usize>,
    }
}

posts_parameters! {
    /// Which posts to export; filters that are absent let everything pass.
    ExportParameters {
        /// `csv` or `ndjson`.
        format: Format,
    }
}

/// List posts, newest first
#[utoipa::path(get, path = "/api/v1/posts", tag = "posts", operation_id = "list_posts", params(ListParameters), responses(
    (status = 200, body = Page<ScoredPost>, description = "What was asked for"),
    (status = 400, body = ErrorBody, description = "A parameter is wrong, named in `details.parameter`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
))]
pub async fn list(
    state: Data<AppState>,
    Parameters(wish): Parameters<ListParameters>,
) -> Result<Json<Page<ScoredPost>>, ApiError> {
    let limit = extract::limit(wish.limit, LIMIT_MAX)?;
    let query = PostsQuery { cursor: wish.cursor.clone(), limit, ..wish.filter()? };
    Ok(Json(post_list::list(&state.store, &query).await?))
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
    let found = post_list::get_with_history(&state.store, uuid).await?;
    found.map(Json).ok_or_else(|| ApiError::NotFound { what: format!("post `{uuid}`") })
}

/// Download posts, newest first
///
/// Streamed, however many there are. Text in the CSV that a spreadsheet would run as a formula gets an apostrophe
/// before it.
#[utoipa::path(get, path = "/api/v1/posts/export", tag = "posts", operation_id = "export_posts", params(ExportParameters), responses(
    (status = 200, content((String = "text/csv"), (String = "application/x-ndjson")), description = "The file"),
    (status = 400, body = ErrorBody, description = "A parameter is wrong, named in `details.parameter`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
))]
pub async fn export(
    state: Data<AppState>,
    Parameters(wish): Parameters<ExportParameters>,
) -> Result<HttpResponse, ApiError> {
    let pieces = post_list::export(state.store.clone(), wish.filter()?);
    export::answer(wish.format, pieces).await
}
