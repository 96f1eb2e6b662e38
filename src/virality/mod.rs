//! Virality of single posts. Pure: no clock and no I/O.

pub mod score; // how far a post is likely to spread
