//! `#[require_auth(…)]`: as written, and as a checked policy.

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::{ItemStruct, LitStr, Path, Type};

use crate::entry::Entry;
use crate::signature::{AuthParam, Function};

/// The attribute as written; entries keep their tokens for error messages.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) schemes: Option<Schemes>,
    pub(crate) conditions: Vec<Condition>,
    /// The entries that `conditions` were read from, for error messages.
    pub(crate) asking: Vec<Entry>,
    pub(crate) fresh: Option<LitStr>,
    pub(crate) revocation: Option<LitStr>,
    pub(crate) csrf: Option<TokenStream>,
    pub(crate) claims: Option<(Type, TokenStream)>,
    pub(crate) krate: Option<Path>,
    /// The first entry, where a scheme is missing.
    pub(crate) first: Option<TokenStream>,
    /// A scheme is named in a place where it has no effect.
    pub(crate) misplaced_scheme: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schemes {
    Session,
    Jwt,
    SessionOrJwt,
}

/// A condition on the caller.
pub(crate) enum Condition {
    Grants { kind: Kind, quantifier: Quantifier, members: Vec<Path> },
    Check(Path),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Role,
    Scope,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    All,
    Any,
}

/// The attribute after the rules.
pub(crate) struct Policy {
    pub(crate) schemes: Schemes,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) fresh: Option<Duration>,
    pub(crate) revocation: Option<Duration>,
    pub(crate) csrf_off: bool,
}

/// What the attribute stands on.
pub(crate) enum Item {
    Handler(Function),
    Proof(ItemStruct),
}

/// A handler after the rules.
pub(crate) struct Handler {
    pub(crate) function: Function,
    pub(crate) claims: Type,
    pub(crate) auth: Option<AuthParam>,
}

/// A tuple struct after the rules.
pub(crate) struct Proof {
    pub(crate) item: ItemStruct,
    pub(crate) claims: Type,
}

impl Condition {
    /// The paths of all checks, in the order in which they are written: their position is their index.
    pub(crate) fn checks<'a>(conditions: &'a [Self], found: &mut Vec<&'a Path>) {
        for condition in conditions {
            match condition {
                Self::Grants { .. } => {}
                Self::Check(path) => found.push(path),
                Self::All(members) | Self::Any(members) => Self::checks(members, found),
            }
        }
    }

    /// The roles and scopes, in the order in which they are written.
    pub(crate) fn grants<'a>(conditions: &'a [Self], found: &mut Vec<(Kind, &'a Path)>) {
        for condition in conditions {
            match condition {
                Self::Grants { kind, members, .. } => {
                    found.extend(members.iter().map(|member| (*kind, member)));
                }
                Self::Check(_) => {}
                Self::All(members) | Self::Any(members) => Self::grants(members, found),
            }
        }
    }
}
