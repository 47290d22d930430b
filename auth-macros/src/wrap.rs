//! The outer function: takes the guard first, then calls the user's.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Attribute, FnArg, GenericParam, Generics, Pat, PatType};

use crate::attrs;
use crate::runtime::local;
use crate::signature::Function;

/// What is put around a handler.
pub(crate) struct Wrapper {
    /// The type of the guard.
    pub(crate) guard: TokenStream,
    /// Where errors about the guard are shown.
    pub(crate) span: Span,
    /// The position of the parameter that `guard.into_auth()` becomes.
    pub(crate) auth: Option<usize>,
    /// Statements that only the compiler reads.
    pub(crate) assertions: TokenStream,
}

impl Wrapper {
    /// The function of the same name, visibility, attributes and generics whose first parameter is the guard.
    pub(crate) fn around(&self, function: &Function) -> TokenStream {
        let Function { attrs, vis, sig, body } = function;
        let (instrument, attrs): (Vec<Attribute>, Vec<Attribute>) = attrs::without_instrument(attrs);
        let (name, generics, output) = (&sig.ident, &sig.generics, &sig.output);
        let inputs = &sig.inputs;
        let where_clause = &generics.where_clause;
        let turbofish = turbofish(generics);

        let guard = &self.guard;
        let span = self.span;
        let guard_name = if self.auth.is_some() { "auth_core_guard" } else { "_auth_core_guard" };
        let guard_name = local(guard_name, span);
        let mut params = Vec::new();
        let mut arguments = Vec::new();
        for (position, input) in inputs.iter().enumerate() {
            let FnArg::Typed(param) = input else { continue };
            if self.auth == Some(position) {
                arguments.push(quote_spanned!(span=> <#guard>::into_auth(#guard_name)));
            } else {
                let ident = outer_name(param, position, name);
                let ty = &param.ty;
                params.push(quote!(#ident: #ty));
                arguments.push(quote!(#ident));
            }
        }
        let assertions = &self.assertions;
        quote! {
            #[allow(clippy::too_many_arguments)]
            #(#attrs)*
            #vis async fn #name #generics (#guard_name: #guard, #(#params),*) #output #where_clause {
                #(#instrument)*
                #[allow(clippy::unused_async)]
                #[inline]
                async fn #name #generics (#inputs) #output #where_clause #body
                #assertions
                #name #turbofish (#(#arguments),*).await
            }
        }
    }
}

/// The user's name for the parameter. A name of ours for a pattern, for one that is said to be unused, and for one
/// that the function inside would shadow.
fn outer_name(param: &PatType, position: usize, function: &Ident) -> Ident {
    match &*param.pat {
        Pat::Ident(pat)
            if pat.subpat.is_none() && pat.ident != *function && !pat.ident.to_string().starts_with('_') =>
        {
            pat.ident.clone()
        }
        _ => local(&format!("auth_core_arg_{position}"), Span::call_site()),
    }
}

/// The type and const parameters as arguments; lifetimes are inferred.
fn turbofish(generics: &Generics) -> Option<TokenStream> {
    let arguments: Vec<&Ident> = generics
        .params
        .iter()
        .filter_map(|param| match param {
            GenericParam::Lifetime(_) => None,
            GenericParam::Type(param) => Some(&param.ident),
            GenericParam::Const(param) => Some(&param.ident),
        })
        .collect();
    if arguments.is_empty() { None } else { Some(quote!(::<#(#arguments),*>)) }
}
