//! `#[check]`: a rule of the application that a guard runs.

mod check;
mod expand;
mod model;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;

use crate::runtime::Runtime;
use crate::sink::Errors;
use crate::stub;

pub(crate) fn entry(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let runtime = Runtime::new(parse::args(args, &mut errors));
    let rule = errors.keep(parse::item(item.clone())).and_then(|function| check::rule(function, &mut errors));
    match rule {
        Some(rule) if errors.is_empty() => {
            let generated = expand::rule(&rule, &runtime);
            // The attribute asks for `async`, whether the rule awaits something or not.
            quote!(#[allow(clippy::unused_async)] #item #generated)
        }
        _ => errors.beside(stub::check(item, &runtime)),
    }
}
