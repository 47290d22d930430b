//! `#[require_auth(…)]`.

mod check;
mod condition;
mod expand;
mod model;
mod parse;
mod requirement;

use proc_macro2::TokenStream;

use crate::mentions;
use crate::runtime::Runtime;
use crate::sink::Errors;
use crate::stub;

pub(crate) fn entry(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let parsed = parse::item(item.clone());
    let mut mentioned = args.clone();
    let mut args = parse::args(args, &mut errors);
    let runtime = Runtime::new(args.krate.take());
    let claims = args.claims.as_ref().map(|(ty, _)| ty.clone());
    let mut stub = None;
    let expanded = match errors.keep(parsed) {
        None => None,
        Some(model::Item::Handler(function)) => {
            stub = Some(stub::handler(item.clone(), &runtime));
            if function.sig.receiver().is_some() {
                mentioned = TokenStream::new();
            }
            let handler = check::handler(function, &args, &mut errors);
            let policy = check::policy(args, &mut errors);
            handler.zip(policy).map(|(handler, policy)| expand::handler(&handler, &policy, &runtime))
        }
        Some(model::Item::Proof(found)) => {
            stub = Some(stub::proof(item.clone(), &runtime));
            let proof = check::proof(found, &args, &mut errors);
            let policy = check::policy(args, &mut errors);
            proof.zip(policy).map(|(proof, policy)| expand::proof(&proof, &policy, &runtime))
        }
    };
    match expanded {
        Some(expanded) if errors.is_empty() => expanded,
        _ => {
            let mut tokens = errors.beside(stub.unwrap_or(item));
            tokens.extend(mentions::of(mentioned, claims.as_ref()));
            tokens
        }
    }
}
