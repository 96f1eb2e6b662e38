//! Converts the values of an item to the types of a post's fields.

use jiff::{SignedDuration, Timestamp, Unit};
use serde_json::Value;

use crate::models::new_post::Rejection;
use crate::models::source::mapping::Pointer;

/// Smallest number that is read as milliseconds. As seconds, it is in the year 5138; as milliseconds, in 1973.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// Item whose values are read. Every method returns `None` if the value is not mapped, absent, null or empty, and an
/// error that names `field` if it has the wrong type.
pub struct Fields<'a>(pub &'a Value);

impl<'a> Fields<'a> {
    fn find(&self, pointer: Option<&Pointer>) -> Option<&'a Value> {
        let found = self.0.pointer(pointer?.as_str())?;
        let is_empty = found.is_null() || found.as_str().is_some_and(str::is_empty);
        (!is_empty).then_some(found)
    }

    /// Returns a text field.
    pub fn text(&self, field: &str, pointer: Option<&Pointer>) -> Result<Option<String>, Rejection> {
        let read = |value: &Value| value.as_str().map(str::to_owned);
        self.find(pointer).map(|value| fitting(field, value, "text", read(value))).transpose()
    }

    /// Returns an id: text, or an integer as text.
    pub fn id(&self, field: &str, pointer: Option<&Pointer>) -> Result<Option<String>, Rejection> {
        let read = |value: &Value| match value {
            // Different fractions, or integers of more than 64 bits, could become the same text.
            Value::Number(number) if !number.is_f64() => Some(number.to_string()),
            value => value.as_str().map(str::to_owned),
        };
        let expected = "text or a whole number";
        self.find(pointer).map(|value| fitting(field, value, expected, read(value))).transpose()
    }

    /// Returns a count: an integer, or text that contains one.
    pub fn count(&self, field: &str, pointer: Option<&Pointer>) -> Result<Option<i64>, Rejection> {
        let read = |value: &Value| match value {
            Value::String(text) => text.parse().ok(),
            value => value.as_i64(),
        };
        self.find(pointer).map(|value| fitting(field, value, "a whole number", read(value))).transpose()
    }

    /// Returns a number of degrees, or text that contains one.
    pub fn degrees(&self, field: &str, pointer: Option<&Pointer>) -> Result<Option<f64>, Rejection> {
        let read = |value: &Value| match value {
            Value::String(text) => text.parse().ok(),
            value => value.as_f64(),
        };
        self.find(pointer).map(|value| fitting(field, value, "a number", read(value))).transpose()
    }

    /// Returns a time: RFC 3339, or seconds or milliseconds since 1970 as a number or as text.
    pub fn time(&self, field: &str, pointer: Option<&Pointer>) -> Result<Option<Timestamp>, Rejection> {
        let Some(value) = self.find(pointer) else {
            return Ok(None);
        };
        time_of(value).map(Some).ok_or_else(|| {
            let message =
                format!("`{field}` must be a time in RFC 3339, or seconds or milliseconds since 1970");
            reject("invalid_time", field, message)
        })
    }

    /// Returns a value, or an error if it is missing.
    pub fn required<T>(&self, field: &str, pointer: &Pointer, value: Option<T>) -> Result<T, Rejection> {
        value.ok_or_else(|| {
            reject("missing_field", field, format!("the item has no `{field}` at `{}`", pointer.as_str()))
        })
    }
}

/// Returns the converted value, or an error that says what was expected.
fn fitting<T>(field: &str, value: &Value, expected: &str, converted: Option<T>) -> Result<T, Rejection> {
    converted.ok_or_else(|| {
        let message = format!("`{field}` must be {expected}, but is {}", kind_of(value));
        reject("wrong_type", field, message)
    })
}

fn time_of(value: &Value) -> Option<Timestamp> {
    let Value::String(text) = value else {
        return match value.as_i64() {
            Some(number) => whole(number),
            None => fractional(value.as_f64()?),
        };
    };
    let parsed = text.parse().ok().or_else(|| whole(text.parse().ok()?));
    parsed.or_else(|| fractional(text.parse().ok()?))
}

fn whole(number: i64) -> Option<Timestamp> {
    match number.checked_abs()? < MILLISECONDS_FROM {
        true => Timestamp::from_second(number).ok(),
        false => Timestamp::from_millisecond(number).ok(),
    }
}

fn fractional(number: f64) -> Option<Timestamp> {
    // The constant is exact as a float.
    let is_seconds = number.abs() < 100e9;
    let seconds = SignedDuration::try_from_secs_f64(if is_seconds { number } else { number / 1e3 }).ok()?;
    Timestamp::from_duration(seconds).ok()?.round(Unit::Microsecond).ok()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a fraction or too large a number",
        Value::Number(_) => "a number",
        Value::String(_) => "other text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Returns the rejection of an item.
pub fn reject(code: &'static str, field: &str, message: String) -> Rejection {
    Rejection { code, field: field.to_owned(), message }
}
