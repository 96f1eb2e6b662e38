//! The whole, on real servers: every promise of the pipeline, and the fault that could break it.
//!
//! One binary, so that it is linked once and its tests share one PostgreSQL and one Redis. Long tests run shortened; with
//! `GROUNDSWELL_TEST_SOAK=1` they run in full.

mod architecture; // who may use whom
mod http_guard; // who may ask, and what every answer carries
mod http_ingest; // what becomes of posts that are sent
mod http_queries; // what the calls answer about what is stored
mod log_format; // how logs and errors sound

mod support; // servers, apps, faults
