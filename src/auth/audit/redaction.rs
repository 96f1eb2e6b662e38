//! Removes secrets from payloads, in case a caller passes one.
//!
//! Callers pass what the API shows, which contains no secrets. This is a second line of defence: it hides values by the names
//! of their fields, the paths and queries of URLs, and texts that begin like our secrets.

use serde_json::Value;

/// Text that replaces a secret.
pub const HIDDEN: &str = "[hidden]";

/// Parts of the names of fields whose texts are secrets.
const SECRET_NAMES: [&str; 13] = [
    "secret",
    "password",
    "passphrase",
    "token",
    "credential",
    "authorization",
    "cookie",
    "api_key",
    "apikey",
    "private",
    "routing_key",
    "signature",
    "digest",
];

/// Beginnings of secrets: of webhooks, API keys, refresh tokens, share links and JSON Web Tokens.
const SECRET_BEGINNINGS: [&str; 5] = ["whsec_", "gsk_", "gsr_", "gss_", "eyJ"];

/// Maximum length of a text in characters. The audit log names what was changed; it does not keep copies of documents.
const TEXT_CHARS_MAX: usize = 2_000;

/// Returns the value without secrets and without NUL, which PostgreSQL does not store.
pub fn redacted(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| {
                    let value = if is_secret(&name) { hidden(value) } else { redacted(value) };
                    (printable(&name), value)
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(redacted).collect()),
        Value::String(text) => Value::String(redacted_text(&text)),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }
}

/// Hides every text and number in a secret. What only says whether there is a secret stays.
fn hidden(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (printable(&name), hidden(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(hidden).collect()),
        Value::String(text) if text.is_empty() => Value::String(text),
        Value::String(_) | Value::Number(_) => Value::String(HIDDEN.to_owned()),
        other @ (Value::Null | Value::Bool(_)) => other,
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

/// Returns the text without the parts of URLs that may be secret, shortened if it is long.
pub fn redacted_text(text: &str) -> String {
    if SECRET_BEGINNINGS.iter().any(|beginning| text.starts_with(beginning)) {
        return HIDDEN.to_owned();
    }
    let text = printable(text);
    let mut rest = text.as_str();
    let mut shown = String::new();
    while let Some((before, after)) = rest.split_once("://") {
        // The scheme stays. A user and a password may precede the host, and a path or query may contain a secret.
        let end = after.find(|c: char| c.is_whitespace() || "\"'<>".contains(c)).unwrap_or(after.len());
        let (url, following) = after.split_at(end);
        let (authority, path) = url.find(['/', '?', '#']).map_or((url, ""), |at| url.split_at(at));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        shown.push_str(before);
        shown.push_str("://");
        shown.push_str(host);
        if !path.is_empty() && path != "/" {
            shown.push('/');
            shown.push_str(HIDDEN);
        }
        rest = following;
    }
    shown.push_str(rest);
    if shown.chars().count() > TEXT_CHARS_MAX {
        shown = shown.chars().take(TEXT_CHARS_MAX).chain(['…']).collect();
    }
    shown
}

fn printable(text: &str) -> String {
    text.replace('\0', "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_hidden_by_name_and_by_form() {
        let check = |value: Value, expected: Value| assert_eq!(redacted(value), expected);
        check(json!({"password": "hunter2", "name": "a"}), json!({"password": HIDDEN, "name": "a"}));
        check(json!({"settings": {"secret": {"set": true}}}), json!({"settings": {"secret": {"set": true}}}));
        check(json!({"access_token": ["a", 1, null]}), json!({"access_token": [HIDDEN, HIDDEN, null]}));
        check(json!({"Credentials": {"id": "x"}}), json!({"Credentials": {"id": HIDDEN}}));
        check(json!(["whsec_abc", "gsk_1_2", "eyJhbGciOi"]), json!([HIDDEN, HIDDEN, HIDDEN]));
        check(json!("a\0b"), json!("ab"));
        check(json!([1, true, null]), json!([1, true, null]));
    }

    #[test]
    fn of_a_url_only_scheme_and_host_are_shown() {
        let check = |text: &str, expected: &str| assert_eq!(redacted_text(text), expected);
        check("https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/[hidden]");
        check("smtps://me:secret@mail.example.org:465", "smtps://mail.example.org:465");
        check("https://example.org", "https://example.org");
        check("https://example.org/", "https://example.org");
        check("https://example.org?token=abc", "https://example.org/[hidden]");
        check(
            "see https://a.org/x and http://b.org/y",
            "see https://a.org/[hidden] and http://b.org/[hidden]",
        );
        check("webhook+https://a.org/x#whsec_z", "webhook+https://a.org/[hidden]");
        check("no URL: a//b", "no URL: a//b");
        assert_eq!(redacted_text(&"é".repeat(TEXT_CHARS_MAX + 5)).chars().count(), TEXT_CHARS_MAX + 1);
    }
}
