//! Rollups, and the sums, series and breakdowns that are read from them.

pub mod breakdown; // what a range is made of
pub(super) mod calendar; // when steps begin
pub mod city_locations; // where cities lie
pub(super) mod hourly_rollups; // the rollups by whole hours
pub mod summaries; // what the metrics calls answer
pub mod resolution; // how long fine buckets are kept
pub mod rollup_guard; // the order in which rollups are changed and published
pub mod rollups; // exact sums by bucket, source, dimension and key
pub mod series; // a range step by step, by the clock of a time zone
pub(super) mod sum_columns; // the columns of sums, listed once
pub(super) mod sums; // what posts add up to
pub(super) mod window; // which stretch of time a metrics call is about
