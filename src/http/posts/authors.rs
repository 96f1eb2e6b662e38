//! Handler that returns what one author posted.

use actix_web::web::{Data, Json, Path};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::access::Viewer;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Parameters;
use crate::http::metrics::explore::zone;
use crate::http::metrics::range::{RangeName, RangeQuery};
use crate::http::state::AppState;
use crate::models::author::AuthorProfile;
use crate::store::posts::authors::{self, AuthorQuery};

/// Range of a profile.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuthorParameters {
    /// Start of the range, by event time, in RFC 3339.
    from: Option<Timestamp>,
    /// End of the range, exclusive, in RFC 3339; defaults to now.
    to: Option<Timestamp>,
    /// Range that ends now, instead of `from` and `to`; defaults to 30 days.
    window: Option<RangeName>,
    /// IANA time zone that determines when days and weeks begin, such as `Europe/Berlin`; defaults to UTC.
    tz: Option<String>,
}

/// Get what one author posted
///
/// An author is identified by platform and name: the handle, or the id if no handle is known, as in the parameter
/// `author` of `GET /api/v1/posts`, which lists the posts. The figures of an author with more than 10,000 posts in the
/// range are estimated from a `sample`; with more than 300,000, choose a shorter range.
#[utoipa::path(get, path = "/api/v1/authors/{platform}/{author}", tag = "posts", operation_id = "get_author",
    params(
        ("platform" = String, Path, description = "Platform on which the author posts"),
        ("author" = String, Path, description = "Handle of the author, or the id if no handle is known"),
        AuthorParameters,
    ),
    responses(
        (status = 200, body = AuthorProfile, description = "The profile of the author"),
        (status = 400, body = ErrorBody, description = "A parameter is invalid, or the range has too many posts (`window_too_long`)"),
        (status = 404, body = ErrorBody, description = "No stored post is by this author"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn profile(
    _: Viewer,
    state: Data<AppState>,
    path: Path<(String, String)>,
    Parameters(parameters): Parameters<AuthorParameters>,
) -> Result<Json<AuthorProfile>, ApiError> {
    let (platform, author) = path.into_inner();
    for (name, value) in [("platform", &platform), ("author", &author)] {
        if value.contains('\0') {
            return Err(ApiError::invalid(name, "must not contain NUL"));
        }
    }
    let AuthorParameters { from, to, window, tz } = parameters;
    let zone = zone(tz.as_deref())?;
    let now = Timestamp::now().to_zoned(zone.clone());
    let range = RangeQuery { window, from, to, ..RangeQuery::default() };
    let (from, to) = range.between_in(&now)?.unwrap_or(RangeName::Month.until(now.timestamp()));
    let query = AuthorQuery { platform, author, from, to, zone };
    let profile = authors::profile(&state.store, &query).await?;
    profile.map(Json).ok_or_else(|| ApiError::NotFound {
        what: format!("author `{}` on `{}`", query.author, query.platform),
    })
}
