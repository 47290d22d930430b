//! The reasons why a token is refused. They are for logs and metrics; the client is not told which one it was.

/// The reason why a token was refused. It contains nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// `alg` is not the algorithm of the key.
    #[error("the algorithm does not match the key")]
    AlgorithmMismatch,
    /// `aud` does not name this service.
    #[error("the token is for another audience")]
    AudienceMismatch,
    /// The header requires an extension that is not supported: `crit`, `b64`, `zip`, `enc`, or a nested token
    /// (`cty`).
    #[error("the header requires an unsupported extension")]
    CriticalHeader,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `iss` is not the expected issuer.
    #[error("the token is from another issuer")]
    IssuerMismatch,
    /// `exp` − `iat` is more than the claims type allows, or not positive.
    #[error("the lifetime of the token is longer than allowed")]
    LifetimeTooLong,
    /// The token does not consist of three segments of base64url, or the JSON in them is invalid or lacks required
    /// members.
    #[error("the token is malformed")]
    Malformed,
    /// `iat` or `nbf` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `realm` is not the realm of this service.
    #[error("the token is for another realm")]
    RealmMismatch,
    /// The signature is not valid for the key.
    #[error("the signature does not match")]
    SignatureMismatch,
    /// The token is longer than the limit.
    #[error("the token is too large")]
    TooLarge,
    /// `typ` is not `at+jwt`, so this is not an access token (RFC 9068 section 4).
    #[error("the token is not an access token")]
    TypeMismatch,
    /// There is no key with this `kid`; or the header has no `kid` and several keys have its algorithm.
    #[error("the key is unknown")]
    UnknownKey,
}
