//! The code of `derive(Claims)`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, LitStr};

use super::codec;
use super::model::{Claims, Input};
use crate::duration;
use crate::runtime::Runtime;

pub(crate) fn derived(ident: &Ident, claims: &Claims, runtime: &Runtime) -> TokenStream {
    let path = runtime.path();
    let (issuer, audience) = (text(claims.issuer.as_ref()), text(claims.audience.as_ref()));
    let (ttl, max_ttl) = (duration::expression(claims.ttl), duration::expression(claims.max_ttl));
    let roles =
        Set::new(&ROLES, claims.roles.as_ref().map(|member| (&member.ident, member.whole_type())), runtime);
    let scopes =
        Set::new(&SCOPES, claims.scopes.as_ref().map(|member| (&member.ident, member.whole_type())), runtime);
    let (read, write) = (codec::read(claims, runtime), codec::write(claims, runtime));

    let this = format_ident!("self");
    let (subject, subject_ty) = (&claims.subject.ident, claims.subject.whole_type());
    let span = claims.subject.ty.span();
    let subject_path = runtime.path_at(span);
    let to_subject = quote_spanned!(span=> #subject_path::to_subject::<#subject_ty>(&#this.#subject));
    let (roles, scopes) = (roles.members(), scopes.members());
    quote! {
        #[allow(deprecated, unused_qualifications, clippy::absolute_paths)]
        const _: () = {
            #[automatically_derived]
            impl #path::Claims for #ident {
                const ISSUER: ::core::option::Option<&'static str> = #issuer;
                const AUDIENCE: ::core::option::Option<&'static str> = #audience;
                const TTL: ::core::time::Duration = #ttl;
                const MAX_TTL: ::core::time::Duration = #max_ttl;

                fn subject(&#this) -> ::core::result::Result<#path::Subject, #path::ParseIdError> {
                    #to_subject
                }

                #roles
                #scopes
                #read
                #write
            }
        };
    }
}

/// Stands in after a mistake, so that rustc does not also report every use of the type.
pub(crate) fn fallback(derive: &DeriveInput, input: &Input, runtime: &Runtime) -> TokenStream {
    if !derive.generics.params.is_empty() {
        return TokenStream::new();
    }
    let path = runtime.path();
    let ident = &derive.ident;
    let unambiguous = |field: &&super::model::Field| field.subject.is_none();
    let roles = input.fields.iter().filter(unambiguous).find(|field| field.roles.is_some());
    let scopes = input.fields.iter().filter(unambiguous).find(|field| field.scopes.is_some());
    let roles =
        Set::new(&ROLES, roles.map(|field| (&field.ident, field.ty.to_token_stream())), runtime).members();
    let scopes =
        Set::new(&SCOPES, scopes.map(|field| (&field.ident, field.ty.to_token_stream())), runtime).members();
    quote! {
        #[allow(unused_qualifications, clippy::absolute_paths)]
        const _: () = {
            #[automatically_derived]
            impl #path::Claims for #ident {
                const ISSUER: ::core::option::Option<&'static str> = ::core::option::Option::None;
                const AUDIENCE: ::core::option::Option<&'static str> = ::core::option::Option::None;
                const TTL: ::core::time::Duration = ::core::time::Duration::ZERO;
                const MAX_TTL: ::core::time::Duration = ::core::time::Duration::ZERO;

                fn subject(&self) -> ::core::result::Result<#path::Subject, #path::ParseIdError> {
                    ::core::unreachable!()
                }

                #roles
                #scopes

                fn read<'de, __A: #path::serde::de::MapAccess<'de>, __O: #path::OtherMembers<'de>>(
                    _: __A,
                    _: &mut __O,
                ) -> ::core::result::Result<Self, __A::Error> {
                    ::core::unreachable!()
                }

                fn write<__M: #path::serde::ser::SerializeMap>(
                    &self,
                    _: &mut __M,
                ) -> ::core::result::Result<(), __M::Error> {
                    ::core::unreachable!()
                }
            }
        };
    }
}

fn text(text: Option<&LitStr>) -> TokenStream {
    match text {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    }
}

/// The names around roles or scopes.
struct Names {
    /// The associated type.
    ty: &'static str,
    method: &'static str,
    set: &'static str,
    /// The enum of claims without such a field.
    none: &'static str,
    /// The trait of the field's type.
    field: &'static str,
}

const ROLES: Names = Names { ty: "Role", method: "roles", set: "Roles", none: "NoRole", field: "RolesField" };
const SCOPES: Names =
    Names { ty: "Scope", method: "scopes", set: "Scopes", none: "NoScope", field: "ScopesField" };

/// The associated type and the method of roles or scopes.
struct Set<'a> {
    names: &'static Names,
    field: Option<(&'a Ident, TokenStream)>,
    runtime: &'a Runtime,
}

impl<'a> Set<'a> {
    const fn new(
        names: &'static Names,
        field: Option<(&'a Ident, TokenStream)>,
        runtime: &'a Runtime,
    ) -> Self {
        Self { names, field, runtime }
    }

    fn members(&self) -> TokenStream {
        let Names { ty, method, set, none, field } = self.names;
        let span = self.field.as_ref().map_or_else(Span::call_site, |(_, ty)| ty.span());
        let [ty, method, set, none, field_trait] =
            [ty, method, set, none, field].map(|name| Ident::new(name, span));
        let path = self.runtime.path();
        let this = format_ident!("self");
        match &self.field {
            None => quote! {
                type #ty = #path::#none;

                fn #method(&#this) -> #path::#set<#path::#none> {
                    #path::#set::none()
                }
            },
            Some((field, field_ty)) => {
                let path = self.runtime.path_at(field_ty.span());
                quote_spanned! {field_ty.span()=>
                    type #ty = <#field_ty as #path::#field_trait>::#ty;

                    fn #method(&#this) -> #path::#set<<#field_ty as #path::#field_trait>::#ty> {
                        <#field_ty as #path::#field_trait>::#method(&#this.#field)
                    }
                }
            }
        }
    }
}
