//! Virality of single posts. Pure: no clock and no I/O; time is an argument.

pub mod score; // how far a post is likely to spread
