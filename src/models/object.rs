//! Deserialization from JSON objects only. Serde would also accept an array as the fields in declaration order.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// Deserializes a value from an object.
///
/// # Errors
/// If the input is not an object, or does not fit the type.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(ObjectVisitor(PhantomData))
}

/// Deserializes a value from an object or null.
///
/// # Errors
/// The same as for [`object`].
pub fn optional_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_option(OptionVisitor(PhantomData))
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object))
    }
}

struct OptionVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OptionVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        object(deserializer).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        a: u8,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Outer {
        #[serde(deserialize_with = "object")]
        must: Inner,
        #[serde(default, deserialize_with = "optional_object")]
        may: Option<Inner>,
    }

    #[test]
    fn only_an_object_is_read() {
        let check = |json: &str, expected: Option<Outer>| {
            assert_eq!(serde_json::from_str(json).ok(), expected, "{json}");
            // The same holds for an already parsed value.
            let tree: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::from_value(tree).ok(), expected, "{json}");
        };
        let both = Outer { must: Inner { a: 1 }, may: Some(Inner { a: 2 }) };
        let one = || Some(Outer { must: Inner { a: 1 }, may: None });
        check(r#"{"must": {"a": 1}, "may": {"a": 2}}"#, Some(both));
        check(r#"{"must": {"a": 1}, "may": null}"#, one());
        check(r#"{"must": {"a": 1}}"#, one());
        for wrong in ["[1]", "null", "1", "\"a\"", "{}", r#"{"a": 256}"#, r#"{"a": 1, "b": 2}"#] {
            check(&format!("{{\"must\": {wrong}}}"), None);
        }
        check(r#"{"must": {"a": 1}, "may": [2]}"#, None);
        check(r#"{"must": {"a": 1}, "may": 2}"#, None);
    }

    #[test]
    fn errors_name_the_path_into_the_object() {
        let mut reader = serde_json::Deserializer::from_str(r#"{"must": {"a": "x"}}"#);
        let error = serde_path_to_error::deserialize::<_, Outer>(&mut reader).unwrap_err();
        assert_eq!(error.path().to_string(), "must.a");
    }
}
