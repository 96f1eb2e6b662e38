//! Rollups, and the sums, series and breakdowns read from them.

pub mod breakdown; // parts of a range
pub(super) mod calendar; // starts of steps by the clock of a time zone
pub mod city_locations; // locations of cities
pub(super) mod hourly_rollups; // rollups by whole hours
pub mod summaries; // summaries for the metrics API
pub mod resolution; // how long fine buckets are kept
pub mod rollup_order; // order in which rollups are changed and published
pub mod rollups; // exact sums by bucket, source, dimension and key
pub mod series; // time series of a range
pub(super) mod sum_columns; // the columns of sums, listed once
pub(super) mod sums; // sums from rollups or posts
pub(super) mod window; // time windows on bucket edges
