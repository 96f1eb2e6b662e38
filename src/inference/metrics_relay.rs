//! Measurements of the deep model's process, which this process adds to its own histograms.

use std::sync::{Arc, Mutex, PoisonError};

use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use serde::{Deserialize, Serialize};

use super::Tier;
use crate::telemetry::{INFERENCE_DECODE_SECONDS, INFERENCE_RUN_SECONDS, INFERENCE_TOKENIZE_SECONDS};

/// Names of the histograms whose measurements are passed on.
const FORWARDED: [&str; 3] = [INFERENCE_TOKENIZE_SECONDS, INFERENCE_RUN_SECONDS, INFERENCE_DECODE_SECONDS];

/// A duration in seconds, and the histogram that it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Timing {
    histogram: String,
    seconds: f64,
}

/// Adds measurements from a deep model process to this process's histograms.
pub(super) fn record(timings: &[Timing]) {
    let tier = Tier::Deep.as_str();
    for Timing { histogram, seconds } in timings {
        let histogram = match histogram.as_str() {
            INFERENCE_TOKENIZE_SECONDS => metrics::histogram!(INFERENCE_TOKENIZE_SECONDS, "tier" => tier),
            INFERENCE_RUN_SECONDS => metrics::histogram!(INFERENCE_RUN_SECONDS, "tier" => tier),
            INFERENCE_DECODE_SECONDS => metrics::histogram!(INFERENCE_DECODE_SECONDS, "tier" => tier),
            _ => continue,
        };
        histogram.record(*seconds);
    }
}

/// Measurements collected since [`Self::take`] was last called.
#[derive(Clone, Default)]
pub(super) struct Collected(Arc<Mutex<Vec<Timing>>>);

impl Collected {
    /// Removes and returns everything collected so far.
    pub fn take(&self) -> Vec<Timing> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Starts collecting measurements in a process that records no other metrics. A second call returns a collection that
/// stays empty.
pub(super) fn collect() -> Collected {
    let collected = Collected::default();
    // Fails only in tests in which both sides share a process that already has a recorder.
    let _ = metrics::set_global_recorder(Relay(collected.clone()));
    collected
}

struct Relay(Collected);

impl Recorder for Relay {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        match FORWARDED.into_iter().find(|name| *name == key.name()) {
            Some(name) => Histogram::from_arc(Arc::new(Named { name, collected: self.0.clone() })),
            None => Histogram::noop(),
        }
    }
}

struct Named {
    name: &'static str,
    collected: Collected,
}

impl HistogramFn for Named {
    fn record(&self, seconds: f64) {
        let timings = Timing { histogram: self.name.to_owned(), seconds };
        self.collected.0.lock().unwrap_or_else(PoisonError::into_inner).push(timings);
    }
}
