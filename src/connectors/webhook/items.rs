//! Finds the items of a body without parsing the rest, so that memory does not grow with the number of values.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::models::source::mapping::Pointer;

/// Returns the value at a pointer; `None` if there is none. If several members have the same name, the last one counts.
///
/// # Errors
/// If the text is not JSON.
pub fn find<'a>(json: &'a str, pointer: &Pointer) -> serde_json::Result<Option<&'a RawValue>> {
    let mut found: &RawValue = serde_json::from_str(json)?;
    for token in pointer.tokens() {
        match member(found.get().trim_start(), &token)? {
            Some(inner) => found = inner,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

fn member<'a>(json: &'a str, token: &str) -> serde_json::Result<Option<&'a RawValue>> {
    let mut reader = serde_json::Deserializer::from_str(json);
    match json.as_bytes().first() {
        Some(b'{') => reader.deserialize_map(Member(token)),
        Some(b'[') => reader.deserialize_seq(Member(token)),
        _ => Ok(None),
    }
}

/// Visitor that keeps only the member or element with this name or index.
struct Member<'token>(&'token str);

impl Member<'_> {
    /// Returns the index that the token represents. RFC 6901 allows no leading zeros.
    fn index(&self) -> Option<usize> {
        let is_index = self.0 == "0" || !self.0.starts_with(['0', '+']);
        is_index.then(|| self.0.parse().ok()).flatten()
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = object.next_key::<Cow<'de, str>>()? {
            if name == self.0 {
                found = Some(object.next_value()?);
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let index = self.index();
        let mut found = None;
        let mut i = 0_usize;
        while let Some(element) = array.next_element()? {
            if Some(i) == index {
                found = Some(element);
            }
            i += 1;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_at_a_pointer_is_found_without_parsing_the_others() {
        let check = |json: &str, pointer: &str, expected: Option<&str>| {
            let pointer = Pointer::try_from(pointer.to_owned()).unwrap();
            let found = find(json, &pointer).unwrap();
            assert_eq!(found.map(RawValue::get), expected, "{json} at {pointer:?}");
        };
        check("{\"a\": [1, 2]}", "", Some("{\"a\": [1, 2]}"));
        check(" {\"a\": [1, 2]} ", "/a", Some("[1, 2]"));
        check("{\"a\": [1, 2]}", "/a/1", Some("2"));
        check("{\"a\": [1, 2]}", "/a/2", None);
        check("{\"a\": [1, 2]}", "/a/01", None);
        check("{\"a\": [1, 2]}", "/a/-", None);
        check("{\"a\": [1, 2]}", "/a/+1", None);
        check("{\"a\": [1, 2]}", "/b", None);
        check("{\"a\": 1}", "/a/b", None);
        check("{\"a/b\": {\"m~n\": 3}}", "/a~1b/m~0n", Some("3"));
        check("{\"\": 4, \"0\": 5}", "/", Some("4"));
        check("{\"\": 4, \"0\": 5}", "/0", Some("5"));
        check("{\"\\u0061\": 6}", "/a", Some("6"));
        check("{\"a\": 1, \"a\": 2}", "/a", Some("2"));
        // Nested more deeply than the parser allows.
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        check(&format!("{{\"deep\": {deep}, \"a\": 7}}"), "/a", Some("7"));
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        let pointer = Pointer::try_from("/a".to_owned()).unwrap();
        for json in ["", "{", "{\"a\": 1", "{\"a\": 1} 2", "{'a': 1}", "{\"a\" 1}"] {
            assert!(find(json, &pointer).is_err(), "{json}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(json in ".{0,100}", pointer in "(/[a~0-1]{0,3}){0,4}") {
            if let Ok(pointer) = Pointer::try_from(pointer) {
                let _ = find(&json, &pointer);
            }
        }
    }
}
