//! Groundswell itself, reduced to the parts that serve subscribers.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Endpoint, SubjectParams};
use crate::bench::fanout::websocket_protocol::{Protocol, Stamp};
use crate::bench::process;
use crate::bench::server::Server;
use crate::models::id::PostId;
use crate::models::live::LiveUpdate;
use crate::models::post::{Post, ScoredPost, Source};
use crate::models::score::{Emotion, EmotionScores, ModelId, Score, Sentiment, SentimentLabel};
use crate::stream::{Stream, StreamParams, Updates};

/// Groundswell's live path, from the aggregator's publication in Redis through the broadcaster to the WebSocket
/// sessions.
///
/// A subscriber receives a post's complete frame, which is longer than the peers' messages.
pub struct Groundswell {
    server: Server,
    stream: Stream,
    updates: Updates,
    n_bytes: usize,
}

impl Groundswell {
    pub async fn start(params: &SubjectParams) -> anyhow::Result<Self> {
        let n_sockets_max = (params.n_connections + 100).to_string();
        let options =
            ["--roles", "web", "--fast-model", "lexicon", "--deep-model", "none", "--latency-budget", "0"];
        let options = options.into_iter().chain(["--sockets-max", &n_sockets_max]).map(str::to_owned);
        let server = Server::start(&options.collect::<Vec<_>>()).await?;
        let params_of_stream =
            StreamParams { redis_url: server.info.redis_url.clone(), prefix: server.info.prefix.clone() };
        let stream = Stream::connect(&params_of_stream).await?;
        let updates = stream.updates();
        Ok(Self { server, stream, updates, n_bytes: params.n_bytes })
    }

    pub fn endpoint(&self) -> Endpoint {
        let url = format!("{}/ws", self.server.info.address.replacen("http://", "ws://", 1));
        Endpoint { url, dialect: Protocol::Groundswell }
    }

    pub async fn publish(&self, stamp: Stamp) -> anyhow::Result<()> {
        let posts = vec![post(stamp, self.n_bytes)];
        let places = std::collections::BTreeMap::new();
        self.updates.publish(&LiveUpdate::Committed { delta: Vec::new(), posts, n_posts: 1, places }).await?;
        Ok(())
    }

    pub fn pid(&self) -> u32 {
        self.server.info.pid
    }

    pub fn broker_cpu_seconds(&self) -> f64 {
        self.server.info.redis_pid.map_or(0.0, process::cpu_seconds)
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        self.stream.close().await;
        self.server.stop().await
    }
}

/// Returns a post that carries the stamp and whose frame has at least `n_bytes` bytes.
fn post(stamp: Stamp, n_bytes: usize) -> ScoredPost {
    let now = Timestamp::now();
    let post = Post {
        uuid: PostId::now_v7(),
        id: stamp.number.to_string(),
        platform: "bench".to_owned(),
        text: stamp.padded_to(n_bytes.saturating_sub(FRAME_BYTES_AROUND_TEXT)),
        author: None,
        lang: None,
        created_at: now,
        received_at: now,
        original_created_at: None,
        source: Source::new("bench"),
        connector: None,
        city: None,
        country: None,
        lat: None,
        lon: None,
        products: Vec::new(),
        topics: Vec::new(),
        channel: None,
        url: None,
        parent_id: None,
        reach: 0,
        engagement: None,
    };
    let model = ModelId { name: "swift".to_owned(), version: "1".to_owned(), hash: String::new() };
    let sentiment =
        Sentiment { label: SentimentLabel::Neutral, score: 0.0, confidence: 1.0, uncertain: false };
    let score = Score {
        sentiment,
        emotion: Emotion { label: "neutral".to_owned(), scores: EmotionScores::default() },
        toxicity: 0.0,
        churn_risk: 0.0,
        virality: 0.0,
        model: Arc::new(model),
    };
    ScoredPost { post, score, awaits_correction: false }
}

/// Size in bytes of a post's frame without its text, which is padded to make longer messages.
const FRAME_BYTES_AROUND_TEXT: usize = 690;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::frame::LiveFrame;
    use crate::models::live::FrameId;

    #[test]
    fn the_frame_of_a_post_has_the_requested_length() {
        let stamp = Stamp { sent_at: 1_732_180_000_000_000, number: 1_000 };
        let id = FrameId { epoch: uuid::Uuid::now_v7().simple().to_string(), offset: 10_000 };
        let frame = crate::live::encode::live(&id, LiveFrame::MessageNew(&post(stamp, 1_000))).unwrap().text;
        assert!((950..=1_050).contains(&frame.len()), "{} bytes: {frame}", frame.len());
    }
}
