//! The code of `derive(Claims)`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, LitStr, Type};

use super::model::{Claims, Input, Member};
use crate::duration;
use crate::runtime::Runtime;

pub(crate) fn derived(ident: &Ident, claims: &Claims, runtime: &Runtime) -> TokenStream {
    let path = runtime.path();
    let (issuer, audience) = (text(claims.issuer.as_ref()), text(claims.audience.as_ref()));
    let (ttl, max_ttl) = (duration::expression(claims.ttl), duration::expression(claims.max_ttl));
    let role = role_type(claims.roles.as_ref().map(whole_type).as_ref(), runtime);
    let scope = scope_type(claims.scopes.as_ref().map(whole_type).as_ref(), runtime);
    let subject = &claims.subject.ident;
    let subject_ty = whole_type(&claims.subject);
    let subject_path = spanned_path(&claims.subject.ty, runtime);
    let to_subject = quote_spanned! {claims.subject.ty.span()=>
        #subject_path::to_subject::<#subject_ty>(&self.#subject)
    };
    let roles =
        field_or(claims.roles.as_ref(), "RolesField", "roles", &quote!(#path::Roles::none()), runtime);
    let scopes =
        field_or(claims.scopes.as_ref(), "ScopesField", "scopes", &quote!(#path::Scopes::none()), runtime);
    let (read, write) = (read(claims, runtime), write(claims, runtime));
    quote! {
        #[allow(deprecated, unused_qualifications, clippy::absolute_paths)]
        const _: () = {
            #[automatically_derived]
            impl #path::Claims for #ident {
                type Role = #role;
                type Scope = #scope;

                const ISSUER: ::core::option::Option<&'static str> = #issuer;
                const AUDIENCE: ::core::option::Option<&'static str> = #audience;
                const TTL: ::core::time::Duration = #ttl;
                const MAX_TTL: ::core::time::Duration = #max_ttl;

                fn subject(&self) -> ::core::result::Result<#path::Subject, #path::SubjectError> {
                    #to_subject
                }

                fn roles(&self) -> #path::Roles<Self::Role> {
                    #roles
                }

                fn scopes(&self) -> #path::Scopes<Self::Scope> {
                    #scopes
                }

                #read

                #write
            }
        };
    }
}

