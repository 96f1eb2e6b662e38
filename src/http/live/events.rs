//! Where live news begins for those who only listen. What is said is in `ws`.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::header::{self, ContentEncoding};
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Parameters;
use crate::http::state::AppState;
use crate::models::bounded::{MaxRate, MinVirality};
use crate::models::live::FrameId;
use crate::models::score::SentimentLabel;
use crate::models::subscription::{Feed, Feeds, Filter, Subscription};
use crate::ws::EventsWish;

/// What to listen to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsParameters {
    /// `metrics`, `messages`, `alerts`, `jobs` and `system`, separated by commas; the first three when absent.
    feeds: Option<String>,
    /// Only posts and alerts of this product.
    product: Option<String>,
    /// Only posts and alerts of this platform.
    platform: Option<String>,
    /// Only posts of this channel.
    channel: Option<String>,
    /// Only posts from this city.
    city: Option<String>,
    /// Only posts that feel so.
    label: Option<SentimentLabel>,
    /// Only posts whose predicted virality is at least this, 0 to 100.
    #[param(value_type = Option<f32>)]
    min_virality: Option<MinVirality>,
    /// Posts a second, at most, 0.1 to 1000.
    #[param(value_type = Option<f32>)]
    max_rate: Option<MaxRate>,
    /// Whether metrics come as what has changed.
    #[serde(default)]
    delta: bool,
    /// The newest id seen, `epoch:offset`. The header `Last-Event-ID`, which browsers send on coming back, wins.
    since: Option<String>,
}

/// Live news, to listen to
///
/// The frames of the WebSocket as server-sent events: `event` is the event, `data` the whole frame, `id` the frame's id
/// where it is the newest. A browser that comes back gets what it missed, or `subscribed` says `recovered: false` and a
/// fresh start follows, by the rules of `subscribe` on the WebSocket.
#[utoipa::path(get, path = "/api/v1/events", tag = "live", operation_id = "listen", params(EventsParameters), responses(
    (status = 200, content_type = "text/event-stream", description = "News without end"),
    (status = 400, body = ErrorBody, description = "A parameter is wrong"),
    (status = 401, body = ErrorBody, description = "The token is missing"),
    (status = 403, body = ErrorBody, description = "The page that asks is not one of ours"),
    (status = 503, body = ErrorBody, description = "All places are taken, or nobody delivers at the moment"),
))]
pub async fn listen(
    state: Data<AppState>,
    request: HttpRequest,
    Parameters(wish): Parameters<EventsParameters>,
) -> Result<HttpResponse, ApiError> {
    let events = state.sockets.events(&request, wish.read(last_event_id(&request))?)?;
    let mut answer = HttpResponse::Ok();
    answer.content_type("text/event-stream");
    // Compressed, events would wait in the compressor; a proxy that gathers them would hold them back as well.
    answer.insert_header(ContentEncoding::Identity).insert_header((header::CACHE_CONTROL, "no-store"));
    answer.insert_header(("x-accel-buffering", "no"));
    Ok(answer.streaming(events))
}

fn last_event_id(request: &HttpRequest) -> Option<String> {
    let id = request.headers().get("last-event-id")?.to_str().ok()?;
    (!id.is_empty()).then(|| id.to_owned())
}

impl EventsParameters {
    fn read(self, last_event_id: Option<String>) -> Result<EventsWish, ApiError> {
        let since = last_event_id.or(self.since);
        let since = since.map(|since| since.parse::<FrameId>()).transpose();
        let defaults = Subscription::default();
        Ok(EventsWish {
            since: since.map_err(|problem| ApiError::invalid("since", problem))?,
            subscription: Subscription {
                feeds: self.feeds.map_or(Ok(defaults.feeds), |names| feeds(&names))?,
                filter: Filter {
                    product: self.product,
                    platform: self.platform,
                    channel: self.channel,
                    city: self.city,
                    label: self.label,
                    min_virality: self.min_virality,
                },
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
            ApiError::invalid("feeds", format!("`{}` is no feed; there are {feeds}", name.trim()))
        })
    };
    names.split(',').map(feed).collect()
}
