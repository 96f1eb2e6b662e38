//! Tasks of the audit log: inserting entries, linking them, and sending checkpoints elsewhere.

use std::time::Duration;

use tokio::sync::watch;
use tracing::warn;

use super::connections::Connections;
use super::supervisors::Supervisors;
use crate::actors::runtime::supervision_plan::SupervisionPlan;
use crate::auth::audit::auditor::AuditWriter;
use crate::auth::audit::chainer::{Chainer, ChainerParams, STEP_EVERY, Step};
use crate::auth::audit::publisher::Publisher;
use crate::config::Config;
use crate::config::ConfigError;
use crate::models::audit::SignedCheckpoint;
use crate::store::Store;

/// How long the last checkpoint may take to be delivered before the process ends.
const LAST_DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// Starts the tasks. Returns the work that remains for the end of the process.
///
/// # Errors
/// If the URL for checkpoints may not be reached.
pub fn start(
    config: &Config,
    connections: &Connections,
    supervisors: &mut Supervisors,
) -> Result<LastEntries, ConfigError> {
    let store = connections.alerting.clone();
    let (writer, insert_into) = (connections.audit_writer.clone(), store.clone());
    supervisors.start_task(SupervisionPlan::task("audit_writer"), None, move |stage_metrics| {
        let (writer, store) = (writer.clone(), insert_into.clone());
        async move {
            loop {
                let n_entries = writer.write_next(&store).await;
                stage_metrics.finish(u64::try_from(n_entries).unwrap_or_default());
            }
        }
    });
    let newest = watch::Sender::new(None);
    let params = ChainerParams {
        keys: connections.audit_keys.clone(),
        file: config.audit.audit_checkpoint_file.clone(),
        retention_months: config.audit.retention_months(),
    };
    let publisher = config.audit_checkpoint_url()?.map(|(egress, url)| Publisher {
        egress,
        url,
        newest: newest.subscribe(),
    });
    let last = LastEntries {
        writer: connections.audit_writer.clone(),
        store: store.clone(),
        params: params.clone(),
        newest: newest.clone(),
        publisher: publisher.clone(),
    };
    supervisors.start_task(SupervisionPlan::task("audit_chainer"), None, move |stage_metrics| {
        let mut chainer = Chainer::new(store.clone(), params.clone(), newest.clone());
        async move {
            loop {
                stage_metrics.begin(1);
                let step = chainer.step().await;
                stage_metrics.finish(1);
                match step {
                    Ok(Step::More) => continue,
                    Ok(Step::Done | Step::Busy) => {}
                    Err(error) => warn!(%error, "entries of the audit log wait to be chained"),
                }
                tokio::time::sleep(STEP_EVERY).await;
            }
        }
    });
    if let Some(publisher) = publisher {
        supervisors.start_task(SupervisionPlan::task("audit_publisher"), None, move |stage_metrics| {
            let mut publisher = publisher.clone();
            async move {
                while publisher.deliver_next().await {
                    stage_metrics.finish(1);
                }
            }
        });
    }
    Ok(last)
}

/// What remains to be done for the audit log when the process ends.
pub struct LastEntries {
    writer: AuditWriter,
    store: Store,
    params: ChainerParams,
    newest: watch::Sender<Option<SignedCheckpoint>>,
    publisher: Option<Publisher>,
}

impl LastEntries {
    /// Inserts and links the last entries, signs a last checkpoint, and sends it. Call this once no more requests arrive.
    pub async fn chain(self) {
        self.writer.flush(&self.store).await;
        let mut chainer = Chainer::new(self.store, self.params, self.newest.clone());
        if let Err(error) = chainer.finish().await {
            warn!(%error, "the last entries of the audit log are not chained, the next process chains them");
        }
        let newest = self.newest.borrow().clone();
        if let (Some(publisher), Some(signed)) = (self.publisher, newest) {
            // A receiver that does not respond must not delay the end; it gets a later checkpoint.
            let _ = tokio::time::timeout(LAST_DELIVERY_TIMEOUT, publisher.deliver(&signed)).await;
        }
    }
}
