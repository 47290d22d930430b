//! The registered claims (RFC 7519 section 4.1, RFC 9068 section 2.2), and the claims that connect a token with its
//! login.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::claims::{ClaimName, MAX_MEMBERS, OtherMembers, TextVisitor, read_once};
use crate::id::Position;

/// The claims of a token that are not the application's, as they were read. Here only the JSON types are checked; the
/// verifier checks presence and values. `jwt/issue` writes these claims.
#[derive(Debug, Default)]
pub struct Registered<'de> {
    pub(super) iss: Option<Text<'de>>,
    pub(super) sub: Option<Text<'de>>,
    pub(super) aud: Option<Audience<'de>>,
    pub(super) exp: Option<NumericDate>,
    pub(super) nbf: Option<NumericDate>,
    pub(super) iat: Option<NumericDate>,
    pub(super) jti: Option<Text<'de>>,
    pub(super) client_id: Option<Text<'de>>,
    pub(super) sid: Option<Text<'de>>,
    pub(super) auth_time: Option<NumericDate>,
    pub(super) epoch: Option<u64>,
    pub(super) position: Option<Position>,
    pub(super) ver: Option<u32>,
    pub(super) realm: Option<Text<'de>>,
    unknown: Vec<Cow<'de, str>>,
}

impl<'de> OtherMembers<'de> for Registered<'de> {
    /// Unknown members are skipped, but counted and checked for duplicates.
    fn read<A: MapAccess<'de>>(&mut self, name: ClaimName<'de>, map: &mut A) -> Result<(), A::Error> {
        // Bytes, because a match on byte strings compiles to a decision tree, and a match on strings to one
        // comparison after another.
        match name.as_str().as_bytes() {
            b"iss" => read_once(&mut self.iss, map),
            b"sub" => read_once(&mut self.sub, map),
            b"aud" => read_once(&mut self.aud, map),
            b"exp" => read_once(&mut self.exp, map),
            b"nbf" => read_once(&mut self.nbf, map),
            b"iat" => read_once(&mut self.iat, map),
            b"jti" => read_once(&mut self.jti, map),
            b"client_id" => read_once(&mut self.client_id, map),
            b"sid" => read_once(&mut self.sid, map),
            b"auth_time" => read_once(&mut self.auth_time, map),
            b"epoch" => read_once(&mut self.epoch, map),
            b"gen" => read_once(&mut self.position, map),
            b"ver" => read_once(&mut self.ver, map),
            b"realm" => read_once(&mut self.realm, map),
            _ => self.skip(name, map),
        }
    }

    fn subject<E: Error>(&self) -> Result<&str, E> {
        self.sub.as_ref().map(Text::as_str).ok_or_else(|| E::missing_field("sub"))
    }
}

impl<'de> Registered<'de> {
    /// Whether it has every claim that tokens of this library have had since the first version of their set of claims.
    pub(super) const fn is_complete(&self) -> bool {
        self.client_id.is_some()
            && self.sid.is_some()
            && self.auth_time.is_some()
            && self.epoch.is_some()
            && self.position.is_some()
    }

    /// Skips an unknown member. Names must be unique (RFC 7519 section 4), unknown ones too. Their number is limited,
    /// and with it the cost of this search.
    fn skip<A: MapAccess<'de>>(&mut self, name: ClaimName<'de>, map: &mut A) -> Result<(), A::Error> {
        let name = name.into_inner();
        if self.unknown.len() == MAX_MEMBERS || self.unknown.contains(&name) {
            return Err(A::Error::custom("duplicate member, or too many members"));
        }
        self.unknown.push(name);
        map.next_value::<IgnoredAny>().map(|_| ())
    }
}

/// `aud`: one string, or an array of strings (RFC 7519 section 4.1.3).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Audience<'de> {
    /// A string.
    One(Cow<'de, str>),
    /// An array of strings.
    Many(Vec<Cow<'de, str>>),
}

impl Audience<'_> {
    /// Whether `audience` is one of the audiences, compared byte by byte.
    pub(super) fn contains(&self, audience: &str) -> bool {
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

/// A JSON string.
#[derive(Debug)]
pub(super) struct Text<'de>(Cow<'de, str>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(Self)
    }
}

/// Seconds since 1970-01-01T00:00:00Z (RFC 7519 section 2). Only whole numbers up to the end of the year 9999 are
/// accepted: a fraction, an exponent, a sign or a string is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NumericDate(i64);

impl NumericDate {
    const LAST: u64 = 253_402_300_799;

    pub(super) const fn seconds(self) -> i64 {
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
                    _ => Err(E::custom("a date after the year 9999")),
                }
            }
        }

        deserializer.deserialize_u64(DateVisitor)
    }
}
