//! Scheduled reports: their definitions, previews and runs.

pub mod preview; // a report as it would be sent
pub mod runs; // past and requested runs, and their documents
pub mod schedules; // reports as people define them
