//! Encodes frames as JSON. Each frame is encoded once, however many sessions receive it.

use bytestring::ByteString;
use jiff::Timestamp;
use serde::Serialize;

use super::frame::{Frame, LiveFrame};
use super::outbox_batch::PostsSkipped;
use super::protocol::{OpError, Pong, Skipped, Subscribed};
use crate::models::alert::AlertRule;
use crate::models::live::{AlertChange, FrameId};
use crate::models::subscription::Feed;

/// Frame to encode, with borrowed data. All frames have these fields.
#[derive(Serialize)]
struct Envelope<'a, D> {
    event: &'static str,
    feed: Option<Feed>,
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<&'a str>,
    ts: Timestamp,
    data: &'a D,
}

/// Encodes an update as a frame of its feed, or a subscription as a reply.
///
/// # Errors
/// If the data cannot be represented as JSON, for example because the keys of a map are not strings. That would be a
/// bug in the types.
pub fn live(id: &FrameId, frame: LiveFrame<'_>) -> Result<Frame, serde_json::Error> {
    let header = |event, feed| FeedHeader { event, feed, id, base: None };
    match frame {
        LiveFrame::MetricsInitial(metrics) => header("metrics:initial", Feed::Metrics).frame(metrics),
        LiveFrame::MetricsUpdate(metrics) => header("metrics:update", Feed::Metrics).frame(metrics),
        LiveFrame::MetricsDelta(base, patch) => {
            FeedHeader { base: Some(base), ..header("metrics:delta", Feed::Metrics) }.frame(patch)
        }
        LiveFrame::MessageNew(scored) => header("message:new", Feed::Messages).frame(scored),
        LiveFrame::MessageUpdate(scored) => header("message:update", Feed::Messages).frame(scored),
        LiveFrame::Alert(change, alert) => {
            let event = match (change, alert.rule) {
                (AlertChange::Resolved, _) => "alert:resolved",
                (AlertChange::Raised, AlertRule::Negativity) => "alert:negativity",
                (AlertChange::Raised, AlertRule::Churn) => "alert:churn",
                (AlertChange::Raised, AlertRule::Spike) => "alert:spike",
                (AlertChange::Raised, AlertRule::Virality) => "alert:virality",
                (AlertChange::Raised, AlertRule::Threshold) => "alert:threshold",
            };
            header(event, Feed::Alerts).frame(alert)
        }
        LiveFrame::SystemUpdate(system) => header("system:update", Feed::System).frame(system),
        LiveFrame::Subscribed(state) => {
            let subscription = state.subscription;
            subscribed(&Subscribed {
                feeds: subscription.feeds.iter().collect(),
                filter: subscription.filter.clone(),
                max_rate: subscription.max_rate,
                delta: subscription.delta,
                recovered: state.recovered,
                since: state.since.map(ToString::to_string),
            })
        }
    }
}

/// Fields of a frame other than its data.
#[derive(Clone, Copy)]
struct FeedHeader<'a> {
    event: &'static str,
    feed: Feed,
    id: &'a FrameId,
    base: Option<&'a FrameId>,
}

impl FeedHeader<'_> {
    fn frame<D: Serialize>(self, data: &D) -> Result<Frame, serde_json::Error> {
        let Self { event, feed, id, base } = self;
        let (id, base) = (id.to_string(), base.map(ToString::to_string));
        let (feed, ts) = (Some(feed), Timestamp::now());
        let envelope = Envelope { event, feed, id: Some(&id), base: base.as_deref(), ts, data };
        let text = text_of(&envelope)?;
        Ok(Frame::new(event, Some(id.into()), text))
    }
}

/// Encodes the reply with the current subscription.
///
/// # Errors
/// The same as for [`live`].
pub fn subscribed(subscribed: &Subscribed) -> Result<Frame, serde_json::Error> {
    reply("subscribed", subscribed)
}

/// Encodes the reply to a rejected operation.
///
/// # Errors
/// The same as for [`live`].
pub fn error(error: &OpError) -> Result<Frame, serde_json::Error> {
    reply("error", error)
}

/// Encodes the reply to `ping`.
///
/// # Errors
/// The same as for [`live`].
pub fn pong() -> Result<Frame, serde_json::Error> {
    reply("pong", &Pong {})
}

/// Encodes a report on skipped posts.
///
/// # Errors
/// The same as for [`live`].
pub fn skipped(skipped: PostsSkipped) -> Result<Frame, serde_json::Error> {
    let PostsSkipped { by_rate, too_slow } = skipped;
    reply("message:skipped", &Skipped { by_rate, too_slow })
}

fn reply<D: Serialize>(event: &'static str, data: &D) -> Result<Frame, serde_json::Error> {
    let envelope = Envelope { event, feed: None, id: None, base: None, ts: Timestamp::now(), data };
    Ok(Frame::new(event, None, text_of(&envelope)?))
}

fn text_of<D: Serialize>(envelope: &Envelope<'_, D>) -> Result<ByteString, serde_json::Error> {
    serde_json::to_string(envelope).map(ByteString::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::protocol::ServerFrame;
    use crate::models::subscription::Filter;

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
            assert_eq!(keys_of(&text.text), ["data", "event", "feed", "id", "ts"], "{text:?}");
        }
    }

    #[test]
    fn encoded_frames_match_the_protocol() {
        let ack = ack();
        let Ok(ServerFrame::Subscribed(reply)) = serde_json::from_str(&subscribed(&ack).unwrap().text) else {
            panic!("no `subscribed` frame");
        };
        assert_eq!(reply.data, ack);
        assert!(matches!(serde_json::from_str(&pong().unwrap().text), Ok(ServerFrame::Pong(_))));
    }
}
