//! Verifying access tokens: a JWS whose payload is a JSON object of claims (RFC 7519, RFC 9068).

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::error::VerifyError;
use super::issue::{SET_WITH_LOGIN, SET_WITH_REALM};
use super::jws::{self, HeaderPurpose};
use super::registered::{NumericDate, Registered, Text};
use super::set::KeySet;
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Position, Subject, TokenId};

/// The expected content of a token, and the limits of its verification.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The issuer, which `iss` must equal byte by byte.
    pub issuer: String,
    /// The audience, which `aud` must contain byte by byte.
    pub audience: String,
    /// The realm, which `realm` must equal byte by byte; `None` if the realm is defined by issuer and audience, and
    /// tokens do not have this claim.
    pub realm: Option<String>,
    /// The tolerated difference between clocks.
    pub leeway: Duration,
    /// The maximum length of a token in bytes.
    pub max_length: usize,
}

/// Verifies access tokens of one issuer with the claims type `C`.
#[derive(Debug)]
pub struct Verifier<C> {
    expected: Expected,
    claims: PhantomData<fn() -> C>,
}

/// A verified token. Only [`Verifier::verify`] creates one.
pub struct Verified<C> {
    claims: C,
    subject: Subject,
    key: Option<KeyId>,
    token: TokenId,
    login: Option<LoginId>,
    expires_at: Timestamp,
    valid_from: Timestamp,
    issued_at: Timestamp,
    authenticated_at: Option<Timestamp>,
    epoch: u64,
    position: Option<Position>,
}

impl<C: Claims> Verifier<C> {
    /// A verifier of tokens with this content.
    pub const fn new(expected: Expected) -> Self {
        Self { expected, claims: PhantomData }
    }

    /// Verifies a token at the time `now`: length, format, header, key, algorithm, `typ` and signature, then the
    /// claims in one pass, then the times.
    ///
    /// With the leeway `l`, a token is accepted while `iat` − l ≤ now, `nbf` − l ≤ now and now < `exp` + l, to the
    /// millisecond.
    ///
    /// # Errors
    ///
    /// [`VerifyError`]: the first reason to refuse the token.
    pub fn verify(&self, keys: &KeySet, token: &[u8], now: Timestamp) -> Result<Verified<C>, VerifyError> {
        let verified = self.verify_untimed(keys, token)?;
        verified.check_time(now, self.expected.leeway)?;
        Ok(verified)
    }

    /// The same as [`verify`](Self::verify), but without checking the times: to pair an access token with its refresh
    /// token.
    pub(crate) fn verify_untimed(&self, keys: &KeySet, token: &[u8]) -> Result<Verified<C>, VerifyError> {
        let signed = jws::Compact::split(token, self.expected.max_length)?;
        if signed.has_empty_payload() {
            return Err(VerifyError::Malformed);
        }
        let key = keys.verify_signature(&signed, HeaderPurpose::AccessToken)?.id().cloned();
        let payload = jws::decode_payload(&signed)?;
        let (registered, claims) = parse::<C>(&payload)?;
        self.accept(&registered, claims, key)
    }

    fn accept(
        &self,
        registered: &Registered<'_>,
        claims: C,
        key: Option<KeyId>,
    ) -> Result<Verified<C>, VerifyError> {
        match registered.iss.as_ref().map(Text::as_str) {
            Some(issuer) if issuer == self.expected.issuer => {}
            Some(_) => return Err(VerifyError::IssuerMismatch),
            None => return Err(VerifyError::Malformed),
        }
        match &registered.aud {
            Some(aud) if aud.contains(&self.expected.audience) => {}
            Some(_) => return Err(VerifyError::AudienceMismatch),
            None => return Err(VerifyError::Malformed),
        }
        if !self.is_of_the_realm(registered) {
            return Err(VerifyError::RealmMismatch);
        }
        let (expires_at, issued_at) = match (registered.exp, registered.iat) {
            (Some(exp), Some(iat)) => (timestamp(exp), timestamp(iat)),
            _ => return Err(VerifyError::Malformed),
        };
        if expires_at <= issued_at || expires_at.since(issued_at) > C::MAX_TTL {
            return Err(VerifyError::LifetimeTooLong);
        }
        if registered.ver.is_some_and(|ver| ver >= SET_WITH_LOGIN) && !registered.is_complete() {
            return Err(VerifyError::Malformed);
        }
        let valid_from = registered.nbf.map_or(issued_at, |nbf| issued_at.max(timestamp(nbf)));
        Ok(Verified {
            // The subject as the claims type writes it, so that each subject has one text, by which it is revoked.
            subject: claims.subject().map_err(|_| VerifyError::Malformed)?,
            token: token_id(registered.jti.as_ref().map(Text::as_str))?,
            login: registered
                .sid
                .as_ref()
                .map(|sid| sid.as_str().parse())
                .transpose()
                .map_err(|_| VerifyError::Malformed)?,
            // A time after the token was issued says nothing now, and must not begin to when it has come.
            authenticated_at: registered
                .auth_time
                .map(timestamp)
                .filter(|at| *at <= issued_at.after(self.expected.leeway)),
            // Epochs are milliseconds, so `iat` can be used for a missing epoch.
            epoch: registered.epoch.unwrap_or_else(|| u64::try_from(issued_at.millis()).unwrap_or(0)),
            position: registered.position,
            claims,
            key,
            expires_at,
            valid_from,
            issued_at,
        })
    }

