//! Frames as text. Each is encoded once, however many sessions get it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::frames::{OpError, Pong, Subscribed};
use crate::actors::broadcaster::LiveFrame;
use crate::models::alert::AlertRule;
use crate::models::live::{AlertChange, FrameId};
use crate::models::subscription::Feed;

/// The one shape of every frame, over borrowed data.
#[derive(Serialize)]
struct Envelope<'a, D> {
    event: &'a str,
    feed: Option<Feed>,
    id: Option<&'a str>,
    ts: Timestamp,
    data: &'a D,
}

/// Whatever the pipeline has to say, as a frame of its feed.
///
/// # Errors
/// As [`news`].
pub fn live(id: &FrameId, frame: LiveFrame<'_>) -> Result<Arc<str>, serde_json::Error> {
    let id = &id.to_string();
    match frame {
        LiveFrame::MetricsInitial(metrics) => {
            news(NewsHead { event: "metrics:initial", feed: Feed::Metrics, id }, metrics)
        }
        LiveFrame::MetricsUpdate(metrics) => {
            news(NewsHead { event: "metrics:update", feed: Feed::Metrics, id }, metrics)
        }
        LiveFrame::MessageNew(scored) => {
            news(NewsHead { event: "message:new", feed: Feed::Messages, id }, scored)
        }
        LiveFrame::MessageUpdate(scored) => {
            news(NewsHead { event: "message:update", feed: Feed::Messages, id }, scored)
        }
        LiveFrame::Alert(change, alert) => {
            let event = match (change, alert.rule) {
                (AlertChange::Resolved, _) => "alert:resolved",
                (AlertChange::Raised, AlertRule::Negativity) => "alert:negativity",
                (AlertChange::Raised, AlertRule::Churn) => "alert:churn",
                (AlertChange::Raised, AlertRule::Spike) => "alert:spike",
                (AlertChange::Raised, AlertRule::Virality) => "alert:virality",
                (AlertChange::Raised, AlertRule::Threshold) => "alert:threshold",
            };
            news(NewsHead { event, feed: Feed::Alerts, id }, alert)
        }
        LiveFrame::SystemUpdate(system) => {
            news(NewsHead { event: "system:update", feed: Feed::System, id }, system)
        }
    }
}

/// What names a frame of a feed.
#[derive(Debug, Clone, Copy)]
pub struct NewsHead<'a> {
    /// Such as `metrics:update`.
    pub event: &'static str,
    /// The feed it belongs to.
    pub feed: Feed,
    /// Its place in the sequence, `epoch:offset`.
    pub id: &'a str,
}

/// A frame of a feed.
///
/// # Errors
/// When the data cannot be JSON, such as a map whose keys are no text: a mistake in our types.
pub fn news<D: Serialize>(head: NewsHead<'_>, data: &D) -> Result<Arc<str>, serde_json::Error> {
    let NewsHead { event, feed, id } = head;
    text_of(&Envelope { event, feed: Some(feed), id: Some(id), ts: Timestamp::now(), data })
}

/// Tells a client what it is now subscribed to.
///
/// # Errors
/// As [`news`].
pub fn subscribed(subscribed: &Subscribed) -> Result<Arc<str>, serde_json::Error> {
    reply("subscribed", subscribed)
}

/// Tells a client that its operation was refused.
///
/// # Errors
/// As [`news`].
pub fn error(error: &OpError) -> Result<Arc<str>, serde_json::Error> {
    reply("error", error)
}

/// Answers a client's `ping`.
///
/// # Errors
/// As [`news`].
pub fn pong() -> Result<Arc<str>, serde_json::Error> {
    reply("pong", &Pong {})
}

fn reply<D: Serialize>(event: &str, data: &D) -> Result<Arc<str>, serde_json::Error> {
    text_of(&Envelope { event, feed: None, id: None, ts: Timestamp::now(), data })
}

fn text_of<D: Serialize>(envelope: &Envelope<'_, D>) -> Result<Arc<str>, serde_json::Error> {
    serde_json::to_string(envelope).map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::subscription::Filter;
    use crate::ws::frames::ServerFrame;

    fn ack() -> Subscribed {
        Subscribed {
            feeds: vec![Feed::Jobs],
            filter: Filter::default(),
            max_rate: None,
            delta: false,
            recovered: false,
            since: None,
        }
    }

    fn keys_of(text: &str) -> Vec<String> {
        let frame: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
        frame.keys().cloned().collect()
    }

    #[test]
    fn every_frame_has_the_five_fields_and_no_other() {
        let ack = ack();
        let refusal = OpError { code: "unknown_op".into(), message: "`x`".into() };
        for text in [subscribed(&ack).unwrap(), error(&refusal).unwrap(), pong().unwrap()] {
            assert_eq!(keys_of(&text), ["data", "event", "feed", "id", "ts"], "{text}");
        }
    }

    #[test]
    fn what_is_encoded_is_what_the_protocol_says() {
        let ack = ack();
        let Ok(ServerFrame::Subscribed(reply)) = serde_json::from_str(&subscribed(&ack).unwrap()) else {
            panic!("no `subscribed` frame");
        };
        assert_eq!(reply.data, ack);
        assert!(matches!(serde_json::from_str(&pong().unwrap()), Ok(ServerFrame::Pong(_))));
    }
}
