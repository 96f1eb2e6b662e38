//! Metrics: live windows, history by range, trends.

pub mod explore; // series and breakdowns over any range
pub mod live; // metrics of a window
pub mod range; // parameters of a range
pub mod trend_cache; // merged and cached term counts
pub mod trends; // trending terms
