//! sentiment_updates → aggregator and broadcaster.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

use super::connections::Connections;
use super::pipeline::Pipeline;
use crate::actors::messages::{ApplyUpdate, Publish};
use crate::stream::UpdateEvent;

/// How long a stage may take to accept an update. An aggregator that missed one is told so with the next.
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
        let mut missed = false;
        while let Some(event) = news.next().await {
            let event = Arc::new(event);
            // Frames first: people wait for them. Sessions of a broadcaster that is being rebuilt reconnect.
            let _ = broadcaster.send(Publish(Arc::clone(&event)), PATIENCE).await;
            if missed {
                missed = aggregator.send(ApplyUpdate(Arc::new(UpdateEvent::Gap)), PATIENCE).await.is_err();
            }
            missed |= aggregator.send(ApplyUpdate(event), PATIENCE).await.is_err();
        }
    });
}
