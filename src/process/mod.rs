//! Child processes: how they are started, and how much of the machine's CPU they may use.

pub mod background; // a child that handles one request per line, on otherwise idle CPU
pub(crate) mod child; // a clean environment, and a lifetime bound to the parent's
