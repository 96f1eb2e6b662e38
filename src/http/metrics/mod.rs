//! Metrics: live windows, history over any range, and trending terms.

pub mod explain; // what distinguishes a period
pub mod explore; // series and breakdowns over any range
pub mod filter_parameters; // parameters that filter posts
pub mod live; // metrics of a window
pub mod range; // parameters of a range
pub mod trend_cache; // merged and cached term counts
pub mod trends; // trending terms
