//! What generated people say. `{…}` is filled in: see `write`.

mod negative;
mod neutral;
mod positive;

pub use negative::*;
pub use neutral::*;
pub use positive::*;
