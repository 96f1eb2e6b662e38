//! From measurements of the service itself to what its operators are notified of. Pure, as everything in `alerting`.

mod series; // one condition through time: hold-off, hysteresis, and ever more patience with what flaps
mod symptoms; // what the newest measurement, and a little memory of those before, say is wrong
mod watch; // all conditions of one process

pub use watch::{Notice, ServiceWatch, WatchParams};
