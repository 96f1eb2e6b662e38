//! Scores texts on demand and reloads models.

pub mod reload; // reloading of models
pub mod score; // scores on demand
