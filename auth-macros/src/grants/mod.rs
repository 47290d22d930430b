//! `derive(Role)` and `derive(Scope)`.

mod check;
mod expand;
mod model;
mod parse;

use proc_macro2::TokenStream;

pub(crate) use model::Kind;

use crate::runtime::Runtime;
use crate::sink::Errors;

pub(crate) fn entry(kind: Kind, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(input) = errors.keep(syn::parse2(item)) else { return errors.into_tokens() };
    let (krate, variants) = parse::input(kind, &input, &mut errors);
    let names = check::names(kind, &input, variants, &mut errors);
    let runtime = Runtime::new(krate);
    match names {
        Some(names) if errors.is_empty() => expand::derived(kind, &input.ident, &names, &runtime),
        _ => errors.beside(expand::fallback(kind, &input, &runtime)),
    }
}
