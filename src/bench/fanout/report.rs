//! Report of `bench fanout`: medians over the rounds, and their ratios.

use serde::Serialize;

use super::subject::System;
use super::subscribers::Tally;

/// Measurements of one system in one round.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub system: System,
    pub connections: usize,
    pub messages_per_second: u32,
    pub cpu_us_per_delivery: f64,
    pub broker_cpu_us_per_delivery: f64,
    pub client_cpu_us_per_delivery: f64,
    pub idle_cpu_ms_per_second: f64,
    pub resident_bytes_per_connection: f64,
    pub n_expected: u64,
    pub tally: Tally,
}

impl Run {
    /// Formats the measurement as a progress line.
    pub fn summary(&self) -> String {
        let Self { connections, messages_per_second, tally, .. } = self;
        format!(
            "{} at {connections} × {messages_per_second}/s: {:.1} µs per delivery, p50 {:.1} ms, p99 {:.1} ms, {:.1} KB per connection, {} of {} delivered",
            self.system.name(),
            self.cpu_us_per_delivery,
            tally.p50_ms,
            tally.p99_ms,
            self.resident_bytes_per_connection / 1e3,
            tally.n_received,
            self.n_expected,
        )
    }
}

/// Report that `bench fanout` prints.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Medians, by number of subscribers and system.
    figures: Vec<Figures>,
    /// Groundswell's medians divided by each peer's; below 1, Groundswell is better.
    ratios: Vec<Ratio>,
    /// Peers that are unavailable on this machine, and why.
    missing: Vec<Missing>,
}

/// A peer that is unavailable on this machine.
#[derive(Debug, Clone, Serialize)]
pub struct Missing {
    /// The peer that was left out.
    pub system: System,
    /// Reason why the peer is unavailable, and how to install it.
    pub why: String,
}

/// Medians for one system with one number of subscribers.
#[derive(Debug, Clone, Serialize)]
struct Figures {
    system: System,
    connections: usize,
    messages_per_second: u32,
    rounds: usize,
    frame_bytes: usize,
    /// User and system time of the processes that serve subscribers, in microseconds per delivery.
    cpu_us_per_delivery: Spread,
    delivery_ms: Delivery,
    resident_bytes_per_connection: Spread,
    idle_cpu_ms_per_second: Spread,
    /// CPU time of the Redis instance between publisher and server, in microseconds per delivery.
    broker_cpu_us_per_delivery: f64,
    client_cpu_us_per_delivery: f64,
    /// Number of deliveries, across all rounds.
    n_deliveries: u64,
    n_lost: u64,
    n_disordered: u64,
    n_ended: u64,
}

#[derive(Debug, Clone, Serialize)]
struct Delivery {
    p50: Spread,
    p99: Spread,
    max: f64,
}

/// Median and range across the rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.collect();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
        } else {
            at(middle)
        };
        Self { median, min: at(0), max: at(sorted.len().wrapping_sub(1)) }
    }

    fn summary(self, unit: &str) -> String {
        format!("{:.1} {unit} ({:.1} to {:.1})", self.median, self.min, self.max)
    }
}

#[derive(Debug, Clone, Serialize)]
struct Ratio {
    peer: System,
    connections: usize,
    cpu: f64,
    p99: f64,
    resident: f64,
}

impl Report {
    /// Computes the report from the measurements of all rounds.
    pub fn of(runs: &[Run], missing: Vec<Missing>) -> Self {
        let mut figures: Vec<Figures> = Vec::new();
        for run in runs {
            let is_known =
                |known: &Figures| (known.system, known.connections) == (run.system, run.connections);
            if !figures.iter().any(is_known) {
                let same =
                    runs.iter().filter(|it| (it.system, it.connections) == (run.system, run.connections));
                figures.push(Figures::of(run, &same.collect::<Vec<_>>()));
            }
        }
        let ratios = ratios(&figures);
        Self { figures, ratios, missing }
    }

    /// Formats the report as table rows.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = Vec::new();
        for figures in &self.figures {
            let Figures { connections, messages_per_second, frame_bytes, .. } = figures;
            rows.push((
                figures.system.name(),
                format!("{connections} connections × {messages_per_second}/s, frames of {frame_bytes} bytes"),
            ));
            rows.push(("    CPU per delivery", figures.cpu_us_per_delivery.summary("µs")));
            rows.push(("  delivery p50", figures.delivery_ms.p50.summary("ms")));
            rows.push(("  delivery p99", figures.delivery_ms.p99.summary("ms")));
            let kilobytes = figures.resident_bytes_per_connection;
            let [median, min, max] =
                [kilobytes.median, kilobytes.min, kilobytes.max].map(|bytes| bytes / 1e3);
            rows.push(("    memory per connection", Spread { median, min, max }.summary("KB")));
            rows.push(("  idle", figures.idle_cpu_ms_per_second.summary("ms of CPU per second")));
            let Figures { n_deliveries, n_lost, n_disordered, n_ended, .. } = figures;
            rows.push((
                "  deliveries",
                format!(
                    "{n_deliveries}, {n_lost} lost, {n_disordered} out of order, {n_ended} connections ended"
                ),
            ));
        }
        for Ratio { peer, connections, cpu, p99, resident } in &self.ratios {
            rows.push((
                "ratio",
                format!(
                    "to {} at {connections}: CPU {cpu:.2}, p99 {p99:.2}, memory {resident:.2}",
                    peer.name()
                ),
            ));
        }
        rows.extend(self.missing.iter().map(|it| (it.system.name(), it.why.clone())));
        rows
    }
}

