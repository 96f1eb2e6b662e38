//! Value parsers shared by settings on several topics.

/// Parses a number that must be at least 1.
///
/// # Errors
/// A description of the allowed values, if `text` is not one of them.
pub fn at_least_one(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|count| *count > 0).ok_or("must be a whole number, at least 1")
}
