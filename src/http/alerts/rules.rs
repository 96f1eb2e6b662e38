//! Handlers that list, create, replace, delete and try alert rules.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;

use crate::alerting::preview;
use crate::http::access::{Analyst, Viewer};
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, ActorHeader, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::alert_rule::{Metric, NewRule, Preview, Rule};
use crate::models::audit::Action;
use crate::models::evaluation::Group;
use crate::models::id::RuleId;
use crate::models::new_post::Rejection;
use crate::store::alerts::measurements::{self, StepsQuery};
use crate::store::alerts::rules::{self, RULES_MAX};
use crate::store::page::Page;

/// Maximum number of keys to evaluate when previewing a rule that covers every key; the chart shows one of them.
const PREVIEWED_MAX: i64 = 20;

/// Maximum body size in bytes; a rule takes up a few hundred.
pub(in crate::http) const BODY_BYTES_MAX: usize = 64 * 1024;

/// List all alert rules, built-in rules first
#[utoipa::path(get, path = "/api/v1/alert-rules", tag = "alerts", operation_id = "list_alert_rules", responses(
    (status = 200, body = Page<Rule>, description = "All rules on one page"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn list(
    _: Viewer,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Page<Rule>>, ApiError> {
    Ok(Json(Page { items: rules::list(&state.store).await?, next_cursor: None }))
}

/// Get one alert rule
#[utoipa::path(get, path = "/api/v1/alert-rules/{id}", tag = "alerts", operation_id = "get_alert_rule",
    params(("id" = RuleId, Path, description = "Id of the rule")),
    responses(
        (status = 200, body = Rule, description = "The rule"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The rule does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn get(
    _: Viewer,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Rule>, ApiError> {
    let id = extract::id(&path)?;
    rules::get(&state.store, id).await?.map(Json).ok_or_else(|| missing(id))
}

/// Create an alert rule
///
/// The first evaluation follows within seconds.
#[utoipa::path(post, path = "/api/v1/alert-rules", tag = "alerts", operation_id = "create_alert_rule",
    params(ActorHeader), request_body = NewRule,
    responses(
        (status = 201, body = Rule, description = "The stored rule"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, or the actor is not a name"),
        (status = 413, body = ErrorBody, description = "The limit of 200 rules is reached"),
        (status = 422, body = ErrorBody,
            description = "A field is invalid; see `details.field`. A channel that does not exist has the code `unknown_channel`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn create(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let (stamp, trail) = (extract::stamp(&request)?, Trail::of(&request)?);
    let rule = read(&request, payload).await?;
    rule.check().map_err(ApiError::Rejected)?;
    let made = rules::create(&state.store, &rule, &stamp).await?;
    let limit = RULES_MAX.unsigned_abs();
    let made = made.ok_or(ApiError::TooLarge { limit, what: "rules" })?;
    trail.created(Action::AlertRuleCreated, made.id, &made).await?;
    Ok(HttpResponse::Created().json(made))
}

/// Replace an alert rule
///
/// Open alerts that the new rule would not raise are resolved; all others stay open.
#[utoipa::path(put, path = "/api/v1/alert-rules/{id}", tag = "alerts", operation_id = "replace_alert_rule",
    params(("id" = RuleId, Path, description = "Id of the rule"), ActorHeader),
    request_body = NewRule,
    responses(
        (status = 200, body = Rule, description = "The stored rule"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, the id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The rule does not exist"),
        (status = 422, body = ErrorBody,
            description = "A field is invalid; see `details.field`. A channel that does not exist has the code `unknown_channel`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn replace(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    path: Path<String>,
) -> Result<Json<Rule>, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let (id, stamp, trail) = (extract::id(&path)?, extract::stamp(&request)?, Trail::of(&request)?);
    let rule = read(&request, payload).await?;
    rule.check_in_place_of(id).map_err(ApiError::Rejected)?;
    let before = rules::get(&state.store, id).await?;
    let stored = rules::update(&state.store, id, &rule, &stamp).await?;
    let stored = stored.ok_or_else(|| missing(id))?;
    trail.changed(Action::AlertRuleChanged, id, (&before, &stored)).await?;
    Ok(Json(stored))
}

/// Delete an alert rule
///
/// Open alerts of the rule are resolved. Built-in rules can only be disabled.
#[utoipa::path(delete, path = "/api/v1/alert-rules/{id}", tag = "alerts", operation_id = "delete_alert_rule",
    params(("id" = RuleId, Path, description = "Id of the rule")),
    responses(
        (status = 204, description = "The rule was deleted"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The rule does not exist"),
        (status = 422, body = ErrorBody, description = "The rule is built in"),
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
    let before = rules::get(&state.store, id).await?;
    if rules::delete(&state.store, id).await?.is_some() {
        trail.deleted(Action::AlertRuleDeleted, id, &before).await?;
        return Ok(HttpResponse::NoContent().finish());
    }
    if before.is_none() {
        return Err(missing(id));
    }
    let message = "built-in rules cannot be deleted; disable the rule instead".to_owned();
    Err(ApiError::Rejected(Rejection { code: "builtin", field: "id".to_owned(), message }))
}

/// Try an alert rule on the last day of data without storing it
///
/// A rule that covers every key is tried on the twenty keys with the most posts.
#[utoipa::path(post, path = "/api/v1/alert-rules/preview", tag = "alerts", operation_id = "preview_alert_rule",
    request_body = NewRule,
    responses(
        (status = 200, body = Preview, description = "The values it would have measured and the alerts it would have raised"),
        (status = 400, body = ErrorBody, description = "The body is not JSON"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn preview(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Preview>, ApiError> {
    let rule = read(&request, payload).await?;
    rule.check().map_err(ApiError::Rejected)?;
    let steps = preview::steps(&rule, Timestamp::now());
    let past = StepsQuery {
        group: Group {
            window_seconds: rule.window_seconds,
            dimension: rule.scope.dimension,
            is_viral: rule.metric == Metric::Virality,
        },
        key: rule.scope.key.clone(),
        n_keys: PREVIEWED_MAX,
        step_seconds: steps.seconds,
        from: steps.stretch.from,
        to: steps.stretch.to,
    };
    let minutes = measurements::steps(&state.store, &past).await?;
    Ok(Json(preview::preview(&rule, &minutes, steps)))
}

async fn read(request: &HttpRequest, payload: Payload) -> Result<NewRule, ApiError> {
    extract::json_body(request, payload, BODY_BYTES_MAX).await
}

fn missing(id: RuleId) -> ApiError {
    ApiError::NotFound { what: format!("alert rule `{id}`") }
}
