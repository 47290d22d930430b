//! `derive(Claims)`.

mod check;
mod codec;
mod expand;
mod model;
mod names;
mod parse;

use proc_macro2::TokenStream;

use crate::runtime::Runtime;
use crate::sink::Errors;

pub(crate) fn entry(item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(input) = errors.keep(syn::parse2(item)) else { return errors.into_tokens() };
    let mut parsed = parse::input(&input, &mut errors);
    let runtime = Runtime::new(parsed.krate.take());
    let fallback = expand::fallback(&input, &parsed, &runtime);
    match check::claims(&input, parsed, &mut errors) {
        Some(claims) if errors.is_empty() => expand::derived(&input.ident, &claims, &runtime),
        _ => errors.beside(fallback),
    }
}
