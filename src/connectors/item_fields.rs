//! Fields of items as networks describe them, read with care: each is bounded, and what is not needed may be wrong.

use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Deserializer};
use serde_json::Value;

use crate::models::post::Engagement;

/// Largest count that is believed.
const COUNT_MAX: i64 = 1_000_000_000_000;

/// Reads a value that is not needed: what cannot be read is absent.
pub(super) fn if_readable<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// Returns a count, which networks write as text or as a number.
pub(super) fn count(value: &Value) -> Option<i64> {
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    (0..=COUNT_MAX).contains(&number).then_some(number)
}

/// Returns counts unless there are none.
pub(super) fn engagement(engagement: Engagement) -> Option<Engagement> {
    (engagement != Engagement::default()).then_some(engagement)
}

/// Returns a text without control characters other than line breaks.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// Returns at most so many characters of a text.
pub(super) fn bounded(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
        None => text.to_owned(),
    }
}
