//! What people speak of and how many they are, counted in bounded memory. Pure: no time of day, no I/O.
//!
//! Every sketch can be merged with those of other processes and other times, in any order.

pub mod authors; // how many different authors there are
pub mod tally; // the most frequent of any number of terms
pub mod terms; // what one post is about

pub mod slice; // both, of a short stretch of time
pub mod timeline; // which slices there are, and which make a window

pub mod contrast; // what some posts speak of more than others
pub mod ranking; // what is shown of them

mod stop_words; // words that are frequent whatever people speak of
#[cfg(test)]
mod tests; // the sketches against exact counts of real posts
