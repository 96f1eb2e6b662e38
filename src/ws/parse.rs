//! Parses operations sent by clients.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::live::protocol::{ClientOp, OpError, Subscribe};
use crate::models::live::FrameId;
use crate::models::subscription::{Feed, Filter};

/// Parses one text message as an operation.
///
/// Errors name unknown operations, fields and feeds, so that a typo is not mistaken for a feed without updates.
///
/// # Errors
/// If the message is not a valid operation.
pub fn client_op(text: &str) -> Result<ClientOp, OpError> {
    let mut fields: Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| op_error("invalid_json", format!("the message is not a JSON object: {error}")))?;
    let op = fields.remove("op");
    match op.as_ref().and_then(Value::as_str) {
        Some("subscribe") => {
            check_names(&fields, &["feeds", "filter", "max_rate", "delta", "since"])?;
            let subscribe: Subscribe = read(fields)?;
            if subscribe.since.as_deref().is_some_and(|since| since.parse::<FrameId>().is_err()) {
                let message = "`since` must be an id `epoch:offset` of a received frame";
                return Err(op_error("invalid_field", message.to_owned()));
            }
            if let Some(Err((field, problem))) = subscribe.filter.as_ref().map(Filter::check) {
                return Err(op_error("invalid_field", format!("`filter.{field}` {problem}")));
            }
            Ok(ClientOp::Subscribe(subscribe))
        }
        Some("unsubscribe") => {
            check_names(&fields, &["feeds"])?;
            read(fields).map(ClientOp::Unsubscribe)
        }
        Some("ping") => {
            check_names(&fields, &[])?;
            Ok(ClientOp::Ping)
        }
        Some(other) => {
            let message =
                format!("unknown operation `{other}`, expected `subscribe`, `unsubscribe` or `ping`");
            Err(op_error("unknown_op", message))
        }
        None => {
            let message = "`op` is missing, expected `subscribe`, `unsubscribe` or `ping`";
            Err(op_error("unknown_op", message.to_owned()))
        }
    }
}

/// Rejects unknown fields and feeds with error codes of their own, because these are the most common typos.
fn check_names(fields: &Map<String, Value>, allowed: &[&str]) -> Result<(), OpError> {
    if let Some(field) = fields.keys().find(|field| !allowed.contains(&field.as_str())) {
        let known = allowed.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let expected = if known.is_empty() { "no other fields" } else { known.as_str() };
        return Err(op_error("unknown_field", format!("unknown field `{field}`, expected {expected}")));
    }
    let feeds = fields.get("feeds").and_then(Value::as_array).into_iter().flatten();
    if let Some(feed) = feeds.filter_map(Value::as_str).find(|name| Feed::from_name(name).is_none()) {
        let feeds = Feed::ALL.map(|feed| format!("`{}`", feed.as_str())).join(", ");
        return Err(op_error("unknown_feed", format!("unknown feed `{feed}`, expected {feeds}")));
    }
    Ok(())
}

fn read<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, OpError> {
    serde_path_to_error::deserialize(Value::Object(fields))
        .map_err(|error| op_error("invalid_field", format!("`{}`: {}", error.path(), error.inner())))
}

fn op_error(code: &str, message: String) -> OpError {
    OpError { code: code.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::score::SentimentLabel;

    fn refused(text: &str, code: &str, named: &str) {
        let error = client_op(text).expect_err(text);
        assert_eq!(error.code, code, "{text}: {}", error.message);
        assert!(error.message.contains(named), "`{}` does not name {named}", error.message);
    }

    #[test]
    fn a_subscription_is_parsed_with_and_without_its_optional_fields() {
        let op = client_op(r#"{"op":"subscribe","feeds":["messages"]}"#).unwrap();
        assert_eq!(
            op,
            ClientOp::Subscribe(Subscribe {
                feeds: vec![Feed::Messages],
                filter: None,
                max_rate: None,
                delta: None,
                since: None
            })
        );
        let op = client_op(
            r#"{"op":"subscribe","feeds":["alerts"],"filter":{"product":"Solo","label":"negative"},"since":"a1:17"}"#,
        );
        let Ok(ClientOp::Subscribe(Subscribe { filter: Some(filter), since, .. })) = op else {
            panic!("{op:?}")
        };
        assert_eq!((filter.product.as_deref(), filter.label), (Some("Solo"), Some(SentimentLabel::Negative)));
        assert_eq!(since.as_deref(), Some("a1:17"));
    }

    #[test]
    fn unknown_names_are_reported() {
        refused("nonsense", "invalid_json", "not a JSON object");
        refused("[1]", "invalid_json", "not a JSON object");
        refused(r#"{"feeds":["metrics"]}"#, "unknown_op", "`op`");
        refused(r#"{"op":"subcribe","feeds":[]}"#, "unknown_op", "`subcribe`");
        refused(r#"{"op":"subscribe","feed":["metrics"]}"#, "unknown_field", "`feed`");
        refused(r#"{"op":"ping","x":1}"#, "unknown_field", "`x`");
        refused(r#"{"op":"subscribe","feeds":["metrics","weather"]}"#, "unknown_feed", "`weather`");
    }

    #[test]
    fn invalid_values_are_reported() {
        refused(r#"{"op":"subscribe"}"#, "invalid_field", "feeds");
        refused(r#"{"op":"subscribe","feeds":"metrics"}"#, "invalid_field", "feeds");
        refused(r#"{"op":"subscribe","feeds":[],"filter":{"town":"Oslo"}}"#, "invalid_field", "town");
        refused(r#"{"op":"subscribe","feeds":[],"filter":{"label":"angry"}}"#, "invalid_field", "angry");
        refused(r#"{"op":"subscribe","feeds":[],"max_rate":0}"#, "invalid_field", "between 0.1 and 1000");
        refused(r#"{"op":"subscribe","feeds":[],"filter":{"min_virality":101}}"#, "invalid_field", "100");
        refused(r#"{"op":"subscribe","feeds":[],"delta":"yes"}"#, "invalid_field", "delta");
        refused(r#"{"op":"subscribe","feeds":[],"since":"17"}"#, "invalid_field", "since");
        refused(r#"{"op":"subscribe","feeds":[],"since":"a:-1"}"#, "invalid_field", "since");
        refused(r#"{"op":"subscribe","feeds":[],"since":"a\u0000:1"}"#, "invalid_field", "since");
        refused(
            &format!(r#"{{"op":"subscribe","feeds":[],"since":"{}:1"}}"#, "a".repeat(65)),
            "invalid_field",
            "since",
        );
    }

    #[test]
    fn a_filter_is_at_most_as_long_as_what_posts_have() {
        for field in ["product", "platform", "channel", "city"] {
            let with =
                |text: &str| format!(r#"{{"op":"subscribe","feeds":[],"filter":{{"{field}":"{text}"}}}}"#);
            assert!(client_op(&with(&"a".repeat(128))).is_ok());
            refused(&with(&"a".repeat(129)), "invalid_field", &format!("filter.{field}"));
            refused(&with("a\\u0000"), "invalid_field", &format!("filter.{field}"));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            let _ = client_op(&text);
        }
    }
}
