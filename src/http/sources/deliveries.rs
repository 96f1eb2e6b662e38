//! Receives deliveries of posts to webhooks.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde_json::value::RawValue;
use tracing::warn;
use uuid::Uuid;

use crate::connectors::ConnectorError;
use crate::connectors::webhook::{DELIVERY_ID_BYTES_MAX, Delivery, items, post_of};
use crate::http::access::Anyone;
use crate::http::body;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, EmptyQuery};
use crate::http::posts::handlers::require_room;
use crate::http::posts::ingest_body::{BODY_BYTES_MAX, Receipt, RejectedPost, Sorted, elements_of};
use crate::http::state::AppState;
use crate::models::id::SourceId;
use crate::models::new_post::{AcceptContext, Rejection, accept};
use crate::models::post;
use crate::models::source::{Network, Source, SourceCounts};
use crate::notify::signature::SignatureHeaders;
use crate::store::sources::webhook::{self, Delivered, Target};
use crate::telemetry::SOURCE_POSTS_TOTAL;

/// Headers of a signature, as defined by Standard Webhooks.
const HEADERS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

/// Deliver posts to a webhook
///
/// Accepts JSON in the format that the settings of the source describe: at most 8 MiB and 10,000 items of at most 256
/// KiB each, optionally compressed with gzip. The delivery must be signed with the secret of the source, as defined by
/// Standard Webhooks; the signature covers the uncompressed body. No token is needed. `202` means that the accepted
/// posts are in the stream and will not be lost. A post that was delivered before is not counted again. An invalid item
/// does not affect the others. After any other response, deliver again.
#[utoipa::path(post, path = "/api/v1/sources/{id}/events", tag = "sources", operation_id = "deliver_to_source",
    request_body(content = serde_json::Value, description = "JSON in the format that the settings of the source describe"),
    params(
        ("id" = SourceId, Path, description = "Id of the source"),
        ("webhook-id" = String, Header, description = "Id of the delivery, at most 200 bytes; unchanged when the delivery is repeated"),
        ("webhook-timestamp" = String, Header, description = "Seconds since 1970, at most 5 minutes from now"),
        ("webhook-signature" = String, Header,
            description = "`v1,` followed by the signature in base64; several signatures are separated by spaces"),
    ),
    responses(
        (status = 202, body = Receipt, description = "All posts except the rejected ones are in the stream"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, or the id of the delivery is too long"),
        (status = 401, body = ErrorBody, description = "The source does not exist, or the signature is missing, wrong or too old"),
        (status = 409, body = ErrorBody, description = "The source is paused (`source_paused`); deliver again later"),
        (status = 413, body = ErrorBody, description = "The body exceeds 8 MiB or 10,000 items"),
        (status = 415, body = ErrorBody, description = "The content type is not JSON"),
        (status = 422, body = ErrorBody, description = "There is nothing at the position of the items"),
        (status = 429, body = ErrorBody, description = "The stream is full; deliver again after `Retry-After` seconds"),
        (status = 503, body = ErrorBody, description = "Redis or PostgreSQL is unavailable; deliver again after `Retry-After` seconds"),
    ))]
pub async fn receive(
    _: Anyone,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let now = Timestamp::now();
    let signed = HEADERS.map(|name| header(&request, name).unwrap_or_default());
    let signed = SignatureHeaders::new(signed, now).ok_or(ApiError::BadSignature)?;
    // Checked before the body is read, because reading it would be wasted work under overload.
    require_room(&state, 1).await?;
    // Unauthenticated senders must not use up the memory for bodies.
    let (id, target) = target(&state, &path).await?;
    let body = body::receive_delivery(&request, payload, BODY_BYTES_MAX).await?;
    verify(&state, (id, &target), &signed, &body).await?;
    if target.is_paused {
        return Err(ApiError::Conflict {
            code: "source_paused",
            message: "the source is paused; deliver again after it is resumed".to_owned(),
        });
    }
    if signed.id().len() > DELIVERY_ID_BYTES_MAX {
        let problem = format!("must be at most {DELIVERY_ID_BYTES_MAX} bytes");
        return Err(ApiError::invalid("webhook-id", problem));
    }
    if extract::content_type(&request) != "application/json" {
        return Err(ApiError::UnsupportedMediaType { expected: "application/json" });
    }
    let context = context(&state, id, now);
    let delivery = Delivery { source: id, id: signed.id(), settings: &target.settings };
    let sorted = sort(&body, &delivery, &context)?;
    // Releases its memory to other bodies before waiting for Redis and PostgreSQL.
    drop(body);
    if !sorted.accepted.is_empty() {
        require_room(&state, sorted.accepted.len()).await?;
        state.producer.publish(&sorted.accepted).await?;
    }
    record(&state, id, &sorted, now).await;
    Ok(HttpResponse::Accepted().json(Receipt { accepted: sorted.accepted.len(), rejected: sorted.rejected }))
}

