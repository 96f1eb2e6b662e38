//! Rollups, and the sums, series and breakdowns that are read from them.

pub mod breakdown; // parts of a range
pub(super) mod calendar; // starts of steps by the clock of a time zone
pub mod city_locations; // locations of cities
mod grouping; // which sums to compute, and how to group them
pub(super) mod hourly_rollups; // rollups by whole hours
pub mod summaries; // summaries for the metrics API
pub mod comparison; // two periods, and what differs between them
pub mod compaction_age; // how long fine buckets are kept
pub mod rollup_lock; // order in which rollups are changed and published
pub mod rollups; // exact sums by bucket, source, dimension and key
pub mod lines; // breakdowns over time
pub mod recount; // whether rollups are exact
mod rollup_rows; // rollup rows that contain requested sums
pub(super) mod sampling; // estimates from a sample
pub mod series; // time series of a range
pub(super) mod sum_columns; // the columns of sums, listed once
pub(super) mod sum_query; // sums from rollups or posts
pub(super) mod time_window; // time windows on bucket edges
