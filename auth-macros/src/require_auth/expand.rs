//! The code of `#[require_auth(…)]`: the policy's type, and what stands in front of the handler or makes the proof.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Path, Type, Visibility};

use super::model::{Condition, Handler, Kind, Policy, Proof};
use super::requirement;
use crate::attrs;
use crate::runtime::{Runtime, local};
use crate::signature::derived_ident;
use crate::wrap::Wrapper;

pub(crate) fn handler(handler: &Handler, policy: &Policy, runtime: &Runtime) -> TokenStream {
    let Handler { function, claims, auth } = handler;
    let parts = PolicyType {
        name: derived_ident("__auth_core_policy_", &function.sig.ident),
        vis: &function.vis,
        cfgs: attrs::conditions(&function.attrs),
        runtime,
    };
    let name = &parts.name;
    let path = runtime.path_at(claims.span());
    let guard = match auth {
        Some(auth) if auth.optional => quote_spanned!(claims.span()=> #path::OptionalGuard<#name<#claims>>),
        _ => quote_spanned!(claims.span()=> #path::Guard<#name<#claims>>),
    };
    let wrapper = Wrapper {
        guard,
        span: claims.span(),
        auth: auth.as_ref().map(|auth| auth.position),
        assertions: assertions(claims, &policy.conditions, runtime),
    };
    let policy = parts.expand(policy);
    let function = wrapper.around(function);
    quote!(#policy #function)
}

pub(crate) fn proof(proof: &Proof, policy: &Policy, runtime: &Runtime) -> TokenStream {
    let Proof { item, claims } = proof;
    let (name, cfgs) = (&item.ident, attrs::conditions(&item.attrs));
    let parts = PolicyType {
        name: derived_ident("__auth_core_policy_", name),
        vis: &item.vis,
        cfgs: cfgs.clone(),
        runtime,
    };
    let path = runtime.path();
    let policy_name = &parts.name;
    let guard = quote_spanned!(claims.span()=> #path::Guard<#policy_name<#claims>>);
    let from_parts = quote!(#path::axum::extract::FromRequestParts<__S>);
    let assertions = assertions(claims, &policy.conditions, runtime);
    let policy = parts.expand(policy);
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
                    let proof = Self(guard.into_auth());
                    // A proof may be asked for without being looked at: this is the look.
                    let _ = &proof.0;
                    ::core::result::Result::Ok(proof)
                }
            }

            #[automatically_derived]
            impl #path::GuardArg for #name {
                const ACCESS: #path::Access = <#guard as #path::GuardArg>::ACCESS;
            }

            #assertions
        };
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
        quote_spanned!(member.span()=> const { #path::#assertion::<#claims, _>(&#member) };)
    });
    let checks = checks.into_iter().map(|check| {
        let path = runtime.path_at(check.span());
        quote_spanned!(check.span()=> const { <#check as #path::CheckOf<#claims>>::ASSERTED };)
    });
    let path = runtime.path_at(claims.span());
    let asserted = quote_spanned!(claims.span()=> const { #path::assert_claims::<#claims>() };);
    quote!(#asserted #(#grants)* #(#checks)*)
}

/// The zero-sized type that carries a policy. It is generic over the claims type, so that it is never more visible
/// than they are.
struct PolicyType<'a> {
    name: Ident,
    vis: &'a Visibility,
    cfgs: Vec<Attribute>,
    runtime: &'a Runtime,
}

impl PolicyType<'_> {
    fn expand(&self, policy: &Policy) -> TokenStream {
        let Self { name, vis, cfgs, runtime } = self;
        let path = runtime.path();
        let requirement = requirement::expression(policy, runtime);
        let mut checks = Vec::new();
        Condition::checks(&policy.conditions, &mut checks);
        let policy_impl = self.policy_impl(&checks);
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
            #vis struct #name<__C>(::core::marker::PhantomData<fn() -> __C>);

            #(#cfgs)*
            #[allow(unused_qualifications, clippy::absolute_paths)]
            const _: () = {
                #[automatically_derived]
                impl<__C: 'static> #path::PolicyData for #name<__C> {
                    type Claims = __C;
                    const REQUIREMENT: #path::Requirement = #requirement;
                }

                #policy_impl
            };
        }
    }

    fn policy_impl(&self, checks: &[&Path]) -> TokenStream {
        let path = self.runtime.path();
        let name = &self.name;
        let bounds = checks.iter().map(|check| {
            let path = self.runtime.path_at(check.span());
            quote_spanned!(check.span()=> #check: #path::Check<__S, Claims = __C>)
        });
        let [user, parts, state] = ["user", "parts", "state"].map(|name| local(name, Span::call_site()));
        let arms = checks.iter().zip(0_u8..).map(|(check, index)| {
            let path = self.runtime.path_at(check.span());
            let check = quote_spanned!(check.span()=> <#check as #path::Check<__S>>::check);
            quote!(#index => #check(#user, #parts, #state).await,)
        });
        let body = if checks.is_empty() {
            quote! {
                let _ = (index, #user, #parts, #state);
                ::core::result::Result::Ok(#path::Decision::Forbidden)
            }
        } else {
            quote! {
                match index {
                    #(#arms)*
                    _ => ::core::result::Result::Ok(#path::Decision::Forbidden),
                }
            }
        };
        quote! {
            #[automatically_derived]
            impl<__C: #path::Claims, __S: ::core::marker::Send + ::core::marker::Sync> #path::Policy<__S> for #name<__C>
            where
                #(#bounds,)*
            {
                async fn check(
                    index: u8,
                    #user: &#path::Auth<__C>,
                    #parts: &mut #path::http::request::Parts,
                    #state: &__S,
                ) -> ::core::result::Result<#path::Decision, #path::axum::response::Response> {
                    #body
                }
            }
        }
    }
}
