//! The code of `#[require_auth(…)]`: the policy's type, and what stands in front of the handler or makes the proof.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Path, Type, Visibility};

use super::model::{Condition, Handler, Kind, Policy, Proof};
use super::requirement;
use crate::attrs;
use crate::runtime::{Runtime, local};
use crate::signature::{AuthParam, derived_ident};
use crate::wrap::Wrapper;

pub(crate) fn handler(handler: &Handler, policy: &Policy, runtime: &Runtime) -> TokenStream {
    let Handler { function, claims, auth } = handler;
    let parts = PolicyType {
        claims,
        name: derived_ident("__auth_core_policy_", &function.sig.ident),
        vis: &function.vis,
        cfgs: attrs::conditions(&function.attrs),
        runtime,
    };
    let name = &parts.name;
    let path = runtime.path_at(claims.span());
    let guard = match auth {
        Some(auth) if auth.optional => quote_spanned!(claims.span()=> #path::OptionalGuard),
        _ => quote_spanned!(claims.span()=> #path::Guard),
    };
    let caller = auth.as_ref().map(|auth| caller_assertion(auth, runtime));
    let assertions = assertions(claims, &policy.conditions, runtime);
    let assertions = quote!(#caller #assertions);
    // The claims of a generic function have a name only inside of it.
    let (inside, outside) = match function.sig.generics.params.is_empty() {
        true => (TokenStream::new(), assertions),
        false => {
            let mut checks = Vec::new();
            Condition::checks(&policy.conditions, &mut checks);
            let imports = imports(&checks, runtime);
            (quote!(const { #assertions }), quote!(#imports))
        }
    };
    let wrapper = Wrapper {
        guard_type: quote_spanned!(claims.span()=> #guard<#name, #claims>),
        guard,
        span: claims.span(),
        auth: auth.as_ref().map(|auth| auth.position),
        assertions: inside,
    };
    let policy = parts.expand(policy, &outside);
    let function = wrapper.around(function);
    quote!(#policy #function)
}

pub(crate) fn proof(proof: &Proof, policy: &Policy, runtime: &Runtime) -> TokenStream {
    let Proof { item, claims } = proof;
    let (name, cfgs) = (&item.ident, attrs::conditions(&item.attrs));
    let parts = PolicyType {
        claims,
        name: derived_ident("__auth_core_policy_", name),
        vis: &item.vis,
        cfgs: cfgs.clone(),
        runtime,
    };
    let path = runtime.path();
    let policy_name = &parts.name;
    let guard = quote_spanned!(claims.span()=> #path::Guard<#policy_name, #claims>);
    let from_parts = quote!(#path::axum::extract::FromRequestParts<__S>);
    let policy = parts.expand(policy, &assertions(claims, &policy.conditions, runtime));
    quote! {
        #item
        #policy
        #(#cfgs)*
        #[allow(unused_qualifications, clippy::absolute_paths)]
        const _: () = {
            #[automatically_derived]
            impl<__S> #from_parts for #name
            where
                #guard: #path::axum::extract::FromRequestParts<__S, Rejection = #path::Rejection>,
                __S: ::core::marker::Send + ::core::marker::Sync,
            {
                type Rejection = #path::Rejection;

                async fn from_request_parts(
                    parts: &mut #path::http::request::Parts,
                    state: &__S,
                ) -> ::core::result::Result<Self, #path::Rejection> {
                    let guard = <#guard as #from_parts>::from_request_parts(parts, state).await?;
                    let proof = Self(guard.__auth);
                    // A proof may be asked for without being looked at: this is the look.
                    let _ = &proof.0;
                    ::core::result::Result::Ok(proof)
                }
            }

            #[automatically_derived]
            impl #path::hand_written_use_is_unsupported::NamedGuard for #name {
                type Policy = #policy_name;
            }
        };
    }
}

/// Makes rustc check that the `Auth` of the parameter is the one that the guard gives.
fn caller_assertion(auth: &AuthParam, runtime: &Runtime) -> TokenStream {
    let (ty, claims) = (&auth.ty, &auth.claims);
    let path = runtime.path_at(ty.span());
    let given = match auth.optional {
        true => quote_spanned!(ty.span()=> ::core::option::Option<#path::Auth<#claims>>),
        false => quote_spanned!(ty.span()=> #path::Auth<#claims>),
    };
    quote_spanned! {ty.span()=>
        let _: ::core::marker::PhantomData<#ty> = ::core::marker::PhantomData::<#given>;
    }
}

/// Makes rustc check the roles, scopes and checks against the claims type, at the user's tokens.
fn assertions(claims: &Type, conditions: &[Condition], runtime: &Runtime) -> TokenStream {
    let (mut grants, mut checks) = (Vec::new(), Vec::new());
    Condition::grants(conditions, &mut grants);
    Condition::checks(conditions, &mut checks);
    let grants = grants.into_iter().map(|(kind, member)| {
        let path = runtime.path_at(member.span());
        let assertion = match kind {
            Kind::Role => quote_spanned!(member.span()=> assert_role_of),
            Kind::Scope => quote_spanned!(member.span()=> assert_scope_of),
        };
        quote_spanned!(member.span()=> #path::#assertion::<#claims, _>(&#member);)
    });
    let imports = imports(&checks, runtime);
    let checks = checks.iter().zip(0_u8..).map(|(check, index)| {
        let (path, check) = (runtime.path_at(check.span()), imported(check, index));
        quote_spanned!(check.span()=> let () = <#check as #path::CheckOf<#claims>>::ASSERTED;)
    });
    let path = runtime.path_at(claims.span());
    let asserted = quote_spanned!(claims.span()=> #path::assert_claims::<#claims>(););
    quote!(#imports #asserted #(#grants)* #(#checks)*)
}

/// Imports the checks under names of their own. `#[check]` makes a type of the function's name; for a function without
/// it, the name comes from the glob import, whose type makes rustc say what is missing.
fn imports(checks: &[&Path], runtime: &Runtime) -> Option<TokenStream> {
    checks.first()?;
    let path = runtime.path();
    let imports = checks.iter().zip(0_u8..).map(|(check, index)| {
        let name = imported(check, index);
        quote_spanned!(check.span()=> use #check as #name;)
    });
    Some(quote! {
        #[allow(deprecated, unused_imports, clippy::wildcard_imports)]
        use #path::unmarked::*;
        #(#[allow(deprecated, unused_imports)] #imports)*
    })
}

/// The name under which the check with that index is imported.
fn imported(check: &Path, index: u8) -> Ident {
    Ident::new(&format!("__auth_core_check_{index}"), check.span())
}

/// The type without values that carries a policy. It does not name the claims type, which may be less visible than it is.
struct PolicyType<'a> {
    claims: &'a Type,
    name: Ident,
    vis: &'a Visibility,
    cfgs: Vec<Attribute>,
    runtime: &'a Runtime,
}

impl PolicyType<'_> {
    /// The type and its policy; `assertions` are statements that only the compiler reads.
    fn expand(&self, policy: &Policy, assertions: &TokenStream) -> TokenStream {
        let Self { name, vis, cfgs, runtime, .. } = self;
        let path = runtime.path();
        let requirement = requirement::expression(policy, runtime);
        let mut checks = Vec::new();
        Condition::checks(&policy.conditions, &mut checks);
        let (checks_type, checks_impl) = match checks.as_slice() {
            [] => (quote!(#path::NoChecks), None),
            checks => (quote!(Self), Some(self.checks_impl(checks))),
        };
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
            #vis enum #name {}

            #(#cfgs)*
            #[allow(unused_qualifications, clippy::absolute_paths)]
            const _: () = {
                #[automatically_derived]
                impl #path::Policy for #name {
                    type Checks = #checks_type;
                    const REQUIREMENT: &'static #path::Requirement = &#requirement;
                }

                #checks_impl

                #assertions
            };
        }
    }

    fn checks_impl(&self, checks: &[&Path]) -> TokenStream {
        let path = self.runtime.path();
        let Self { name, claims, .. } = self;
        let bounds = checks.iter().zip(0_u8..).map(|(check, index)| {
            let (path, check) = (self.runtime.path_at(check.span()), imported(check, index));
            quote_spanned!(check.span()=> #check: #path::Check<#claims, __S>)
        });
        let [user, parts, state] = ["user", "parts", "state"].map(|name| local(name, Span::call_site()));
        let arms = checks.iter().zip(0_u8..).map(|(check, index)| {
            let (path, check) = (self.runtime.path_at(check.span()), imported(check, index));
            let check = quote_spanned!(check.span()=> <#check as #path::Check<#claims, __S>>::check);
            quote!(#index => #path::answering(#check(#user, #parts, #state)),)
        });
        quote! {
            #[automatically_derived]
            impl<__S: ::core::marker::Send + ::core::marker::Sync> #path::Checks<#claims, __S> for #name
            where
                #(#bounds,)*
            {
                fn ask<'__a>(
                    index: u8,
                    #user: &'__a #path::Auth<#claims>,
                    #parts: &'__a mut #path::http::request::Parts,
                    #state: &'__a __S,
                ) -> #path::Answering<'__a> {
                    match index {
                        #(#arms)*
                        _ => #path::unknown_check(),
                    }
                }
            }
        }
    }
}
