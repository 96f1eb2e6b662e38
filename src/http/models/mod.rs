//! Scores on demand and reloading of models.

pub mod handlers; // reloading of models
pub mod score; // scores on demand
