//! Scores on demand, and the models in use.

pub mod handlers; // who reads the posts
pub mod score; // scores at once
