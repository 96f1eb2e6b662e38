//! Scheduled reports, their runs, and the documents that were sent.

pub mod runs; // runs, their leases and outcomes
pub mod schedules; // reports and when they are due
