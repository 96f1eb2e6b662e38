//! Child processes: how they start, what they inherit, and how much of the CPU they may use.

pub mod background; // a child that handles one request per line, on otherwise idle CPU
pub mod chromium; // headless Chromium, which prints pages and reaches nothing
pub(crate) mod child; // a clean environment, and a lifetime bound to the parent's
