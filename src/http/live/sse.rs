//! Handler that streams live updates as server-sent events, which `ws` then delivers.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::header::{self, ContentEncoding};
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::access::Viewer;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Parameters;
use crate::http::state::AppState;
use crate::models::bounded::{MaxRate, MinVirality};
use crate::models::live::FrameId;
use crate::models::score::SentimentLabel;
use crate::models::subscription::{Feed, Feeds, Filter, Subscription};
use crate::ws::EventsQuery;

/// Initial feeds, filter and position of an event stream.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsParameters {
    /// Feeds to receive, separated by commas: `metrics`, `messages`, `alerts`, `jobs` and `system`; defaults to the
    /// first three.
    feeds: Option<String>,
    /// Product that posts and alerts must be about.
    product: Option<String>,
    /// Platform that posts must come from and that alerts must concern.
    platform: Option<String>,
    /// Support or marketing channel that posts must carry.
    channel: Option<String>,
    /// City that posts must come from.
    city: Option<String>,
    /// Sentiment label that posts must have.
    label: Option<SentimentLabel>,
    /// Minimum predicted virality of posts, 0 to 100; does not apply to alerts.
    #[param(value_type = Option<f32>)]
    min_virality: Option<MinVirality>,
    /// Maximum number of posts per second, 0.1 to 1000; unlimited if absent.
    #[param(value_type = Option<f32>)]
    max_rate: Option<MaxRate>,
    /// Whether metrics are sent as changes to the previous frame; defaults to false.
    #[serde(default)]
    delta: bool,
    /// Newest frame id received so far, `epoch:offset`. The header `Last-Event-ID`, which browsers send when they
    /// reconnect, takes precedence.
    since: Option<String>,
}

/// Stream live updates as server-sent events
///
/// The frames are the same as on the WebSocket: `event` is the event, `data` the whole frame, and `id` the id of the
/// frame if it is the newest so far. A browser that reconnects receives what it missed, or else `subscribed` with
/// `recovered: false` followed by a fresh start, by the same rules as `subscribe` on the WebSocket.
#[utoipa::path(get, path = "/api/v1/events", tag = "live", operation_id = "listen", params(EventsParameters), responses(
    (status = 200, content_type = "text/event-stream", description = "An endless stream of events"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
    (status = 503, body = ErrorBody, description = "All live connections are in use, or live delivery is unavailable"),
))]
pub async fn listen(
    Viewer(principal): Viewer,
    state: Data<AppState>,
    request: HttpRequest,
    Parameters(parameters): Parameters<EventsParameters>,
) -> Result<HttpResponse, ApiError> {
    let query = parameters.read(last_event_id(&request))?;
    let events = state.sockets.events(&request, principal, query)?;
    let mut response = HttpResponse::Ok();
    response.content_type("text/event-stream");
    // Compression would delay events, and so would a proxy that buffers the response.
    response.insert_header(ContentEncoding::Identity).insert_header((header::CACHE_CONTROL, "no-store"));
    response.insert_header(("x-accel-buffering", "no"));
    Ok(response.streaming(events))
}

fn last_event_id(request: &HttpRequest) -> Option<String> {
    let id = request.headers().get("last-event-id")?.to_str().ok()?;
    (!id.is_empty()).then(|| id.to_owned())
}

impl EventsParameters {
    fn read(self, last_event_id: Option<String>) -> Result<EventsQuery, ApiError> {
        let since = last_event_id.or(self.since);
        let since = since.map(|since| since.parse::<FrameId>()).transpose();
        let defaults = Subscription::default();
        let filter = Filter {
            product: self.product,
            platform: self.platform,
            channel: self.channel,
            city: self.city,
            label: self.label,
            min_virality: self.min_virality,
        };
        filter.check().map_err(|(field, problem)| ApiError::invalid(field, problem))?;
        Ok(EventsQuery {
            since: since.map_err(|problem| ApiError::invalid("since", problem))?,
            subscription: Subscription {
                feeds: self.feeds.map_or(Ok(defaults.feeds), |names| feeds(&names))?,
                filter,
                max_rate: self.max_rate,
                delta: self.delta,
            },
        })
    }
}

fn feeds(names: &str) -> Result<Feeds, ApiError> {
    let feed = |name: &str| {
        Feed::from_name(name.trim()).ok_or_else(|| {
            let feeds = Feed::ALL.map(|feed| format!("`{}`", feed.as_str())).join(", ");
            ApiError::invalid("feeds", format!("has the unknown feed `{}`, expected {feeds}", name.trim()))
        })
    };
    names.split(',').map(feed).collect()
}
