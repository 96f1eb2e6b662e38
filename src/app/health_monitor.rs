//! Measures how everything is, once a second, for HTTP and for dashboards.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::connections::Connections;
use crate::actors::downstream::Downstream;
use crate::actors::messages::PublishSystem;
use crate::actors::vitals::HealthBoard;
use crate::inference::ScorerFactory as _;
use crate::models::stage_health::{DependencyHealth, ModelHealth, SocketHealth, SystemHealth};
use crate::ws::Sockets;

/// How often it is measured. `/readyz` is this old, and some seconds older while a server that hangs is being asked.
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// Dashboards get every second measurement.
const SHOW_EVERY: u64 = 2;

/// What is measured.
pub struct Subject {
    /// The servers and the model.
    pub connections: Arc<Connections>,
    /// The stages.
    pub board: Arc<HealthBoard>,
    /// Who shows it to dashboards.
    pub show: Downstream<PublishSystem>,
    /// Who watches.
    pub sockets: Sockets,
    /// The most sockets there may be.
    pub sockets_max: u64,
    /// `embedded` or `external`.
    pub mode: &'static str,
    /// When the process started.
    pub started_at: Timestamp,
    /// Where to measure.
    pub io: Handle,
}

/// Starts measuring; the receiver always holds the newest.
pub fn start(subject: Subject) -> watch::Receiver<Arc<SystemHealth>> {
    let io = subject.io.clone();
    let (newest, receiver) = watch::channel(Arc::new(subject.without_servers()));
    io.spawn(async move {
        let mut ticks = tokio::time::interval(MEASURE_EVERY);
        for n in 0_u64.. {
            ticks.tick().await;
            let health = Arc::new(subject.measure().await);
            if n % SHOW_EVERY == 0 {
                // Nobody to show it to for the moment; the next is due soon.
                let _ = subject.show.try_send(PublishSystem(Arc::clone(&health)));
            }
            if newest.send(health).is_err() {
                return;
            }
        }
    });
    receiver
}

impl Subject {
    fn without_servers(&self) -> SystemHealth {
        let models = &self.connections.models;
        SystemHealth {
            at: Timestamp::now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            stages: self.board.snapshot(),
            stream: None,
            redis: DependencyHealth { reachable: false, error: Some("not asked yet".to_owned()) },
            postgres: DependencyHealth { reachable: false, error: Some("not asked yet".to_owned()) },
            model: ModelHealth { id: (*models.swift().model()).clone(), degraded: models.degraded() },
            mode: self.mode.to_owned(),
            sockets: SocketHealth { open: self.sockets.n_open(), limit: self.sockets_max },
        }
    }

    async fn measure(&self) -> SystemHealth {
        let (stream, postgres) =
            tokio::join!(self.connections.stream.health(), self.connections.reading.ping());
        let mut health = self.without_servers();
        health.redis = answer_of(stream.as_ref().err());
        health.postgres = answer_of(postgres.as_ref().err());
        health.stream = stream.ok();
        health
    }
}

fn answer_of(error: Option<&impl std::error::Error>) -> DependencyHealth {
    DependencyHealth { reachable: error.is_none(), error: error.map(ToString::to_string) }
}
