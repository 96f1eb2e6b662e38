//! Shortens messages from hosts for display.

/// Maximum length in characters of a host's message when it is shown to people.
const EXCERPT_CHARS_MAX: usize = 200;

/// Returns the beginning of a host's message, on one line and without control characters.
pub(super) fn excerpt(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").chars().take(EXCERPT_CHARS_MAX).collect()
}
