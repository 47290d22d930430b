//! The code of `#[check]`: a type of the function's name that implements `Check`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::model::Rule;
use crate::attrs;
use crate::runtime::{Runtime, local};

pub(crate) fn rule(rule: &Rule, runtime: &Runtime) -> TokenStream {
    let (name, vis) = (&rule.function.sig.ident, &rule.function.vis);
    let cfgs = attrs::conditions(&rule.function.attrs);
    let claims = &rule.claims;
    let check_impl = check_impl(rule, runtime);
    // Generic over the claims type, so that it is never more visible than they are.
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(
            dead_code,
            missing_copy_implementations,
            missing_debug_implementations,
            non_camel_case_types,
            unnameable_types,
            unreachable_pub,
        )]
        #vis struct #name<__C = #claims> {
            claims: ::core::marker::PhantomData<fn() -> __C>,
        }

        #(#cfgs)*
        #[allow(deprecated, unused_qualifications, clippy::absolute_paths)]
        const _: () = {
            #check_impl
        };
    }
}

fn check_impl(rule: &Rule, runtime: &Runtime) -> TokenStream {
    let name = &rule.function.sig.ident;
    let claims = &rule.claims;
    let path = runtime.path();
    let claims_path = runtime.path_at(claims.span());
    let bounds = rule.extractors.iter().map(|ty| {
        let path = runtime.path_at(ty.span());
        quote_spanned!(ty.span()=> #ty: #path::axum::extract::FromRequestParts<__S>,)
    });
    let arguments: Vec<Ident> = (0..rule.extractors.len())
        .map(|position| local(&format!("arg_{position}"), Span::call_site()))
        .collect();
    let extractions =
        rule.extractors.iter().zip(&arguments).map(|(ty, argument)| extraction(ty, argument, runtime));
    let [user, parts, state] = ["user", "parts", "state"].map(|name| local(name, Span::call_site()));
    let decided = {
        let path = runtime.path_at(rule.output.span());
        quote_spanned! {rule.output.span()=>
            #path::IntoDecision::into_decision(#name(#user, #(#arguments),*).await)
        }
    };
    quote! {
        #[automatically_derived]
        impl #path::CheckOf<#claims> for #name<#claims> {}

        #[automatically_derived]
        impl<__S> #path::Check<#claims, __S> for #name<#claims>
        where
            #(#bounds)*
            __S: ::core::marker::Send + ::core::marker::Sync,
        {
            async fn check(
                #user: &#claims_path::Auth<#claims>,
                #parts: &mut #path::http::request::Parts,
                #state: &__S,
            ) -> ::core::result::Result<#path::Decision, #path::axum::response::Response> {
                let _ = (&*#parts, #state);
                #(#extractions)*
                #decided
            }
        }
    }
}

fn extraction(ty: &Type, argument: &Ident, runtime: &Runtime) -> TokenStream {
    let path = runtime.path_at(ty.span());
    let extract = quote_spanned! {ty.span()=>
        <#ty as #path::axum::extract::FromRequestParts<__S>>::from_request_parts
    };
    let [parts, state, value, rejection] =
        ["parts", "state", "value", "rejection"].map(|name| local(name, Span::call_site()));
    quote! {
        let #argument = match #extract(#parts, #state).await {
            ::core::result::Result::Ok(#value) => #value,
            ::core::result::Result::Err(#rejection) => {
                return ::core::result::Result::Err(
                    #path::axum::response::IntoResponse::into_response(#rejection),
                );
            }
        };
    }
}