/// Returns the value of a header; `None` if it is absent or repeated.
fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let mut values = request.headers().get_all(name);
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Returns the source that a delivery is for. A source that does not exist causes the same error as a wrong signature;
/// ids are too long to be guessed.
async fn target(state: &AppState, path: &str) -> Result<(SourceId, Target), ApiError> {
    let id = path.parse().map_err(|_| ApiError::BadSignature)?;
    let target = webhook::target(&state.store, id).await?;
    Ok((id, target.ok_or(ApiError::BadSignature)?))
}

/// Checks that a delivery is signed with the secret of its source.
async fn verify(
    state: &AppState,
    (id, target): (SourceId, &Target),
    signed: &SignatureHeaders<'_>,
    body: &[u8],
) -> Result<(), ApiError> {
    let secret = secret_of(state, id, target).await?.ok_or(ApiError::BadSignature)?;
    if signed.are_by(&secret, body) { Ok(()) } else { Err(ApiError::BadSignature) }
}

/// Returns the secret of a source; `None` if it cannot be decrypted, which is then reported in the source's state.
async fn secret_of(state: &AppState, id: SourceId, target: &Target) -> Result<Option<String>, ApiError> {
    let opened = state.messenger.keyring().open(Uuid::from(id).as_bytes(), &target.sealed_secret);
    let secret = opened.ok().and_then(|secret| String::from_utf8(secret).ok());
    if secret.is_none() {
        webhook::need_key(&state.store, id, &target.sealed_secret).await?;
    }
    Ok(secret)
}

/// Returns what is known about deliveries to a webhook, in words; an inner error if they cannot be verified.
pub(super) async fn try_out(
    state: &AppState,
    source: &Source,
) -> Result<Result<String, ConnectorError>, ApiError> {
    let Some(target) = webhook::target(&state.store, source.id).await? else {
        return Err(super::missing(source.id));
    };
    if secret_of(state, source.id, &target).await?.is_none() {
        return Ok(Err(ConnectorError::NeedsKey(webhook::OTHER_KEY.to_owned())));
    }
    let arrived = match source.last_post_at {
        Some(at) => format!("the last post arrived at {at}"),
        None if source.counts.offered > 0 => "all posts so far were rejected".to_owned(),
        None => "nothing has been delivered so far".to_owned(),
    };
    Ok(Ok(format!("its secret verifies deliveries; {arrived}")))
}

/// Returns the rules by which posts of a webhook are accepted.
pub(super) fn context(state: &AppState, id: SourceId, now: Timestamp) -> AcceptContext {
    let source = post::Source::new(Network::Webhook.as_str());
    AcceptContext { now, retention: state.params.retention, source, connector: Some(id) }
}

/// Splits a delivery into items, and validates the post in each of them.
///
/// # Errors
/// 400 if it is not JSON, 413 for too many items, 422 if there is nothing at the position of the items.
pub(super) fn sort(
    body: &[u8],
    delivery: &Delivery<'_>,
    context: &AcceptContext,
) -> Result<Sorted, ApiError> {
    let mut sorted = Sorted::default();
    for (index, item) in items_of(body, delivery)?.into_iter().enumerate() {
        match post_of(item, index, delivery).and_then(|post| accept(post, context)) {
            Ok(post) => sorted.accepted.push(post),
            Err(why) => sorted.rejected.push(RejectedPost { index, why }),
        }
    }
    Ok(sorted)
}

fn items_of<'a>(body: &'a [u8], delivery: &Delivery<'_>) -> Result<Vec<&'a RawValue>, ApiError> {
    let not_json = |error: &dyn std::fmt::Display| {
        ApiError::MalformedBody(format!("the body is not valid JSON: {error}"))
    };
    let text = std::str::from_utf8(body).map_err(|error| not_json(&error))?;
    let pointer = delivery.settings.items.clone().unwrap_or_default();
    let found = items::find(text, &pointer).map_err(|error| not_json(&error))?;
    let Some(found) = found else {
        let message = format!("the body has no items at `{}`", pointer.as_str());
        return Err(ApiError::Rejected(Rejection { code: "missing_field", field: String::new(), message }));
    };
    match found.get().trim_start().starts_with('[') {
        true => elements_of(found.get()),
        false => Ok(vec![found]),
    }
}

/// Adds a delivery to the counts of its source. If this fails, only the counts are too low.
async fn record(state: &AppState, id: SourceId, sorted: &Sorted, now: Timestamp) {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let (stored, rejected) = (count(sorted.accepted.len()), count(sorted.rejected.len()));
    for (outcome, n) in [("stored", stored), ("rejected", rejected)] {
        let network = Network::Webhook.as_str();
        metrics::counter!(SOURCE_POSTS_TOTAL, "network" => network, "outcome" => outcome).increment(n);
    }
    let newest = sorted.accepted.iter().filter_map(|accepted| accepted.post.created_at).max();
    let delivered = Delivered {
        counts: SourceCounts { offered: stored + rejected, stored, rejected, erased: 0 },
        lag_seconds: newest.map(|at| now.duration_since(at).as_secs_f64().max(0.0)),
    };
    if let Err(error) = webhook::record(&state.store, id, &delivered).await {
        warn!(source = ?id, %error, "cannot count a delivery");
    }
}
