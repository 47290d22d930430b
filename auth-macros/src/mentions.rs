//! Uses what a broken attribute names, so that rustc does not also call its imports unused.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::Type;

/// Code that names the variants in `tokens`, and the type.
pub(crate) fn of(tokens: TokenStream, ty: Option<&Type>) -> TokenStream {
    let mut found = Vec::new();
    variants(tokens, &mut found);
    let ty = ty.map(|ty| quote!(const _: ::core::marker::PhantomData<#ty> = ::core::marker::PhantomData;));
    quote! {
        #(const _: fn() = || { let _ = #found; };)*
        #ty
    }
}

/// Paths of which the last two segments look like an enum and its variant.
fn variants(tokens: TokenStream, found: &mut Vec<TokenStream>) {
    let mut path: Vec<Ident> = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) => path.push(ident),
            TokenTree::Punct(punct) if punct.as_char() == ':' => continue,
            TokenTree::Group(group) => variants(group.stream(), found),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        if !matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':') {
            let is_capital = |ident: &&Ident| ident.to_string().starts_with(char::is_uppercase);
            if let Some(last) =
                path.last().filter(|_| path.len() > 1 && path.iter().rev().take(2).all(|i| is_capital(&i)))
            {
                let span = last.span();
                found.push(quote_spanned!(span=> #(#path)::*));
            }
            path.clear();
        }
    }
}
