//! Parses JSON into a [`NewPost`]. Errors name the invalid field.

use super::{NewPost, Rejection, reject};

/// Parses one JSON object as a post without validating its values; see [`super::accept`].
pub fn parse(json: &[u8]) -> Result<NewPost, Rejection> {
    // Serde would also read the fields of a struct from an array, which would surprise senders.
    if json.trim_ascii_start().first() == Some(&b'[') {
        return Err(reject("wrong_type", "", "send the post as a JSON object, not an array"));
    }
    // Tracking the path costs more than parsing, and nearly every post is valid.
    serde_json::from_slice(json).map_err(|_| explain(json))
}

/// Parses any JSON from which a post can be made.
pub fn parse_value(json: &[u8]) -> Result<serde_json::Value, Rejection> {
    serde_json::from_slice(json).map_err(|error| {
        let message = error.to_string();
        reject(code_of(&error, &message), "", &message)
    })
}

/// Parses again, tracking the path, to find out what is wrong and where.
fn explain(json: &[u8]) -> Rejection {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let outcome: Result<NewPost, _> = serde_path_to_error::deserialize(&mut reader);
    let (path, error) = match outcome {
        Err(error) => (error.path().to_string(), error.into_inner()),
        Ok(_) => return reject("malformed_json", "", "unexpected data after the post"),
    };
    let message = error.to_string();
    let code = code_of(&error, &message);
    let parent = if matches!(path.as_str(), "." | "?") { "" } else { path.as_str() };
    let field = match code {
        // The path of these errors ends at the object; the message names the field.
        "missing_field" | "duplicate_field" => join(parent, between_backticks(&message)),
        "unknown_field" if !parent.ends_with(between_backticks(&message)) => {
            join(parent, between_backticks(&message))
        }
        _ => parent.to_owned(),
    };
    Rejection { code, field, message }
}

fn code_of(error: &serde_json::Error, message: &str) -> &'static str {
    // serde_json distinguishes these only by message; the tests pin the messages.
    const WORDS: [(&str, &str); 10] = [
        ("unknown field", "unknown_field"),
        ("missing field", "missing_field"),
        ("duplicate field", "duplicate_field"),
        ("lone leading surrogate", "invalid_text"),
        ("unexpected end of hex escape", "invalid_text"),
        ("invalid unicode code point", "invalid_text"),
        ("number out of range", "out_of_range"),
        ("invalid value: integer", "out_of_range"),
        ("invalid type", "wrong_type"),
        ("invalid length", "wrong_type"),
    ];
    if let Some((_, code)) = WORDS.iter().find(|(words, _)| message.starts_with(words)) {
        return code;
    }
    // Only timestamps have their own string format.
    if error.is_data() { "invalid_time" } else { "malformed_json" }
}

fn between_backticks(message: &str) -> &str {
    message.split('`').nth(1).unwrap_or_default()
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}
