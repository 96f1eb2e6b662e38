//! On-demand scoring and model reloads.

pub mod handlers; // reloading of models
pub mod score; // scores on demand
