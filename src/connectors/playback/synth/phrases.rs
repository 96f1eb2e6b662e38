//! Phrases for generated posts, with `{…}` slots that `write` fills.

mod negative;
mod neutral;
mod positive;

pub use negative::*;
pub use neutral::*;
pub use positive::*;
