//! The code that reads and writes claims, in one pass each.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::model::{Claims, Member};
use crate::runtime::{Runtime, local};

/// Reads the payload: own claims into slots, the other members where the caller says.
pub(crate) fn read(claims: &Claims, runtime: &Runtime) -> TokenStream {
    let path = runtime.path();
    let map = local("map", proc_macro2::Span::call_site());
    let slots: Vec<Slot<'_>> =
        claims.members.iter().enumerate().map(|(at, member)| Slot::new(at, member, runtime)).collect();
    let declarations = slots
        .iter()
        .map(|Slot { name, ty, .. }| quote!(let mut #name = <#ty as ::core::default::Default>::default();));
    let arms = slots.iter().map(|Slot { name, ty, member }| {
        let (claim, span) = (&member.name, member.ty.span());
        let map = local("map", span);
        quote_spanned!(span=> #claim => <#ty>::read::<__A>(&mut #name, &mut #map)?,)
    });
    let fields = slots.iter().map(|Slot { name, ty, member }| {
        let (field, claim) = (&member.ident, &member.name);
        match member.optional {
            true => quote!(#field: <#ty>::finish(#name)),
            false => quote!(#field: <#ty>::finish::<__A::Error>(#name, #claim)?),
        }
    });
    let (subject, subject_ty) = (&claims.subject.ident, claims.subject.whole_type());
    let span = claims.subject.ty.span();
    let subject_path = runtime.path_at(span);
    let parse_subject = quote_spanned!(span=> #subject_path::parse_subject::<#subject_ty, __A::Error>);
    quote! {
        fn read<'de, __A: #path::serde::de::MapAccess<'de>, __O: #path::OtherMembers<'de>>(
            mut #map: __A,
            others: &mut __O,
        ) -> ::core::result::Result<Self, __A::Error> {
            #(#declarations)*
            while let ::core::option::Option::Some(name) =
                #path::serde::de::MapAccess::next_key::<#path::ClaimName<'de>>(&mut #map)?
            {
                match name.as_str() {
                    #(#arms)*
                    _ => #path::OtherMembers::read::<__A>(others, name, &mut #map)?,
                }
            }
            let subject = #parse_subject(#path::OtherMembers::subject::<__A::Error>(others)?)?;
            ::core::result::Result::Ok(Self { #subject: subject, #(#fields,)* })
        }
    }
}

/// Writes `sub` and the own claims; what is `None` is left out.
pub(crate) fn write(claims: &Claims, runtime: &Runtime) -> TokenStream {
    let path = runtime.path();
    let (this, map) = (format_ident!("self"), format_ident!("map"));
    let entries = claims.members.iter().map(|member| {
        let (field, claim, span) = (&member.ident, &member.name, member.ty.span());
        let path = runtime.path_at(span);
        let value = local("value", span);
        match member.optional {
            true => quote_spanned! {span=>
                if let ::core::option::Option::Some(#value) = &#this.#field {
                    #path::serde::ser::SerializeMap::serialize_entry(#map, #claim, #value)?;
                }
            },
            false => quote_spanned! {span=>
                #path::serde::ser::SerializeMap::serialize_entry(#map, #claim, &#this.#field)?;
            },
        }
    });
    quote! {
        fn write<__M: #path::serde::ser::SerializeMap>(
            &#this,
            #map: &mut __M,
        ) -> ::core::result::Result<(), __M::Error> {
            #path::serde::ser::SerializeMap::serialize_entry(#map, "sub", &#path::SubjectClaim(#this))?;
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
        let (span, inner) = (member.ty.span(), &member.ty);
        let path = runtime.path_at(span);
        let kind = if member.optional { quote!(OptionalClaim) } else { quote!(RequiredClaim) };
        let ty = quote_spanned!(span=> #path::#kind<#inner>);
        Self { name: local(&format!("slot_{at}"), span), ty, member }
    }
}
