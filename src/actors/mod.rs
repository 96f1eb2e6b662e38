//! Who does what, and the messages between them. Data flows down and may wait; nothing flows up:
//! acknowledgement returns through the ticket, health through the supervisor.

pub mod downstream; // the address of the next stage, which outlives any incarnation
pub mod messages; // every message, on one page
pub mod supervisor;
pub mod ticket; // a batch's place in flight, and the promise of an answer
pub mod vitals; // what a stage says of itself // starts, watches, respawns, gives up
