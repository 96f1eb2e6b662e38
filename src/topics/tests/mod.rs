mod matching;
mod naive;
mod parsing;
pub mod round_trip;
