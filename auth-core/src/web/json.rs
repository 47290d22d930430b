//! Request bodies that must be JSON objects.

use std::fmt;
use std::marker::PhantomData;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It was truncated.
    Incomplete,
    /// It is not an object, or not with the expected members.
    Members,
    /// It is larger than the limit.
    TooLarge,
    /// `Content-Type` does not say that it is JSON.
    UnsupportedType,
}

/// Reads a body that is a JSON object and says so. serde would also read a struct from an array of its fields.
pub(crate) fn json_object<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, BodyError> {
    if !says_json(headers) {
        return Err(BodyError::UnsupportedType);
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let object = Object(PhantomData).deserialize(&mut json).map_err(|_| BodyError::Members)?;
    json.end().map_err(|_| BodyError::Members)?;
    Ok(object)
}

/// Whether the only `Content-Type` is `application/json`, in any case, with or without parameters (RFC 9110 section
/// 8.3.1).
fn says_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else { return false };
    let kind = only.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

struct Object<T>(PhantomData<fn() -> T>);

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Object<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}
