//! The JWS layer (RFC 7515): format, header, key and signature, independent of claims.

use std::borrow::Cow;
use std::fmt;

use base64_simd::{AsOut as _, URL_SAFE_NO_PAD};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::Algorithm;
use super::error::VerifyError;
use super::jwk::algorithm_name;
use super::verifying::VerifyingKey;
use crate::claims::{ClaimName, MAX_MEMBERS, OptionalClaim, RequiredClaim};

/// The length of the longest signature in bytes: RSA with 8192 bits.
const MAX_SIGNATURE: usize = 1024;

/// The maximum length of the header segment in bytes. Headers have a few short members.
const MAX_HEADER: usize = 2048;

/// The requirements on a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderPurpose {
    /// Any signed data.
    Any,
    /// An access token: `typ` is `at+jwt`, and there is no `cty`, so the payload is not a nested token.
    AccessToken,
}

/// A compact serialisation, split into its segments and not verified yet.
#[derive(Clone, Copy)]
pub(super) struct Compact<'a> {
    message: &'a [u8],
    header: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Compact<'a> {
    /// Checks the length, then splits into exactly three segments without allocating. The payload may be empty
    /// (RFC 7515 section 7.1 allows it); a token refuses that.
    pub(super) fn split(compact: &'a [u8], max_length: usize) -> Result<Self, VerifyError> {
        if compact.len() > max_length {
            return Err(VerifyError::TooLarge);
        }
        let (header, rest) = split_at_dot(compact)?;
        let (payload, signature) = split_at_dot(rest)?;
        if header.is_empty() || header.len() > MAX_HEADER || signature.is_empty() {
            return Err(VerifyError::Malformed);
        }
        if memchr::memchr(b'.', signature).is_some() {
            return Err(VerifyError::Malformed);
        }
        let message = compact.get(..header.len() + 1 + payload.len()).ok_or(VerifyError::Malformed)?;
        Ok(Self { message, header, payload, signature })
    }

    pub(super) const fn has_empty_payload(&self) -> bool {
        self.payload.is_empty()
    }

    pub(super) const fn header(&self) -> &'a [u8] {
        self.header
    }
}

fn split_at_dot(bytes: &[u8]) -> Result<(&[u8], &[u8]), VerifyError> {
    let dot = memchr::memchr(b'.', bytes).ok_or(VerifyError::Malformed)?;
    match (bytes.get(..dot), bytes.get(dot + 1..)) {
        (Some(before), Some(after)) => Ok((before, after)),
        _ => Err(VerifyError::Malformed),
    }
}

/// Checks the signature. Base64url is decoded strictly: no padding, no other alphabet, and unused bits are zero.
pub(super) fn check_signature(key: &VerifyingKey, signed: &Compact<'_>) -> Result<(), VerifyError> {
    if signed.signature.len() > (MAX_SIGNATURE * 4).div_ceil(3) {
        return Err(VerifyError::Malformed);
    }
    let mut buffer = [0; MAX_SIGNATURE];
    let signature = URL_SAFE_NO_PAD
        .decode(signed.signature, buffer.as_mut_slice().as_out())
        .map_err(|_| VerifyError::Malformed)?;
    match key.verifies(signed.message, signature) {
        true => Ok(()),
        false => Err(VerifyError::SignatureMismatch),
    }
}

/// The bytes of the payload. To be called after the signature was checked.
pub(super) fn decode_payload(signed: &Compact<'_>) -> Result<Vec<u8>, VerifyError> {
    URL_SAFE_NO_PAD.decode_to_vec(signed.payload).map_err(|_| VerifyError::Malformed)
}

/// The relevant members of a JOSE header. `jwk`, `jku`, `x5u`, `x5c` and unknown members are ignored: a key is found
/// only by its `kid` or algorithm.
pub(super) struct Header<'a> {
    alg: Cow<'a, str>,
    kid: Option<Cow<'a, str>>,
    typ: Option<Cow<'a, str>>,
    is_nested: bool,
    is_critical: bool,
}

impl Header<'static> {
    /// Parses the segment and checks everything that does not depend on the key.
    pub(super) fn parse(segment: &[u8], purpose: HeaderPurpose) -> Result<Self, VerifyError> {
        let json = URL_SAFE_NO_PAD.decode_to_vec(segment).map_err(|_| VerifyError::Malformed)?;
        let json = str::from_utf8(&json).map_err(|_| VerifyError::Malformed)?;
        let header: Header<'_> = serde_json::from_str(json).map_err(|_| VerifyError::Malformed)?;
        let header = header.into_owned();
        if header.is_critical || (purpose == HeaderPurpose::AccessToken && header.is_nested) {
            return Err(VerifyError::CriticalHeader);
        }
        if purpose == HeaderPurpose::AccessToken && !header.is_access_token() {
            return Err(VerifyError::TypeMismatch);
        }
        Ok(header)
    }
}

impl Header<'_> {
    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether `alg` is this algorithm, compared byte by byte, so that `none`, another case or added spaces never
    /// match.
    pub(super) fn is_alg(&self, algorithm: Algorithm) -> bool {
        self.alg == algorithm_name(algorithm)
    }

    /// Whether `typ` is that of an access token (RFC 9068 section 4), compared like a media type (RFC 7515 section
    /// 4.1.9).
    fn is_access_token(&self) -> bool {
        self.typ.as_deref().is_some_and(|typ| {
            typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt")
        })
    }

    fn into_owned(self) -> Header<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Header {
            alg: owned(self.alg),
            kid: self.kid.map(owned),
            typ: self.typ.map(owned),
            is_nested: self.is_nested,
            is_critical: self.is_critical,
        }
    }
}

impl<'de> Deserialize<'de> for Header<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeaderVisitor;

        impl<'de> Visitor<'de> for HeaderVisitor {
            type Value = Header<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JOSE header")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header<'de>, A::Error> {
                let mut alg = RequiredClaim::<ClaimName<'de>>::default();
                let mut kid = OptionalClaim::<ClaimName<'de>>::default();
                let mut typ = OptionalClaim::<ClaimName<'de>>::default();
                let mut others: Vec<ClaimName<'de>> = Vec::new();
                let (mut is_nested, mut is_critical) = (false, false);
                while let Some(name) = map.next_key::<ClaimName<'de>>()? {
                    match name.as_str() {
                        "alg" => alg.read(&mut map)?,
                        "kid" => kid.read(&mut map)?,
                        "typ" => typ.read(&mut map)?,
                        other => {
                            is_nested |= other == "cty";
                            is_critical |= matches!(other, "crit" | "b64" | "zip" | "enc");
                            if others.len() == MAX_MEMBERS || others.contains(&name) {
                                return Err(A::Error::custom("duplicate member, or too many members"));
                            }
                            others.push(name);
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Header {
                    alg: alg.finish::<A::Error>("alg")?.into_inner(),
                    kid: kid.finish().map(ClaimName::into_inner),
                    typ: typ.finish().map(ClaimName::into_inner),
                    is_nested,
                    is_critical,
                })
            }
        }

        deserializer.deserialize_map(HeaderVisitor)
    }
}
