//! Deserializes query parameters, some of which may be repeated.

use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// Error message for a parameter that is repeated although its field holds only one value.
pub(super) const REPEATED: &str = "must be given only once";

/// Maximum number of values of one parameter.
const VALUES_MAX: usize = 20;

/// Returns the error message for a parameter that is repeated too often.
pub(super) fn too_many() -> String {
    format!("must be given at most {VALUES_MAX} times")
}

/// Returns a deserializer that passes all values of a repeated parameter to one field: a `Vec` takes up to
/// [`VALUES_MAX`] of them, any other type exactly one.
pub(super) fn deserializer(
    pairs: Vec<(String, String)>,
) -> MapDeserializer<'static, impl Iterator<Item = (String, GivenValues)>, Error> {
    let mut given: Vec<(String, GivenValues)> = Vec::new();
    for (name, value) in pairs {
        match given.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.0.push(value),
            None => given.push((name, GivenValues(vec![value]))),
        }
    }
    MapDeserializer::new(given.into_iter())
}

/// Values of one parameter, in the order in which they were given.
pub(super) struct GivenValues(Vec<String>);

impl GivenValues {
    fn only(self) -> Result<String, Error> {
        let mut values = self.0.into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(Error::custom(REPEATED)),
        }
    }
}

impl<'de> IntoDeserializer<'de, Error> for GivenValues {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Implements the methods for types that are parsed from text.
macro_rules! parsed {
    ($($method:ident: $type:ty => $visit:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.only()?.parse::<$type>().map_err(Error::custom)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for GivenValues {
    type Error = Error;

    parsed! {
        deserialize_bool: bool => visit_bool;
        deserialize_u64: u64 => visit_u64;
        deserialize_i64: i64 => visit_i64;
        deserialize_f32: f32 => visit_f32;
        deserialize_f64: f64 => visit_f64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.only()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self.only()?.into_deserializer())
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.len() > VALUES_MAX {
            return Err(Error::custom(too_many()));
        }
        let values = self.0.into_iter().map(|value| Self(vec![value]));
        visitor.visit_seq(SeqDeserializer::new(values))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct
        identifier ignored_any
    }
}
