//! The registered claims (RFC 7519 section 4.1, RFC 9068 section 2.2) and the ones that tie a token to its login.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::name::{ClaimName, TextVisitor};
use super::read::read_once;

/// The most members that a payload may have.
pub(crate) const MAX_MEMBERS: usize = 64;

/// The claims around the application's own, as they were read: presence and JSON type are checked here, meaning is
/// checked by the verifier.
#[derive(Debug, Default)]
pub struct Registered<'de> {
    pub(crate) iss: Option<Cow<'de, str>>,
    pub(crate) sub: Option<Cow<'de, str>>,
    pub(crate) aud: Option<Audience<'de>>,
    pub(crate) exp: Option<NumericDate>,
    pub(crate) nbf: Option<NumericDate>,
    pub(crate) iat: Option<NumericDate>,
    pub(crate) jti: Option<Cow<'de, str>>,
    pub(crate) sid: Option<Cow<'de, str>>,
    pub(crate) auth_time: Option<NumericDate>,
    pub(crate) epoch: Option<u64>,
    pub(crate) rotation: Option<(u32, u16)>,
}

/// Reads every member that is not one of the application's own claims.
#[derive(Debug, Default)]
pub struct RegisteredReader<'de> {
    claims: Registered<'de>,
    sub: Option<Text<'de>>,
    iss: Option<Text<'de>>,
    jti: Option<Text<'de>>,
    sid: Option<Text<'de>>,
    unknown: Vec<Cow<'de, str>>,
    members: usize,
}

impl<'de> RegisteredReader<'de> {
    /// Reads the value that follows `name`. Members that nobody knows are skipped, but counted and remembered.
    ///
    /// # Errors
    ///
    /// A member twice, of the wrong type, or more than 64 of them.
    pub fn read<A: MapAccess<'de>>(&mut self, name: ClaimName<'de>, map: &mut A) -> Result<(), A::Error> {
        // Bytes, because the compiler tells byte strings apart by length and byte, and texts one after the other.
        match name.as_str().as_bytes() {
            b"iss" => read_once(&mut self.iss, map),
            b"sub" => read_once(&mut self.sub, map),
            b"aud" => read_once(&mut self.claims.aud, map),
            b"exp" => read_once(&mut self.claims.exp, map),
            b"nbf" => read_once(&mut self.claims.nbf, map),
            b"iat" => read_once(&mut self.claims.iat, map),
            b"jti" => read_once(&mut self.jti, map),
            b"sid" => read_once(&mut self.sid, map),
            b"auth_time" => read_once(&mut self.claims.auth_time, map),
            b"epoch" => read_once(&mut self.claims.epoch, map),
            b"gen" => read_once(&mut self.claims.rotation, map),
            _ => self.skip(name, map),
        }
    }

    /// The registered claims; `sub` is required.
    ///
    /// # Errors
    ///
    /// When `sub` is missing.
    pub fn finish<E: Error>(self) -> Result<Registered<'de>, E> {
        if self.sub.is_none() {
            return Err(E::missing_field("sub"));
        }
        let text = |claim: Option<Text<'de>>| claim.map(|Text(text)| text);
        Ok(Registered {
            iss: text(self.iss),
            sub: text(self.sub),
            jti: text(self.jti),
            sid: text(self.sid),
            ..self.claims
        })
    }

    /// Names must be unique (RFC 7519 section 4), the unknown ones too; their number is bounded, so is this search.
    fn skip<A: MapAccess<'de>>(&mut self, name: ClaimName<'de>, map: &mut A) -> Result<(), A::Error> {
        let name = name.into_inner();
        self.members += 1;
        if self.members > MAX_MEMBERS || self.unknown.contains(&name) {
            return Err(A::Error::custom("a member is there twice, or there are too many"));
        }
        self.unknown.push(name);
        map.next_value::<IgnoredAny>().map(|_| ())
    }
}

impl Registered<'_> {
    /// The subject's text; [`RegisteredReader::finish`] made sure that it is there.
    pub fn sub(&self) -> &str {
        self.sub.as_deref().unwrap_or_default()
    }
}

/// `aud`: one string, or an array of strings (RFC 7519 section 4.1.3).
#[derive(Debug, PartialEq, Eq)]
pub enum Audience<'de> {
    /// A single audience.
    One(Cow<'de, str>),
    /// Several, or one in an array.
    Many(Vec<Cow<'de, str>>),
}

impl Audience<'_> {
    /// Whether `audience` is one of them, compared byte for byte.
    pub fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|one| one == audience),
        }
    }
}

impl<'de> Deserialize<'de> for Audience<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AudienceVisitor;

        impl<'de> Visitor<'de> for AudienceVisitor {
            type Value = Audience<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of strings")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Audience::One(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Audience::One(Cow::Owned(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut many = Vec::new();
                while let Some(Text(text)) = seq.next_element()? {
                    if many.len() == MAX_MEMBERS {
                        return Err(A::Error::custom("too many audiences"));
                    }
                    many.push(text);
                }
                Ok(Audience::Many(many))
            }
        }

        deserializer.deserialize_any(AudienceVisitor)
    }
}

/// A JSON string and nothing else.
#[derive(Debug)]
struct Text<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(Self)
    }
}

/// Seconds since 1970-01-01T00:00:00Z (RFC 7519 section 2). Whole numbers up to the year 9999 only: a fraction, an
/// exponent, a sign or a string is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NumericDate(i64);

impl NumericDate {
    const LAST: u64 = 253_402_300_799;

    pub(crate) const fn seconds(self) -> i64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DateVisitor;

        impl Visitor<'_> for DateVisitor {
            type Value = NumericDate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of seconds")
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
                match i64::try_from(seconds) {
                    Ok(signed) if seconds <= NumericDate::LAST => Ok(NumericDate(signed)),
                    _ => Err(E::custom("a date beyond the year 9999")),
                }
            }
        }

        deserializer.deserialize_u64(DateVisitor)
    }
}
