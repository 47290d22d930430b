//! The code of `derive(Role)` and `derive(Scope)`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Data, DeriveInput};

use super::model::{Grant, Kind};
use crate::runtime::Runtime;

pub(crate) fn derived(kind: Kind, ident: &Ident, grants: &[Grant], runtime: &Runtime) -> TokenStream {
    let path = runtime.path();
    let derived = format_ident!("{}", kind.trait_name());
    let (variants, names): (Vec<_>, Vec<_>) = grants.iter().map(|grant| (&grant.ident, &grant.name)).unzip();
    let indices: Vec<u32> = (0..).take(grants.len()).collect();
    let inclusions = (kind == Kind::Role).then(|| {
        let bits = grants.iter().map(|grant| grant.bits);
        quote!(const GRANTS: &'static [u64] = &[#(#bits),*];)
    });
    quote! {
        #[allow(deprecated, unreachable_pub, unused_qualifications, clippy::absolute_paths)]
        const _: () = {
            #[automatically_derived]
            impl #path::#derived for #ident {
                const NAMES: &'static [&'static str] = &[#(#names),*];
                #inclusions

                fn index(self) -> u32 {
                    match self {
                        #(Self::#variants => #indices,)*
                    }
                }

                fn from_index(index: u32) -> ::core::option::Option<Self> {
                    match index {
                        #(#indices => ::core::option::Option::Some(Self::#variants),)*
                        _ => ::core::option::Option::None,
                    }
                }
            }

            #[automatically_derived]
            impl #ident {
                #[doc(hidden)]
                #[must_use]
                pub const fn __auth_core_grant(self) -> #path::Grant {
                    match self {
                        #(Self::#variants => #path::Grant::new(#indices, #names),)*
                    }
                }
            }
        };
    }
}

/// Stands in after a mistake, so that rustc does not also report every use of the enum.
pub(crate) fn fallback(kind: Kind, input: &DeriveInput, runtime: &Runtime) -> TokenStream {
    if !matches!(input.data, Data::Enum(_)) || !input.generics.params.is_empty() {
        return TokenStream::new();
    }
    let path = runtime.path();
    let derived = format_ident!("{}", kind.trait_name());
    let ident = &input.ident;
    let inclusions = (kind == Kind::Role).then(|| {
        quote!(
            const GRANTS: &'static [u64] = &[];
        )
    });
    quote! {
        #[allow(deprecated, unreachable_pub, unused_qualifications)]
        const _: () = {
            #[automatically_derived]
            impl #path::#derived for #ident {
                const NAMES: &'static [&'static str] = &[];
                #inclusions

                fn index(self) -> u32 {
                    ::core::unreachable!()
                }

                fn from_index(_: u32) -> ::core::option::Option<Self> {
                    ::core::option::Option::None
                }
            }

            #[automatically_derived]
            impl #ident {
                #[doc(hidden)]
                pub const fn __auth_core_grant(self) -> #path::Grant {
                    #path::Grant::new(0, "")
                }
            }
        };
    }
}
