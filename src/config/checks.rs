//! Checks that several topics share.

/// Parses a number that must be at least one.
///
/// # Errors
/// A description of the allowed values.
pub fn at_least_one(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|count| *count > 0).ok_or("must be a whole number, at least 1")
}
