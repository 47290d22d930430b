//! `#[public]`: a handler that everybody may call.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Path;

use crate::entry::{entries, fill};
use crate::runtime::Runtime;
use crate::signature::{AuthParam, Function, check_count};
use crate::sink::Errors;
use crate::stub;
use crate::wrap::Wrapper;

pub(crate) fn entry(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let krate = parse(args, &mut errors);
    let function = match syn::parse2::<Function>(item.clone()) {
        Ok(function) => function,
        Err(_) => {
            errors.at(&item, "`#[public]` requires an async function", "#[public] async fn handler() {}");
            return errors.beside(item);
        }
    };
    check(&function, &mut errors);
    let runtime = Runtime::new(krate);
    if errors.is_empty() { expand(&function, &runtime) } else { errors.beside(stub::handler(item, &runtime)) }
}

fn parse(args: TokenStream, errors: &mut Errors) -> Option<Path> {
    let mut krate = None;
    for entry in entries(args, "crate = auth_core", errors) {
        if entry.is("crate") {
            fill(&mut krate, &entry, entry.path(), errors);
        } else {
            let message = format_args!("`#[public]` has no conditions: `{}` is not supported", entry.key);
            errors.at(&entry.tokens, message, "// use `#[require_auth(…)]`, or remove it");
        }
    }
    krate
}

fn check(function: &Function, errors: &mut Errors) {
    function.check(errors);
    check_count(function, 15, errors);
    for param in AuthParam::all(function) {
        let claims = crate::text::written(&param.claims);
        let message = "`#[public]` does not authenticate: for an optional caller, use `#[require_auth(…)]`";
        errors.at(
            &param.ty,
            message,
            format_args!("Option<Auth<{claims}>> // under #[require_auth(session | jwt)]"),
        );
    }
}

fn expand(function: &Function, runtime: &Runtime) -> TokenStream {
    let runtime = runtime.path();
    let wrapper = Wrapper {
        guard: quote!(#runtime::Public),
        guard_type: quote!(#runtime::Public),
        span: Span::call_site(),
        auth: None,
        assertions: TokenStream::new(),
    };
    wrapper.around(function)
}
