//! Numbers to verdicts. Pure: no time of day, no I/O; time is an argument.

pub mod rules; // how far one post is likely to travel
