//! sentiment_updates → aggregator and broadcaster.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

use super::connections::Connections;
use super::pipeline::Pipeline;
use crate::actors::downstream::Downstream;
use crate::actors::messages::{ApplyUpdate, Publish};
use crate::stream::UpdateEvent;

/// How long a stage may take to accept an update. One that takes longer, or is being rebuilt, starts from a fresh
/// state anyway.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hands every update of every process to this process's stages, in order.
pub fn start(connections: &Connections, pipeline: &Pipeline, io: &Handle) {
    let news = connections.news.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut news) = news else {
        return;
    };
    let aggregator = pipeline.apply.clone();
    let broadcaster = pipeline.publish.clone();
    io.spawn(async move {
        while let Some(event) = news.next().await {
            hand_over(&aggregator, &broadcaster, Arc::new(event)).await;
        }
    });
}

async fn hand_over(
    aggregator: &Downstream<ApplyUpdate>,
    broadcaster: &Downstream<Publish>,
    event: Arc<UpdateEvent>,
) {
    // Frames first: people wait for them. A stage that cannot be reached is being rebuilt; an aggregator then reads
    // its windows anew, and a broadcaster's sessions reconnect.
    let _ = broadcaster.send(Publish(Arc::clone(&event)), PATIENCE).await;
    let _ = aggregator.send(ApplyUpdate(event), PATIENCE).await;
}
