//! The variants of an enum of roles or scopes: as written, then with all that they include.

use proc_macro2::{Ident, Span};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Role,
    Scope,
}

/// A variant as written.
pub(crate) struct Variant {
    pub(crate) ident: Ident,
    /// The name in tokens, and where it is specified.
    pub(crate) name: String,
    pub(crate) name_span: Span,
    /// Whether the name was made from the variant's.
    pub(crate) derived_name: bool,
    pub(crate) includes: Vec<Ident>,
}

/// A variant after the rules.
pub(crate) struct Grant {
    pub(crate) ident: Ident,
    pub(crate) name: String,
    /// Itself and all it includes, transitively.
    pub(crate) bits: u64,
}

impl Kind {
    /// The name of the derived trait.
    pub(crate) const fn trait_name(self) -> &'static str {
        match self {
            Self::Role => "Role",
            Self::Scope => "Scope",
        }
    }

    /// The name of the helper attribute.
    pub(crate) const fn attribute(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Scope => "scope",
        }
    }
}
