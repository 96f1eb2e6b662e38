//! Handlers that manage share links and open shared views.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use jiff::SignedDuration;

use super::access::NewSecret;
use super::scope;
use crate::http::access::{Analyst, Viewer};
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, ActorHeader, EmptyQuery, Parameters};
use crate::http::metrics::{explore, live};
use crate::http::state::AppState;
use crate::models::audit::Action;
use crate::models::hidden_characters::is_hidden;
use crate::models::id::ShareLinkId;
use crate::models::new_post::Rejection;
use crate::models::saved_view::{NAME_CHARS_MAX, QUERY_CHARS_MAX, ViewPage};
use crate::models::share_link::{
    CreatedShareLink, LIFETIME_SECONDS_MAX, LIFETIME_SECONDS_MIN, NewShareLink, ShareLink, SharedView,
};
use crate::store::page::Page;
use crate::store::share_links::{self, LINKS_MAX};

/// Maximum body size in bytes: a name and a query, with room for JSON escapes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// List share links, newest first
///
/// Links that have expired or been revoked are not listed.
#[utoipa::path(get, path = "/api/v1/share-links", tag = "share-links", operation_id = "list_share_links", responses(
    (status = 200, body = Page<ShareLink>, description = "All links"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn list(
    _: Viewer,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Page<ShareLink>>, ApiError> {
    Ok(Json(share_links::list(&state.store, jiff::Timestamp::now()).await?))
}

/// Share a view by link
///
/// Anyone with the token can read the figures and posts of this view, and nothing else, until the link expires or is
/// revoked. Only this response contains the token; the server stores its digest.
#[utoipa::path(post, path = "/api/v1/share-links", tag = "share-links", operation_id = "create_share_link",
    params(ActorHeader),
    request_body = NewShareLink,
    responses(
        (status = 201, body = CreatedShareLink, description = "The link and its token"),
        (status = 413, body = ErrorBody, description = "The limit of 200 links is reached"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn create(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let new = checked(extract::json_body(&request, payload, BODY_BYTES_MAX).await?)?;
    let (stamp, trail) = (extract::stamp(&request)?, Trail::of(&request)?);
    let expires_at = stamp.at.checked_add(SignedDuration::from_secs(new.expires_in_seconds));
    let link = ShareLink {
        id: ShareLinkId::now_v7(),
        name: new.name,
        page: new.page,
        query: new.query,
        created_at: stamp.at,
        created_by: stamp.by.map(|name| name.as_str().to_owned()),
        expires_at: expires_at.map_err(ApiError::internal)?,
    };
    let secret = NewSecret::of(link.id);
    if !share_links::create(&state.store, &link, &secret.digest).await? {
        let limit = u64::try_from(LINKS_MAX).unwrap_or(u64::MAX);
        return Err(ApiError::TooLarge { limit, what: "share links" });
    }
    trail.created(Action::ShareLinkCreated, link.id, &link).await?;
    Ok(HttpResponse::Created().json(CreatedShareLink { link, token: secret.token }))
}

/// Revoke a share link
///
/// People who hold the link lose access at once.
#[utoipa::path(delete, path = "/api/v1/share-links/{id}", tag = "share-links", operation_id = "revoke_share_link",
    params(("id" = ShareLinkId, Path, description = "Id of the link")),
    responses(
        (status = 204, description = "The link was revoked"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The link does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn revoke(
    _: Analyst,
    state: Data<AppState>,
    path: Path<String>,
    trail: Trail,
) -> Result<HttpResponse, ApiError> {
    let id: ShareLinkId = extract::id(&path)?;
    if share_links::revoke(&state.store, id).await? {
        trail.record(Action::ShareLinkRevoked, Some(id.to_string()), []).await?;
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(ApiError::NotFound { what: format!("share link `{id}`") })
}

/// Get the view that a share link opens
///
/// For holders of a link, who present its token as `Authorization: Bearer <token>`.
#[utoipa::path(get, path = "/api/v1/shared-view", tag = "share-links", operation_id = "get_shared_view", responses(
    (status = 200, body = SharedView, description = "The view"),
    (status = 404, body = ErrorBody, description = "The request presents no share token"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn show(
    _: Viewer,
    request: HttpRequest,
    _: Parameters<EmptyQuery>,
) -> Result<Json<SharedView>, ApiError> {
    let extensions = request.extensions();
    let link = extensions.get::<ShareLink>();
    let link =
        link.ok_or_else(|| ApiError::NotFound { what: "a shared view without a share token".to_owned() })?;
    let ShareLink { name, page, query, expires_at, .. } = link.clone();
    Ok(Json(SharedView { name, page, query, expires_at }))
}

fn checked(new: NewShareLink) -> Result<NewShareLink, ApiError> {
    let wrong = |field: &str, message: String| {
        Err(ApiError::Rejected(Rejection { code: "invalid_field", field: field.to_owned(), message }))
    };
    let name = new.name.trim();
    if name.is_empty() || new.name.chars().count() > NAME_CHARS_MAX || name.chars().any(is_hidden) {
        let message =
            format!("the name must be 1 to {NAME_CHARS_MAX} characters, without control characters");
        return wrong("name", message);
    }
    if !(LIFETIME_SECONDS_MIN..=LIFETIME_SECONDS_MAX).contains(&new.expires_in_seconds) {
        let message =
            format!("the lifetime must be {LIFETIME_SECONDS_MIN} to {LIFETIME_SECONDS_MAX} seconds");
        return wrong("expires_in_seconds", message);
    }
    if new.query.chars().count() > QUERY_CHARS_MAX || new.query.chars().any(is_hidden) {
        let message =
            format!("the query must be at most {QUERY_CHARS_MAX} characters, without control characters");
        return wrong("query", message);
    }
    let query = match scope::canonical(new.page, &new.query) {
        Ok(query) => query,
        Err(unknown) => return wrong("query", format!("a view with `{unknown}` cannot be shared")),
    };
    if let Err(error) = check_calls(new.page, &query) {
        return wrong("query", format!("the view is not valid: {error}"));
    }
    Ok(NewShareLink { name: name.to_owned(), query, ..new })
}

/// Checks that the calls of the view accept its parameters.
fn check_calls(page: ViewPage, view: &str) -> Result<(), ApiError> {
    let now = jiff::Timestamp::now();
    for path in scope::paths_of(page).iter().filter(|path| **path != scope::VIEW_PATH) {
        let query = scope::query_of((page, view), (path, ""), now)
            .ok_or_else(|| ApiError::invalid("window", "is not one of the page's windows"))?;
        match *path {
            "/api/v1/explore/series" => explore::check_series(&query)?,
            "/api/v1/explore/breakdown" => explore::check_breakdown(&query)?,
            "/api/v1/posts" => {}
            _ => live::check(&query)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_must_have_a_name_a_lifetime_and_a_view_that_its_calls_accept() {
        let link = |name: &str, page: ViewPage, query: &str, expires_in_seconds: i64| {
            checked(NewShareLink { name: name.to_owned(), page, query: query.to_owned(), expires_in_seconds })
        };
        let refused = |outcome: Result<NewShareLink, ApiError>, field: &str| {
            let refusal = outcome.unwrap_err();
            assert!(matches!(&refusal, ApiError::Rejected(wrong) if wrong.field == field), "{refusal}");
        };
        let (explore, live) = (ViewPage::Explore, ViewPage::Live);
        refused(link(" ", live, "", 3_600), "name");
        refused(link("a\0", live, "", 3_600), "name");
        refused(link("a", live, "", 3_599), "expires_in_seconds");
        refused(link("a", live, "", 90 * 86_400 + 1), "expires_in_seconds");
        for query in ["window=9y", "window=24h&window=7d", "tag=x", "city=%00", "q=a"] {
            refused(link("a", live, query, 3_600), "query");
        }
        for query in ["window=60s", "label=angry", "by=mood", "step=second", "tz=Mars", "min_churn=2", "x=1"]
        {
            refused(link("a", explore, query, 3_600), "query");
        }
        let kept =
            link(" a ", explore, "window=7d&city=Oslo&city=Bergen&post=1&tz=Europe%2FOslo", 3_600).unwrap();
        assert_eq!(
            (kept.name.as_str(), kept.query.as_str()),
            ("a", "window=7d&city=Oslo&city=Bergen&tz=Europe%2FOslo")
        );
        assert!(link("a", live, "window=5m&product=", 3_600).is_ok());
    }
}
