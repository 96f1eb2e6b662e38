//! Checks that several topics share.

/// Reads a count of at least one.
///
/// # Errors
/// With what is allowed.
pub fn at_least_one(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|count| *count > 0).ok_or("must be a whole number, at least 1")
}
