//! Listener for the updates of all processes on `sentiment_updates`, which passes them to the live metrics as
//! ApplyUpdate and to the broadcaster as Publish.

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

/// Maximum number of updates queued for the stages of this process. Any further updates are dropped and reported as a
/// gap.
const UPDATES_QUEUED_MAX: usize = 256;

/// How long a stage may take to accept an update. If the live metrics miss one, they receive a gap before the next one.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Starts the task that passes the updates of all processes to the stages of this process, in order.
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
    /// Subscribes, and passes updates on until the subscription ends. Each subscription starts with a gap, after which
    /// the stages recover what was published before.
    async fn listen(&self, stream: &Stream) {
        let mut updates = match stream.subscribe(UPDATES_QUEUED_MAX).await {
            Ok(updates) => updates,
            Err(error) => return warn!(%error, "cannot subscribe to updates"),
        };
        let mut missed = false;
        while let Some(event) = updates.next().await {
            let event = Arc::new(event);
            // The broadcaster comes first, because people are waiting for frames. If it is restarting, its sessions
            // reconnect.
            let _ = self.broadcaster.send(Publish(Arc::clone(&event)), TIMEOUT).await;
            if missed {
                missed = self.apply(Arc::new(UpdateEvent::Gap)).await;
            }
            missed |= self.apply(event).await;
            self.stage_metrics.finish(1);
        }
    }

    /// Passes an event to the live metrics, and returns whether they missed it.
    async fn apply(&self, event: Arc<UpdateEvent>) -> bool {
        self.live_metrics.send(ApplyUpdate(event), TIMEOUT).await.is_err()
    }
}
