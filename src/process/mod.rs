//! Child processes: how they are started, and how much of the machine they may take.

pub mod background; // a child that is asked line by line, on CPU that would otherwise be idle
pub(crate) mod child; // a clean environment, and an end that comes with ours
