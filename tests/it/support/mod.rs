//! What the tests stand on: real servers, apps started on free ports, and faults as verbs.

pub mod front_door; // the calls alone, on real servers
pub mod source; // the project's own source, read as text
