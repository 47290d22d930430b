//! A policy as data: what a route requires of its caller, and its evaluation.

mod evaluate;

use std::fmt;
use std::time::Duration;

use serde::Serialize;

pub(crate) use evaluate::{Answers, Outcome, evaluate};

/// What a handler requires of its caller. `#[require_auth]` makes a constant of it, so the guard, the router and
/// the policy table use the same value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    schemes: Schemes,
    condition: Condition,
    fresh: Option<Duration>,
    revocation: Option<Duration>,
    csrf: CsrfCheck,
}

impl Requirement {
    /// A caller with a valid credential of one of `schemes`. CSRF is checked, and nothing else is required.
    pub const fn new(schemes: Schemes) -> Self {
        Self { schemes, condition: Condition::Always, fresh: None, revocation: None, csrf: CsrfCheck::On }
    }

    /// Requires `condition` too.
    #[must_use]
    pub const fn condition(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }

    /// Requires that the caller signed in (entered the password, …) no longer ago than `max_age`.
    #[must_use]
    pub const fn fresh(mut self, max_age: Duration) -> Self {
        self.fresh = Some(max_age);
        self
    }

    /// Requires that the revocation list is no older than `bound` when the request is decided.
    #[must_use]
    pub const fn revocation(mut self, bound: Duration) -> Self {
        self.revocation = Some(bound);
        self
    }

    /// Whether a request that a cookie authenticates is checked for cross-site forgery.
    #[must_use]
    pub const fn csrf(mut self, check: CsrfCheck) -> Self {
        self.csrf = check;
        self
    }

    /// The schemes that are accepted.
    pub const fn schemes(&self) -> Schemes {
        self.schemes
    }

    /// The condition on the principal.
    pub const fn asked_condition(&self) -> &Condition {
        &self.condition
    }

    /// The longest time since the caller signed in.
    pub const fn max_age(&self) -> Option<Duration> {
        self.fresh
    }

    /// The bound on the age of the revocation list, if it differs from the authenticator's.
    pub const fn revocation_bound(&self) -> Option<Duration> {
        self.revocation
    }

    /// Whether CSRF is checked.
    pub const fn csrf_check(&self) -> CsrfCheck {
        self.csrf
    }
}

/// How a caller can authenticate, and what carries a login.
///
/// As text it is `session` or `jwt`, as in `#[require_auth]`. Serialised, as the kind of a login, it is `session` or
/// `token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// A session cookie.
    Session,
    /// A bearer access token (RFC 6750). The login has refresh tokens too.
    #[serde(rename = "token")]
    Jwt,
}

impl Scheme {
    /// `session` or `jwt`, as in the attribute.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Jwt => "jwt",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One scheme or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schemes {
    /// Only a session cookie.
    Session,
    /// Only a bearer access token.
    Jwt,
    /// Either.
    SessionOrJwt,
}

impl Schemes {
    /// The accepted schemes, in the order of the attribute.
    pub const fn as_slice(self) -> &'static [Scheme] {
        match self {
            Self::Session => &[Scheme::Session],
            Self::Jwt => &[Scheme::Jwt],
            Self::SessionOrJwt => &[Scheme::Session, Scheme::Jwt],
        }
    }

    /// Whether `scheme` is accepted.
    pub const fn accept(self, scheme: Scheme) -> bool {
        matches!(
            (self, scheme),
            (Self::SessionOrJwt, _) | (Self::Session, Scheme::Session) | (Self::Jwt, Scheme::Jwt)
        )
    }
}

impl fmt::Display for Schemes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session => "session",
            Self::Jwt => "jwt",
            Self::SessionOrJwt => "session | jwt",
        })
    }
}

/// Whether a request that a cookie authenticates is checked for cross-site forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsrfCheck {
    /// Checked on every method but GET, HEAD, OPTIONS and TRACE.
    On,
    /// Not checked: `csrf(off)`.
    Off,
}

/// A condition on the principal: a tree of constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Always satisfied.
    Always,
    /// These roles are required.
    Roles(Quantifier, &'static [Grant]),
    /// These scopes are required.
    Scopes(Quantifier, &'static [Grant]),
    /// The check with this index in the policy, and its name in the attribute.
    Check(u8, &'static str),
    /// All of these.
    All(&'static [Condition]),
    /// At least one of these.
    Any(&'static [Condition]),
}

/// How many roles or scopes of a list are required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// All: `A & B`.
    All,
    /// At least one: `A | B`.
    Any,
}

/// One role or scope of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    bit: u64,
    name: &'static str,
}

impl Grant {
    /// The role or scope with this index, below 64, and this name in tokens.
    pub const fn new(index: u32, name: &'static str) -> Self {
        Self { bit: crate::role::bit(index), name }
    }

    /// The name in tokens.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("always"),
            Self::Roles(quantifier, grants) => write_grants(f, "role", *quantifier, grants),
            Self::Scopes(quantifier, grants) => write_grants(f, "scope", *quantifier, grants),
            Self::Check(_, name) => write!(f, "check({name})"),
            Self::All(members) => write_members(f, "all", members),
            Self::Any(members) => write_members(f, "any", members),
        }
    }
}

fn write_grants(
    f: &mut fmt::Formatter<'_>,
    keyword: &str,
    quantifier: Quantifier,
    grants: &[Grant],
) -> fmt::Result {
    let separator = match quantifier {
        Quantifier::All => " & ",
        Quantifier::Any => " | ",
    };
    write!(f, "{keyword}(")?;
    for (position, grant) in grants.iter().enumerate() {
        write!(f, "{}{}", if position > 0 { separator } else { "" }, grant.name)?;
    }
    f.write_str(")")
}

fn write_members(f: &mut fmt::Formatter<'_>, keyword: &str, members: &[Condition]) -> fmt::Result {
    write!(f, "{keyword}(")?;
    for (position, member) in members.iter().enumerate() {
        write!(f, "{}{member}", if position > 0 { ", " } else { "" })?;
    }
    f.write_str(")")
}
