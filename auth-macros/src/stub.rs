//! What replaces an item with a mistake. It compiles wherever the item would, so that the mistake is the only error.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Attribute, ItemStruct};

use crate::attrs;
use crate::runtime::Runtime;
use crate::signature::Function;

/// A handler of the same name, around the function as the user wrote it.
pub(crate) fn handler(item: TokenStream, runtime: &Runtime) -> TokenStream {
    let function = match syn::parse2::<Function>(item.clone()) {
        Ok(function) if function.sig.receiver().is_none() => function,
        _ => return item,
    };
    let Function { attrs, vis, sig, body } = function;
    let (inner, outer): (Vec<Attribute>, Vec<Attribute>) = attrs.into_iter().partition(|attr| {
        ["instrument", "require_auth", "public", "check"].iter().any(|name| attrs::is(attr, name))
    });
    let (name, generics) = (&sig.ident, &sig.generics);
    let where_clause = &generics.where_clause;
    let path = runtime.path();
    quote! {
        #[allow(clippy::extra_unused_type_parameters, clippy::unused_async)]
        #(#outer)*
        #vis async fn #name #generics (_: #path::Public) #where_clause {
            #[allow(unused)]
            #(#inner)*
            #sig #body
        }
    }
}

/// The function as the user wrote it, and a check of its name for all claims and states.
pub(crate) fn check(item: TokenStream, runtime: &Runtime) -> TokenStream {
    let Ok(Function { attrs, vis, sig, .. }) = syn::parse2::<Function>(item.clone()) else { return item };
    if sig.receiver().is_some() {
        return item;
    }
    let (name, cfgs) = (&sig.ident, attrs::conditions(&attrs));
    let path = runtime.path();
    quote! {
        #[allow(dead_code)]
        #item
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(dead_code, non_camel_case_types, unreachable_pub)]
        #vis struct #name {}
        #(#cfgs)*
        const _: () = {
            impl<__C> #path::CheckOf<__C> for #name {}

            impl<__C, __S> #path::Check<__C, __S> for #name {
                fn check(
                    _: &#path::Auth<__C>,
                    _: &mut #path::http::request::Parts,
                    _: &__S,
                ) -> impl ::core::future::Future<
                    Output = ::core::result::Result<#path::Decision, #path::axum::response::Response>,
                > + ::core::marker::Send {
                    ::core::future::ready(::core::result::Result::Ok(#path::Decision::Forbidden))
                }
            }
        };
    }
}

/// The struct as the user wrote it, and an extractor of it that never runs.
pub(crate) fn proof(item: TokenStream, runtime: &Runtime) -> TokenStream {
    let Ok(ItemStruct { attrs, ident, generics, .. }) = syn::parse2(item.clone()) else { return item };
    if !generics.params.is_empty() || attrs.iter().any(|attr| attrs::is(attr, "require_auth")) {
        return item;
    }
    let cfgs = attrs::conditions(&attrs);
    let extractor = extractor(&ident, runtime);
    quote! {
        #[allow(dead_code)]
        #item
        #(#cfgs)*
        const _: () = { #extractor };
    }
}

fn extractor(name: &Ident, runtime: &Runtime) -> TokenStream {
    let path = runtime.path();
    quote! {
        impl<__S: ::core::marker::Send + ::core::marker::Sync> #path::axum::extract::FromRequestParts<__S> for #name {
            type Rejection = #path::Rejection;

            async fn from_request_parts(
                _: &mut #path::http::request::Parts,
                _: &__S,
            ) -> ::core::result::Result<Self, #path::Rejection> {
                ::core::unreachable!()
            }
        }

        impl #path::hand_written_use_is_unsupported::NamedGuard for #name {
            type Policy = #path::Mistake;
        }
    }
}
