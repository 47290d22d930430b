//! `#[require_auth(…)]`.

mod check;
mod condition;
mod expand;
mod model;
mod parse;
mod requirement;

use proc_macro2::TokenStream;

use crate::runtime::Runtime;
use crate::sink::Errors;

pub(crate) fn entry(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let parsed = parse::item(item.clone());
    let mut args = parse::args(args, &mut errors);
    let runtime = Runtime::new(args.krate.take());
    let expanded = match errors.keep(parsed) {
        None => None,
        Some(model::Item::Handler(function)) => {
            let handler = check::handler(function, &args, &mut errors);
            let policy = check::policy(args, &mut errors);
            handler.zip(policy).map(|(handler, policy)| expand::handler(&handler, &policy, &runtime))
        }
        Some(model::Item::Proof(item)) => {
            let proof = check::proof(item, &args, &mut errors);
            let policy = check::policy(args, &mut errors);
            proof.zip(policy).map(|(proof, policy)| expand::proof(&proof, &policy, &runtime))
        }
    };
    match expanded {
        Some(expanded) if errors.is_empty() => expanded,
        _ => errors.beside(item),
    }
}
