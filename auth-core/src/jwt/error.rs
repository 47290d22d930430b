//! Why a token was refused. For logs and metrics; the caller of the API never learns which it was.

/// A token that is not accepted. Holds nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// `alg` is not the algorithm of the key.
    #[error("the algorithm is not the key's")]
    AlgorithmMismatch,
    /// `aud` does not name this service.
    #[error("the token is for another audience")]
    AudienceMismatch,
    /// The header asks for something that is not understood: `crit`, `b64`, `zip`, or a nested token.
    #[error("the header asks for something that is not understood")]
    CriticalHeader,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `iss` is not the expected issuer.
    #[error("the token is of another issuer")]
    IssuerMismatch,
    /// `exp` − `iat` is more than the claims type allows.
    #[error("the token lives longer than is allowed")]
    LifetimeTooLong,
    /// Not three segments of base64url with JSON objects of the right members and types.
    #[error("the token is malformed")]
    Malformed,
    /// `iat` or `nbf` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `realm` is not the one of this service.
    #[error("the token is of another realm")]
    RealmMismatch,
    /// The signature is not the key's.
    #[error("the signature does not match")]
    SignatureMismatch,
    /// Longer than the limit.
    #[error("the token is too large")]
    TooLarge,
    /// `typ` is not `at+jwt`: not an access token (RFC 9068 section 4).
    #[error("the token is not an access token")]
    TypeMismatch,
    /// No key with this `kid`, or none named and not exactly one fits.
    #[error("the key is unknown")]
    UnknownKey,
}
