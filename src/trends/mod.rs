//! Trending terms and distinct authors, counted in bounded memory. Pure: no clock and no I/O.
//!
//! Every sketch can be merged with those from other processes and periods, in any order.

pub mod authors; // approximate count of distinct authors
pub mod tally; // approximate counts of the most frequent terms
pub mod terms; // the terms of one post

pub mod slice; // both counts, for a short period
pub mod timeline; // the slices of each window

pub mod contrast; // terms that some posts use more than others
pub mod ranking; // the terms shown, in order

mod stop_words; // words that say nothing about the subject
#[cfg(test)]
mod tests; // the sketches against exact counts of real posts
