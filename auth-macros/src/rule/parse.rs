//! Reads `#[check]` and the function under it.

use proc_macro2::TokenStream;
use syn::Path;

use crate::entry::{entries, fill};
use crate::signature::Function;
use crate::sink::{Errors, mistake};

/// The path of `crate = …`; nothing else is an argument.
pub(crate) fn args(tokens: TokenStream, errors: &mut Errors) -> Option<Path> {
    let mut krate = None;
    for entry in entries(tokens, "crate = auth_core", errors) {
        if entry.is("crate") {
            fill(&mut krate, &entry, entry.path(), errors);
        } else {
            errors.push(entry.unknown(&["crate"], "crate = auth_core"));
        }
    }
    krate
}

pub(crate) fn item(tokens: TokenStream) -> syn::Result<Function> {
    syn::parse2(tokens.clone()).map_err(|_| {
        let help = "#[check] async fn is_owner(user: &Auth<User>) -> bool { false }";
        mistake(tokens, "`#[check]` requires an async function", help)
    })
}
