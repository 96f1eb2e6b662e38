//! Phrases for generated posts. `write` fills their `{…}` slots.

mod negative;
mod neutral;
mod positive;

pub use negative::*;
pub use neutral::*;
pub use positive::*;
