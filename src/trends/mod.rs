//! Trending terms and distinct authors, counted in bounded memory. Pure: no clock and no I/O.
//!
//! Every sketch can be merged with those from other processes and periods, in any order.

pub mod authors; // approximate count of distinct authors
pub mod tally; // approximate counts of the most frequent terms
pub mod terms; // the terms of one post

pub mod slice; // counts of terms and authors in a short period
pub mod slice_windows; // the slices of each window

pub mod contrast; // terms that one set of posts uses more often than another
pub mod ranking; // the terms shown, in order

mod stop_words; // words that reveal nothing about the subject
#[cfg(test)]
mod tests; // compares the sketches with exact counts of real posts
