//! Objects are read by their keys. What serde derives for a struct also takes a list and reads it by
//! position, and then `["because"]` would suspend a licence and `[]` be an edition of the lists.
use serde::Deserialize;
use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::Error;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde::de::value::SeqDeserializer;

/// Reads a text; a list is never taken for an object, however deep it stands.
pub(super) fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> serde_json::Result<T> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(Keyed(&mut reader))?;
    reader.end()?;
    Ok(value)
}

/// What reads, wrapped so that whatever stands within is wrapped too. It costs nothing while it runs.
pub(super) struct Keyed<T>(pub T);

/// The visitor of a struct.
struct Object<V>(V);

/// The visitor of what is nothing where it is null, as where it is not stated.
struct Stated<V>(V, Kind);

/// What may be null beside what may be left out by its type.
enum Kind {
    List,
    Truth,
    Number,
}

/// Hands a method on; what it reads holds nothing, or `$wrap` sees to what it holds.
macro_rules! hand_on {
    ($wrap:expr; $($method:ident($($arg:ident: $type:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(self $(, $arg: $type)*, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($arg,)* $wrap(visitor))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Keyed<D> {
    type Error = D::Error;

    hand_on! { std::convert::identity;
        deserialize_char() deserialize_str() deserialize_string()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_bytes() deserialize_byte_buf()
        deserialize_unit() deserialize_unit_struct(name: &'static str)
        deserialize_identifier() deserialize_ignored_any()
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    hand_on! { Keyed;
        deserialize_any() deserialize_option() deserialize_map()
        deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(len: usize) deserialize_tuple_struct(name: &'static str, len: usize)
    }

    hand_on! { Object;
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(Stated(visitor, Kind::List))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(Stated(visitor, Kind::Truth))
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(Stated(visitor, Kind::Number))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Stated<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        match self.1 {
            Kind::List => self.0.visit_seq(SeqDeserializer::new(std::iter::empty::<()>())),
            Kind::Truth => self.0.visit_bool(false),
            Kind::Number => self.0.visit_u64(0),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        match self.1 {
            Kind::List => inner.deserialize_seq(Keyed(self.0)),
            Kind::Truth => inner.deserialize_bool(self.0),
            Kind::Number => inner.deserialize_u64(self.0),
        }
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Object<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Keyed(map))
    }
}

/// Hands a value that holds nothing on.
macro_rules! hand_over {
    ($($method:ident: $type:ty,)*) => {
        $(fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.0.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Keyed<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.expecting(f)
    }

    hand_over! {
        visit_bool: bool,
        visit_i64: i64,
        visit_i128: i128,
        visit_u64: u64,
        visit_u128: u128,
        visit_f64: f64,
        visit_str: &str,
        visit_borrowed_str: &'de str,
        visit_string: String,
        visit_bytes: &[u8],
        visit_borrowed_bytes: &'de [u8],
        visit_byte_buf: Vec<u8>,
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Keyed(inner))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Keyed(inner))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Keyed(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Keyed(map))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Keyed<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Keyed(inner))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Keyed<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Keyed(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Keyed<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Keyed(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Inner {
        word: Option<String>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Outer {
        one: Option<Inner>,
        many: Vec<Inner>,
        truth: bool,
        number: u16,
        raw: Option<Box<RawValue>>,
        any: Option<serde_json::Value>,
    }

    #[test]
    fn an_object_is_read_by_its_keys_and_never_by_position() {
        let text =
            r#"{"one": {"word": "a"}, "many": [{"word": "b"}, {}], "raw": [ 1], "any": [{}]}"#;
        let read: Outer = from_str(text).unwrap();
        assert_eq!(read.one.unwrap().word.as_deref(), Some("a"));
        assert_eq!(read.many.len(), 2);
        assert_eq!(read.many.first().and_then(|inner| inner.word.as_deref()), Some("b"));
        assert_eq!(read.raw.unwrap().get(), "[ 1]");
        assert_eq!(read.any.unwrap(), serde_json::json!([{}]));
        let nothing: Outer = from_str(r#"{"many": null, "truth": null, "number": null}"#).unwrap();
        assert_eq!((nothing.many.len(), nothing.truth, nothing.number), (0, false, 0));
        let stated: Outer = from_str(r#"{"truth": true, "number": 7}"#).unwrap();
        assert_eq!((stated.truth, stated.number), (true, 7));
        for bad in ["[]", r#"{"one": ["a"]}"#, r#"{"many": [["a"]]}"#, r#"{"many": [[]]}"#, "{} {}"]
        {
            assert!(from_str::<Outer>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_tree_is_read_the_same() {
        let read = |tree: &serde_json::Value| Outer::deserialize(Keyed(tree));
        assert!(read(&serde_json::json!({"one": {"word": "a"}, "raw": [1]})).is_ok());
        let nothing = read(&serde_json::json!({"many": null, "truth": null, "number": null}));
        assert!(nothing.is_ok_and(|read| read.many.is_empty()));
        let error = read(&serde_json::json!({"one": ["a"]})).unwrap_err().to_string();
        assert_eq!(error, "invalid type: sequence, expected a map");
    }
}
