//! The paths of the runtime that generated code names.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;

/// Where the runtime is: `::auth_core::__private`, unless `crate = …` says otherwise.
#[derive(Clone)]
pub(crate) struct Runtime(Option<Path>);

impl Runtime {
    pub(crate) const fn new(krate: Option<Path>) -> Self {
        Self(krate)
    }

    pub(crate) fn path(&self) -> TokenStream {
        match &self.0 {
            Some(krate) => quote!(#krate::__private),
            None => quote!(::auth_core::__private),
        }
    }

    /// The same path, with errors about it shown at `span`.
    pub(crate) fn path_at(&self, span: Span) -> TokenStream {
        match &self.0 {
            Some(krate) => quote_spanned!(span=> #krate::__private),
            None => quote_spanned!(span=> ::auth_core::__private),
        }
    }
}

/// A local variable of generated code, shown at `span`. It never meets a name of the user's, and is the same under
/// every `span`, also when an item was written by another macro.
pub(crate) fn local(name: &str, span: Span) -> Ident {
    Ident::new(name, Span::mixed_site().located_at(span))
}