impl Figures {
    fn of(first: &Run, rounds: &[&Run]) -> Self {
        let spread = |value: fn(&Run) -> f64| Spread::of(rounds.iter().map(|run| value(run)));
        let sum = |value: fn(&Run) -> u64| rounds.iter().map(|run| value(run)).sum();
        Self {
            system: first.system,
            connections: first.connections,
            messages_per_second: first.messages_per_second,
            rounds: rounds.len(),
            frame_bytes: first.tally.frame_bytes,
            cpu_us_per_delivery: spread(|run| run.cpu_us_per_delivery),
            delivery_ms: Delivery {
                p50: spread(|run| run.tally.p50_ms),
                p99: spread(|run| run.tally.p99_ms),
                max: spread(|run| run.tally.max_ms).max,
            },
            resident_bytes_per_connection: spread(|run| run.resident_bytes_per_connection),
            idle_cpu_ms_per_second: spread(|run| run.idle_cpu_ms_per_second),
            broker_cpu_us_per_delivery: spread(|run| run.broker_cpu_us_per_delivery).median,
            client_cpu_us_per_delivery: spread(|run| run.client_cpu_us_per_delivery).median,
            n_deliveries: sum(|run| run.tally.n_received),
            n_lost: sum(|run| run.n_expected.saturating_sub(run.tally.n_received)),
            n_disordered: sum(|run| run.tally.n_disordered),
            n_ended: sum(|run| run.tally.n_ended),
        }
    }
}

fn ratios(figures: &[Figures]) -> Vec<Ratio> {
    let ours = |peer: &Figures| {
        figures.iter().find(|it| it.system == System::Groundswell && it.connections == peer.connections)
    };
    let peers = figures.iter().filter(|it| it.system != System::Groundswell);
    let ratio = |peer: &Figures| {
        let ours = ours(peer)?;
        Some(Ratio {
            peer: peer.system,
            connections: peer.connections,
            cpu: ours.cpu_us_per_delivery.median / peer.cpu_us_per_delivery.median,
            p99: ours.delivery_ms.p99.median / peer.delivery_ms.p99.median,
            resident: ours.resident_bytes_per_connection.median / peer.resident_bytes_per_connection.median,
        })
    };
    peers.filter_map(ratio).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(system: System, cpu: f64) -> Run {
        let tally = Tally {
            n_received: 9,
            n_disordered: 0,
            n_ended: 0,
            frame_bytes: 200,
            p50_ms: cpu,
            p99_ms: 2.0 * cpu,
            max_ms: 3.0 * cpu,
        };
        Run {
            system,
            connections: 10,
            messages_per_second: 20,
            cpu_us_per_delivery: cpu,
            broker_cpu_us_per_delivery: 0.0,
            client_cpu_us_per_delivery: 0.0,
            idle_cpu_ms_per_second: 0.0,
            resident_bytes_per_connection: 1_000.0 * cpu,
            n_expected: 10,
            tally,
        }
    }

    #[test]
    fn a_report_has_medians_of_the_rounds_and_ratios_to_each_peer() {
        let runs = [
            run(System::Groundswell, 8.0),
            run(System::Nchan, 12.0),
            run(System::Groundswell, 6.0),
            run(System::Nchan, 20.0),
            run(System::Groundswell, 100.0),
        ];
        let report = Report::of(&runs, Vec::new());
        assert_eq!(report.figures[0].cpu_us_per_delivery, Spread { median: 8.0, min: 6.0, max: 100.0 });
        assert_eq!(report.figures[1].cpu_us_per_delivery, Spread { median: 16.0, min: 12.0, max: 20.0 });
        assert_eq!((report.figures[0].n_deliveries, report.figures[0].n_lost), (27, 3));
        let [ratio] = report.ratios.as_slice() else { panic!("one peer") };
        assert_eq!((ratio.peer, ratio.cpu, ratio.p99, ratio.resident), (System::Nchan, 0.5, 0.5, 0.5));
    }
}