    /// Tokens of versions without the claim `realm` are accepted in any realm, so that tokens that were issued before
    /// an update are still accepted.
    fn is_of_the_realm(&self, registered: &Registered<'_>) -> bool {
        match (registered.realm.as_ref().map(Text::as_str), self.expected.realm.as_deref()) {
            (None, Some(_)) => {
                registered.ver.is_some_and(|ver| (SET_WITH_LOGIN..SET_WITH_REALM).contains(&ver))
            }
            (named, expected) => named == expected,
        }
    }
}

impl<C> Verified<C> {
    /// The application's claims.
    pub const fn claims(&self) -> &C {
        &self.claims
    }

    /// `sub`.
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// `jti`.
    pub const fn token_id(&self) -> TokenId {
        self.token
    }

    /// `sid`: the login of the token, if it has one.
    pub const fn login_id(&self) -> Option<LoginId> {
        self.login
    }

    /// `exp`.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// `iat`.
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// `auth_time`: when the subject last authenticated. `None` if the token does not contain it, or if it is later
    /// than `iat`, beyond the leeway.
    pub const fn authenticated_at(&self) -> Option<Timestamp> {
        self.authenticated_at
    }

    /// The `kid` of the key that signed.
    pub const fn key_id(&self) -> Option<&KeyId> {
        self.key.as_ref()
    }

    pub(crate) fn into_claims(self) -> C {
        self.claims
    }

    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) const fn position(&self) -> Option<Position> {
        self.position
    }

    pub(crate) const fn valid_from(&self) -> Timestamp {
        self.valid_from
    }

    fn check_time(&self, now: Timestamp, leeway: Duration) -> Result<(), VerifyError> {
        check_time(self.valid_from, self.expires_at, now, leeway)
    }
}

/// Whether `now` is in `[valid_from − leeway, expires_at + leeway)`.
pub(crate) fn check_time(
    valid_from: Timestamp,
    expires_at: Timestamp,
    now: Timestamp,
    leeway: Duration,
) -> Result<(), VerifyError> {
    if now >= expires_at.after(leeway) {
        return Err(VerifyError::Expired);
    }
    if now < valid_from.before(leeway) {
        return Err(VerifyError::NotYetValid);
    }
    Ok(())
}

/// Does not show the claims.
impl<C> fmt::Debug for Verified<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("token", &self.token)
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

const fn timestamp(date: NumericDate) -> Timestamp {
    Timestamp::from_seconds(date.seconds())
}

fn token_id(jti: Option<&str>) -> Result<TokenId, VerifyError> {
    let jti = jti.filter(|jti| !jti.is_empty()).ok_or(VerifyError::Malformed)?;
    Ok(TokenId::of_jti(jti))
}

/// Parses the payload: a JSON object in UTF-8 and nothing after it.
fn parse<C: Claims>(payload: &[u8]) -> Result<(Registered<'_>, C), VerifyError> {
    let mut registered = Registered::default();
    let claims = read_object(payload, &mut registered)?;
    Ok((registered, claims))
}

/// Parses claims that [`write_claims`](super::issue::write_claims) wrote; `None` when they do not match the type, or
/// have another subject.
pub(crate) fn read_claims<C: Claims>(json: &[u8], subject: &Subject) -> Option<C> {
    let (registered, claims) = parse(json).ok()?;
    (registered.sub.as_ref().map(Text::as_str) == Some(subject.as_str())).then_some(claims)
}

fn read_object<'de, C: Claims>(json: &'de [u8], registered: &mut Registered<'de>) -> Result<C, VerifyError> {
    let text = str::from_utf8(json).map_err(|_| VerifyError::Malformed)?;
    let mut json = serde_json::Deserializer::from_str(text);
    let seed = ClaimsSeed::<C> { registered, claims: PhantomData };
    let claims = seed.deserialize(&mut json).map_err(|_| VerifyError::Malformed)?;
    json.end().map_err(|_| VerifyError::Malformed)?;
    Ok(claims)
}

struct ClaimsSeed<'a, 'de, C> {
    registered: &'a mut Registered<'de>,
    claims: PhantomData<fn() -> C>,
}

impl<'de, C: Claims> DeserializeSeed<'de> for ClaimsSeed<'_, 'de, C> {
    type Value = C;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<C, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, C: Claims> Visitor<'de> for ClaimsSeed<'_, 'de, C> {
    type Value = C;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object of claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<C, A::Error> {
        C::read(map, self.registered)
    }
}
