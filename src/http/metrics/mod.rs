//! Metrics: live windows, history by range, trends.

pub mod explore; // history over any range
pub mod live; // how people feel
pub mod range; // which stretch of history
pub mod trends; // what people speak of
