//! The policy as a constant. No `&&` and no `||`: a condition is a tree of constants, so it needs no precedence.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::model::{Condition, Kind, Policy, Quantifier, Schemes};
use crate::duration;
use crate::runtime::Runtime;
use crate::text::written;

/// An expression of type `Requirement`.
pub(crate) fn expression(policy: &Policy, runtime: &Runtime) -> TokenStream {
    let path = runtime.path();
    let schemes = match policy.schemes {
        Schemes::Session => quote!(Session),
        Schemes::Jwt => quote!(Jwt),
        Schemes::SessionOrJwt => quote!(SessionOrJwt),
    };
    let mut tree = Tree { runtime, checks: 0 };
    let condition = match policy.conditions.as_slice() {
        [] => None,
        [only] => Some(tree.expression(only)),
        several => Some(tree.list("All", several)),
    };
    let condition = condition.map(|condition| quote!(.condition(#condition)));
    let fresh = policy.fresh.map(duration::expression).map(|age| quote!(.fresh(#age)));
    let revocation = policy.revocation.map(duration::expression).map(|bound| quote!(.revocation(#bound)));
    let csrf = policy.csrf_off.then(|| quote!(.csrf(#path::CsrfCheck::Off)));
    quote!(#path::Requirement::new(#path::Schemes::#schemes) #condition #fresh #revocation #csrf)
}

/// Builds the tree bottom-up.
struct Tree<'a> {
    runtime: &'a Runtime,
    checks: u8,
}

impl Tree<'_> {
    fn expression(&mut self, condition: &Condition) -> TokenStream {
        let path = self.runtime.path();
        match condition {
            Condition::All(members) => self.list("All", members),
            Condition::Any(members) => self.list("Any", members),
            Condition::Check(check) => {
                let (index, name) = (self.checks, written(check));
                self.checks = self.checks.saturating_add(1);
                quote!(#path::Condition::Check(#index, #name))
            }
            Condition::Grants { kind, quantifier, members } => {
                let grants =
                    members.iter().map(|member| quote_spanned!(member.span()=> #member.__auth_core_grant()));
                let kind = match kind {
                    Kind::Role => quote!(Roles),
                    Kind::Scope => quote!(Scopes),
                };
                let quantifier = match quantifier {
                    Quantifier::All => quote!(All),
                    Quantifier::Any => quote!(Any),
                };
                quote!(#path::Condition::#kind(#path::Quantifier::#quantifier, &[#(#grants),*]))
            }
        }
    }

    fn list(&mut self, variant: &str, members: &[Condition]) -> TokenStream {
        let path = self.runtime.path();
        let members = members.iter().map(|member| self.expression(member)).collect::<Vec<_>>();
        let variant = Ident::new(variant, Span::call_site());
        quote!(#path::Condition::#variant(&[#(#members),*]))
    }
}
