//! Service alerts for operators, based on how Groundswell itself is doing. Pure, like all of `alerting`.

mod condition_state; // the state of one condition: hold-off, hysteresis, and flap damping
mod symptoms; // faults that the latest measurements show
mod monitor; // all conditions of one process

pub use monitor::{MonitorParams, Notice, ServiceMonitor};
