//! What replaces a handler: the user's function with the guard as its first parameter, or one around it.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::{Attribute, GenericParam, Generics, Pat, PatType};

use crate::attrs;
use crate::runtime::local;
use crate::signature::Function;

/// What is put around a handler.
pub(crate) struct Wrapper {
    /// The path of the guard's struct.
    pub(crate) guard: TokenStream,
    /// The type of the guard.
    pub(crate) guard_type: TokenStream,
    /// Where errors about the guard are shown.
    pub(crate) span: Span,
    /// The position of the parameter that the guard holds.
    pub(crate) auth: Option<usize>,
    /// Statements that only the compiler reads.
    pub(crate) assertions: TokenStream,
}

impl Wrapper {
    /// The function of the same name, visibility, attributes and generics whose first parameter is the guard.
    pub(crate) fn around(&self, function: &Function) -> TokenStream {
        let calls_itself = mentions(function.body.clone(), &function.sig.ident);
        if self.assertions.is_empty() && !calls_itself { self.outer(function) } else { self.nested(function) }
    }

    /// The user's function, with the guard in the first place: a pattern takes out of it what the user wants.
    fn outer(&self, function: &Function) -> TokenStream {
        let Function { attrs, vis, sig, body } = function;
        let (name, generics, output) = (&sig.ident, &sig.generics, &sig.output);
        let where_clause = &generics.where_clause;
        let Self { guard, guard_type, .. } = self;
        let guarded = |(position, param): (usize, &PatType)| {
            (self.auth == Some(position)).then(|| {
                let (attrs, pat) = (&param.attrs, &param.pat);
                match &**pat {
                    Pat::Wild(_) => quote!(#(#attrs)* #pat: #guard_type),
                    _ => quote_spanned!(self.span=> #(#attrs)* #guard { __auth: #pat, .. }: #guard_type),
                }
            })
        };
        let first = function.params().enumerate().find_map(guarded).unwrap_or_else(|| quote!(_: #guard_type));
        let others = function.params().enumerate().filter(|(position, _)| self.auth != Some(*position));
        let others = others.map(|(_, param)| param);
        quote! {
            #[allow(clippy::too_many_arguments, clippy::unused_async)]
            #(#attrs)*
            #vis async fn #name #generics (#first, #(#others),*) #output #where_clause #body
        }
    }

    /// A function that takes the guard and calls the user's, which stands in it as it is: for a function that calls
    /// itself, or whose generics the assertions need.
    fn nested(&self, function: &Function) -> TokenStream {
        let Function { attrs, vis, sig, body } = function;
        let (instrument, attrs): (Vec<Attribute>, Vec<Attribute>) = attrs::without_instrument(attrs);
        let (name, generics, output) = (&sig.ident, &sig.generics, &sig.output);
        let inputs = &sig.inputs;
        let where_clause = &generics.where_clause;
        let turbofish = turbofish(generics);

        let guard = &self.guard_type;
        let span = self.span;
        let guard_name = if self.auth.is_some() { "auth_core_guard" } else { "_auth_core_guard" };
        let guard_name = local(guard_name, span);
        let mut params = Vec::new();
        let mut arguments = Vec::new();
        for (position, param) in function.params().enumerate() {
            if self.auth == Some(position) {
                arguments.push(quote_spanned!(span=> #guard_name.__auth));
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

/// Whether `name` stands anywhere in `tokens`.
fn mentions(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
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
