//! sentiment_updates → live metrics and broadcaster.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::connections::Connections;
use super::pipeline::Pipeline;
use super::supervisors::Supervisors;
use crate::actors::messages::{ApplyUpdate, Publish};
use crate::actors::runtime::downstream::Downstream;
use crate::actors::runtime::stage_metrics::StageMetrics;
use crate::actors::runtime::supervision_plan::SupervisionPlan;
use crate::stream::{Stream, UpdateEvent};

/// Updates that may wait for this process's stages before it is told of a gap instead.
const UPDATES_WAITING_MAX: usize = 256;

/// How long a stage may take to accept an update. Live metrics that missed one receive a gap before the next.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Hands every update of every process to this process's stages, in order.
pub fn start(connections: &Connections, pipeline: &Pipeline, supervisors: &mut Supervisors) {
    let stream = connections.stream.clone();
    let (live_metrics, broadcaster) = (pipeline.apply.clone(), pipeline.publish.clone());
    supervisors.start_task(SupervisionPlan::task("listener"), None, move |stage_metrics| {
        let listener =
            Listener { live_metrics: live_metrics.clone(), broadcaster: broadcaster.clone(), stage_metrics };
        let stream = stream.clone();
        async move { listener.listen(&stream).await }
    });
}

struct Listener {
    live_metrics: Downstream<ApplyUpdate>,
    broadcaster: Downstream<Publish>,
    stage_metrics: Arc<StageMetrics>,
}

impl Listener {
    /// Subscribes anew in each life. A subscription begins with a gap, so what was published in between is read from
    /// where it is kept. Ends when the subscription does.
    async fn listen(&self, stream: &Stream) {
        let mut news = match stream.subscribe(UPDATES_WAITING_MAX).await {
            Ok(news) => news,
            Err(error) => return warn!(%error, "cannot subscribe to updates"),
        };
        let mut missed = false;
        while let Some(event) = news.next().await {
            let event = Arc::new(event);
            // Frames first: people wait for them. Sessions of a broadcaster that is being rebuilt reconnect.
            let _ = self.broadcaster.send(Publish(Arc::clone(&event)), TIMEOUT).await;
            if missed {
                missed = self.tell(Arc::new(UpdateEvent::Gap)).await;
            }
            missed |= self.tell(event).await;
            self.stage_metrics.finish(1);
        }
    }

    /// Whether the live metrics missed it.
    async fn tell(&self, event: Arc<UpdateEvent>) -> bool {
        self.live_metrics.send(ApplyUpdate(event), TIMEOUT).await.is_err()
    }
}
