//! Collects the mistakes of one item, so that all of them are reported together.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// A mistake at `tokens`: what is wrong, and the text that belongs there instead.
pub(crate) fn mistake(tokens: impl ToTokens, message: impl Display, help: impl Display) -> syn::Error {
    syn::Error::new_spanned(tokens, format_args!("{message}\n= help: {help}"))
}

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds a mistake at `tokens`; `help` is what to write there.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display, help: impl Display) {
        self.push(mistake(tokens, message, help));
    }

    /// Like [`at`](Self::at), for a mistake that has no token of its own.
    pub(crate) fn at_span(&mut self, span: Span, message: impl Display, help: impl Display) {
        self.push(syn::Error::new(span, format_args!("{message}\n= help: {help}")));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value, or `None` with its mistake kept.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// One `compile_error!` a mistake.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.map(syn::Error::into_compile_error).unwrap_or_default()
    }

    /// `item`, or what stands in for it, with the mistakes beside it: so that rustc does not also miss the item.
    /// Without a mistake there is an error all the same: an item that was not expanded is not guarded, and must not compile.
    pub(crate) fn beside(mut self, item: TokenStream) -> TokenStream {
        if self.is_empty() {
            self.push(syn::Error::new(
                Span::call_site(),
                "internal error: no code was generated, and no mistake was found",
            ));
        }
        let mut tokens = item;
        tokens.extend(self.into_tokens());
        tokens
    }
}
