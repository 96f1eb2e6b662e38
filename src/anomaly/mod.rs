//! Changes that nobody configured a rule for: a series against its own history.
//!
//! Counts, made even (`volume.rs`), are compared with the median of the hour of the week and the level of the last hours;
//! shares and sentiment (`mean.rs`) with the day before, by a test of two samples. How far from the middle is usual is
//! learned from each series, for posts come in crowds and textbook variances are too small. A change must be large as
//! well as unlikely, rest on enough posts, be beyond what the series does every week, and last.
//!
//! `groundswell bench signals` measures how often that is wrong.

pub mod root_cause; // which of many series says it best

pub mod evidence; // what a change goes by
pub mod history; // what a series did
pub mod judge; // whether what it does is unusual
pub mod watch; // whether that lasts

pub mod mean; // of another kind than the day before?
pub mod volume; // more than is usual at such a time?

mod peaks; // how high ordinary peaks are
mod robust; // middles that wild values do not move
