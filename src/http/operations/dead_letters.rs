//! Handlers that list and replay dead letters.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Payload};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, OneOfBuilder, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::http::access::{Admin, Analyst};
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, Parameters};
use crate::http::state::AppState;
use crate::models::new_post::Rejection;
use crate::stream::{DeadLetterPage, EntryId};

/// Maximum number of dead letters per page; each contains a whole post.
const LIMIT_MAX: usize = 500;

/// Maximum body size in bytes: room for thousands of ids of 30 bytes each.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// Page of dead letters to return.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeadLettersParameters {
    /// `next_cursor` of the previous page; absent for the first page.
    cursor: Option<String>,
    /// Maximum number of dead letters to return, 1 to 500; defaults to 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// Dead letters to replay.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Ids of the dead letters to replay; omitted with `all`.
    #[serde(default)]
    ids: Vec<String>,
    /// Whether to replay all dead letters; defaults to false.
    #[serde(default)]
    all: bool,
}

/// Written by hand because derived schemas cannot express a choice between `ids` and `all`.
impl PartialSchema for Replay {
    fn schema() -> RefOr<Schema> {
        let id =
            ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]{1,19}-[0-9]{1,19}$")).build();
        let ids = |description: &str| ArrayBuilder::new().items(id.clone()).description(Some(description));
        let all = |is_all: bool, description: &str| {
            let all = ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([is_all]));
            all.description(Some(description))
        };
        let base = || ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(false)));
        let some = base().property("ids", ids("The ids to replay.").min_items(Some(1))).required("ids");
        let every = base().property("all", all(true, "Replay every dead letter.")).required("all");
        OneOfBuilder::new()
            .item(some.property("all", all(false, "Replay only `ids`.")))
            .item(every.property("ids", ids("Must be empty.").max_items(Some(0))))
            .description(Some("The dead letters to replay."))
            .into()
    }
}

impl ToSchema for Replay {}

/// Outcome of a replay.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replayed {
    /// Number of dead letters returned to the stream; those that no longer existed are not counted.
    pub replayed: u64,
}

/// List dead letters, newest first
#[utoipa::path(get, path = "/api/v1/dead-letters", tag = "dead letters", operation_id = "list_dead_letters", params(DeadLettersParameters), responses(
    (status = 200, body = DeadLetterPage, description = "A page of dead letters"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
    (status = 503, body = ErrorBody, description = "Redis is unavailable"),
))]
pub async fn list(
    _: Analyst,
    state: Data<AppState>,
    Parameters(parameters): Parameters<DeadLettersParameters>,
) -> Result<Json<DeadLetterPage>, ApiError> {
    let limit = extract::limit(parameters.limit, LIMIT_MAX)?;
    let cursor = parameters.cursor.map(|cursor| {
        entry_id(&cursor)
            .ok_or_else(|| ApiError::invalid("cursor", "must be the `next_cursor` of a previous page"))
    });
    let cursor = cursor.transpose()?;
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    Ok(Json(state.dead_letters.list(cursor.as_ref(), limit).await?))
}

/// Replay dead letters
#[utoipa::path(post, path = "/api/v1/dead-letters/replay", tag = "dead letters", operation_id = "replay_dead_letters", request_body = Replay, responses(
    (status = 200, body = Replayed, description = "The number of dead letters returned to the stream"),
    (status = 400, body = ErrorBody, description = "The body is not JSON"),
    (status = 422, body = ErrorBody, description = "No ids are given, or one is invalid"),
    (status = 503, body = ErrorBody, description = "Redis is unavailable"),
))]
pub async fn replay(
    _: Admin,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<Replayed>, ApiError> {
    let replay: Replay = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    if replay.all != replay.ids.is_empty() {
        return Err(rejected("ids", "send either `ids` or `all`"));
    }
    if replay.all {
        return Ok(Json(Replayed { replayed: state.dead_letters.replay_all().await? }));
    }
    let ids = replay.ids.iter().map(|id| entry_id(id)).collect::<Option<Vec<_>>>();
    let ids = ids.ok_or_else(|| rejected("ids", "an id must look like `1714561200000-0`"))?;
    Ok(Json(Replayed { replayed: state.dead_letters.replay(&ids).await? }))
}

fn rejected(field: &str, message: &str) -> ApiError {
    ApiError::Rejected(Rejection {
        code: "invalid_field",
        field: field.to_owned(),
        message: message.to_owned(),
    })
}

/// Parses the id of a stream entry, which consists of two numbers separated by a hyphen.
fn entry_id(text: &str) -> Option<EntryId> {
    let (milliseconds, sequence) = text.split_once('-')?;
    let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit()) && part.parse::<u64>().is_ok();
    (is_number(milliseconds) && is_number(sequence)).then(|| EntryId::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_that_redis_could_assign_are_accepted() {
        assert!(entry_id("1714561200000-0").is_some());
        for text in ["", "-", "1-", "+", "1-2-3", "1 -2", "+1-2", "99999999999999999999-0", "a-b"] {
            assert!(entry_id(text).is_none(), "{text}");
        }
    }
}
