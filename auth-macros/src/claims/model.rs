//! A claims type: as written, then with a place for every field.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{LitStr, Path, Type};

/// The attributes as written.
#[derive(Default)]
pub(crate) struct Input {
    pub(crate) issuer: Option<LitStr>,
    pub(crate) audience: Option<LitStr>,
    pub(crate) ttl: Option<LitStr>,
    pub(crate) max_ttl: Option<LitStr>,
    pub(crate) krate: Option<Path>,
    pub(crate) fields: Vec<Field>,
}

/// A field as written; the spans are those of the keys.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) subject: Option<Span>,
    pub(crate) roles: Option<Span>,
    pub(crate) scopes: Option<Span>,
    pub(crate) readable: Option<Span>,
    pub(crate) rename: Option<LitStr>,
}

/// The type after the rules.
pub(crate) struct Claims {
    pub(crate) issuer: Option<LitStr>,
    pub(crate) audience: Option<LitStr>,
    pub(crate) ttl: Duration,
    pub(crate) max_ttl: Duration,
    pub(crate) subject: Member,
    /// Among `members`.
    pub(crate) roles: Option<Member>,
    pub(crate) scopes: Option<Member>,
    /// All but the subject.
    pub(crate) members: Vec<Member>,
}

/// A field with its place in the payload.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) ident: Ident,
    /// The name of the claim.
    pub(crate) name: String,
    /// Of an optional member the type inside.
    pub(crate) ty: Type,
    pub(crate) optional: bool,
}

impl Member {
    /// The field's type, as written.
    pub(crate) fn whole_type(&self) -> TokenStream {
        let ty = &self.ty;
        match self.optional {
            true => quote_spanned!(ty.span()=> ::core::option::Option<#ty>),
            false => ty.to_token_stream(),
        }
    }
}