/// Reads the payload: own claims into slots, everything else into the registered ones.
fn read(claims: &Claims, runtime: &Runtime) -> TokenStream {
    let path = runtime.path();
    let slots: Vec<Slot<'_>> =
        claims.members.iter().enumerate().map(|(at, member)| Slot::new(at, member, runtime)).collect();
    let declarations = slots
        .iter()
        .map(|Slot { name, ty, .. }| quote!(let mut #name = <#ty as ::core::default::Default>::default();));
    let arms = slots.iter().map(|Slot { name, ty, member }| {
        let claim = &member.name;
        quote_spanned!(member.ty.span()=> #claim => <#ty>::read::<__A>(&mut #name, &mut map)?,)
    });
    let fields = slots.iter().map(|Slot { name, ty, member }| {
        let (field, claim) = (&member.ident, &member.name);
        match member.optional {
            true => quote!(#field: <#ty>::finish(#name)),
            false => quote!(#field: <#ty>::finish::<__A::Error>(#name, #claim)?),
        }
    });
    let (subject, subject_ty) = (&claims.subject.ident, whole_type(&claims.subject));
    let subject_path = spanned_path(&claims.subject.ty, runtime);
    let parse_subject =
        quote_spanned!(claims.subject.ty.span()=> #subject_path::parse_subject::<#subject_ty, __A::Error>);
    quote! {
        fn read<'de, __A: #path::serde::de::MapAccess<'de>>(
            mut map: __A,
        ) -> ::core::result::Result<(#path::Registered<'de>, Self), __A::Error> {
            let mut registered = <#path::RegisteredReader<'de> as ::core::default::Default>::default();
            #(#declarations)*
            while let ::core::option::Option::Some(name) =
                #path::serde::de::MapAccess::next_key::<#path::ClaimName<'de>>(&mut map)?
            {
                match name.as_str() {
                    #(#arms)*
                    _ => registered.read::<__A>(name, &mut map)?,
                }
            }
            let registered = registered.finish::<__A::Error>()?;
            let subject = #parse_subject(registered.sub())?;
            ::core::result::Result::Ok((registered, Self { #subject: subject, #(#fields,)* }))
        }
    }
}

/// Writes `sub` and the own claims; what is `None` is left out.
fn write(claims: &Claims, runtime: &Runtime) -> TokenStream {
    let path = runtime.path();
    let (subject, subject_ty) = (&claims.subject.ident, whole_type(&claims.subject));
    let subject_path = spanned_path(&claims.subject.ty, runtime);
    let subject = quote_spanned! {claims.subject.ty.span()=>
        &#subject_path::subject_claim::<#subject_ty>(&self.#subject)
    };
    let entries = claims.members.iter().map(|member| {
        let (field, claim, span) = (&member.ident, &member.name, member.ty.span());
        let path = runtime.path_at(span);
        if member.optional {
            quote_spanned! {span=>
                if let ::core::option::Option::Some(value) = &self.#field {
                    #path::serde::ser::SerializeMap::serialize_entry(map, #claim, value)?;
                }
            }
        } else {
            quote_spanned! {span=>
                #path::serde::ser::SerializeMap::serialize_entry(map, #claim, &self.#field)?;
            }
        }
    });
    quote! {
        fn write<__M: #path::serde::ser::SerializeMap>(
            &self,
            map: &mut __M,
        ) -> ::core::result::Result<(), __M::Error> {
            #path::serde::ser::SerializeMap::serialize_entry(map, "sub", #subject)?;
            #(#entries)*
            ::core::result::Result::Ok(())
        }
    }
}

/// Where the claim of a member waits until all are read.
struct Slot<'a> {
    name: Ident,
    ty: TokenStream,
    member: &'a Member,
}

impl<'a> Slot<'a> {
    fn new(at: usize, member: &'a Member, runtime: &Runtime) -> Self {
        let (path, inner) = (spanned_path(&member.ty, runtime), &member.ty);
        let kind = if member.optional { quote!(OptionalClaim) } else { quote!(RequiredClaim) };
        let ty = quote_spanned!(member.ty.span()=> #path::#kind<#inner>);
        Self { name: Ident::new(&format!("slot_{at}"), Span::mixed_site()), ty, member }
    }
}

/// Stands in after a mistake, so that rustc does not also report every use of the type.
pub(crate) fn fallback(derive: &DeriveInput, input: &Input, runtime: &Runtime) -> TokenStream {
    if !derive.generics.params.is_empty() {
        return TokenStream::new();
    }
    let path = runtime.path();
    let ident = &derive.ident;
    let roles =
        input.fields.iter().find(|field| field.roles.is_some()).map(|field| field.ty.to_token_stream());
    let scopes =
        input.fields.iter().find(|field| field.scopes.is_some()).map(|field| field.ty.to_token_stream());
    let (role, scope) = (role_type(roles.as_ref(), runtime), scope_type(scopes.as_ref(), runtime));
    quote! {
        #[allow(unused_qualifications, clippy::absolute_paths)]
        const _: () = {
            #[automatically_derived]
            impl #path::Claims for #ident {
                type Role = #role;
                type Scope = #scope;

                const ISSUER: ::core::option::Option<&'static str> = ::core::option::Option::None;
                const AUDIENCE: ::core::option::Option<&'static str> = ::core::option::Option::None;
                const TTL: ::core::time::Duration = ::core::time::Duration::ZERO;
                const MAX_TTL: ::core::time::Duration = ::core::time::Duration::ZERO;

                fn subject(&self) -> ::core::result::Result<#path::Subject, #path::SubjectError> {
                    ::core::unreachable!()
                }

                fn roles(&self) -> #path::Roles<Self::Role> {
                    #path::Roles::none()
                }

                fn scopes(&self) -> #path::Scopes<Self::Scope> {
                    #path::Scopes::none()
                }

                fn read<'de, __A: #path::serde::de::MapAccess<'de>>(
                    _: __A,
                ) -> ::core::result::Result<(#path::Registered<'de>, Self), __A::Error> {
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

fn spanned_path(ty: &Type, runtime: &Runtime) -> TokenStream {
    runtime.path_at(ty.span())
}

/// The field's type as written.
fn whole_type(member: &Member) -> TokenStream {
    let ty = &member.ty;
    match member.optional {
        true => quote_spanned!(ty.span()=> ::core::option::Option<#ty>),
        false => ty.to_token_stream(),
    }
}

fn role_type(field: Option<&TokenStream>, runtime: &Runtime) -> TokenStream {
    let path = runtime.path();
    match field {
        Some(ty) => {
            let path = runtime.path_at(ty.span());
            quote_spanned!(ty.span()=> <#ty as #path::RolesField>::Role)
        }
        None => quote!(#path::NoRole),
    }
}

fn scope_type(field: Option<&TokenStream>, runtime: &Runtime) -> TokenStream {
    let path = runtime.path();
    match field {
        Some(ty) => {
            let path = runtime.path_at(ty.span());
            quote_spanned!(ty.span()=> <#ty as #path::ScopesField>::Scope)
        }
        None => quote!(#path::NoScope),
    }
}

/// The set in the field, or `none`.
fn field_or(
    member: Option<&Member>,
    trait_name: &str,
    method: &str,
    none: &TokenStream,
    runtime: &Runtime,
) -> TokenStream {
    let Some(member) = member else { return none.clone() };
    let span = member.ty.span();
    let path = runtime.path_at(span);
    let (field, trait_name, method) = (&member.ident, Ident::new(trait_name, span), Ident::new(method, span));
    quote_spanned!(span=> #path::#trait_name::#method(self.#field))
}
