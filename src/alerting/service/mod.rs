//! Alerts for operators, based on measurements of the service itself. Pure, like all of `alerting`.

mod series; // the state of one condition: hold-off, hysteresis, and flap damping
mod symptoms; // faults that the latest measurements show
mod monitor; // all conditions of one process

pub use monitor::{MonitorParams, Notice, ServiceMonitor};
