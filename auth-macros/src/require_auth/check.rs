//! The rules of `#[require_auth(…)]`: about its entries together, and with the item.

use std::time::Duration;

use proc_macro2::Span;
use quote::{ToTokens, quote};
use syn::{Fields, ItemStruct, LitStr, Type, Visibility};

use super::model::{Args, Condition, Handler, Policy, Proof, Schemes};
use crate::attrs::check_alone;
use crate::duration;
use crate::signature::{AuthParam, Function, argument_of, check_count};
use crate::sink::Errors;
use crate::text::written;

/// The results of checks are bits of a `u64`.
const MOST_CHECKS: usize = 64;

/// Rules about the entries alone.
pub(crate) fn policy(args: Args, errors: &mut Errors) -> Option<Policy> {
    if args.schemes.is_none() && (errors.is_empty() || !args.misplaced_scheme) {
        let message = "missing scheme: specify how callers authenticate";
        match &args.first {
            Some(first) => errors.at(first, message, format_args!("session | jwt, {}", written(first))),
            None => errors.at_span(Span::call_site(), message, "#[require_auth(session | jwt)]"),
        }
    }
    if let (Some(csrf), Some(Schemes::Jwt)) = (&args.csrf, args.schemes) {
        let message =
            "`csrf(off)` requires the scheme `session`: browsers do not send bearer tokens by themselves";
        errors.at(csrf, message, "// remove it");
    }
    let mut checks = Vec::new();
    Condition::checks(&args.conditions, &mut checks);
    if let Some(surplus) = checks.get(MOST_CHECKS) {
        let message = format_args!("{} checks, but at most {MOST_CHECKS} are supported", checks.len());
        errors.at(surplus, message, "// combine several of them in one function with `#[check]`");
    }
    let fresh = time(args.fresh.as_ref(), "\"5m\"", errors);
    let revocation = time(args.revocation.as_ref(), "\"2s\"", errors);
    Some(Policy {
        schemes: args.schemes?,
        conditions: args.conditions,
        fresh,
        revocation,
        csrf_off: args.csrf.is_some(),
    })
}

fn time(literal: Option<&LitStr>, help: &str, errors: &mut Errors) -> Option<Duration> {
    literal.and_then(|literal| errors.keep(duration::from_literal(literal, help)))
}

/// Rules about a function and its entries.
pub(crate) fn handler(function: Function, args: &Args, errors: &mut Errors) -> Option<Handler> {
    function.check(errors);
    let mut params = AuthParam::all(&function).into_iter();
    let auth = params.next();
    for second in params {
        errors.at(
            &second.ty,
            "a handler has at most one `Auth` parameter: this is the second one",
            "// remove one of them",
        );
    }
    check_count(&function, if auth.is_some() { 16 } else { 15 }, errors);
    if let Some(auth) = auth.as_ref().filter(|auth| auth.optional) {
        check_optional(auth, args, errors);
    }
    let claims = match (&auth, &args.claims) {
        (Some(auth), Some((_, entry))) => {
            let message = format_args!(
                "duplicate claims type: the parameter `{}` already specifies it",
                written(&auth.ty)
            );
            errors.at(entry, message, "// remove it");
            auth.claims.clone()
        }
        (Some(auth), None) => auth.claims.clone(),
        (None, Some((ty, _))) => ty.clone(),
        (None, None) => {
            claims_nowhere(&function, errors);
            return None;
        }
    };
    Some(Handler { function, claims, auth })
}

/// The error for a handler without `Auth<C>`, or with a reference to one.
fn claims_nowhere(function: &Function, errors: &mut Errors) {
    for param in function.params() {
        if let Type::Reference(reference) = &*param.ty
            && argument_of(&reference.elem, "Auth").is_some()
        {
            let message =
                format_args!("`{}` is a reference: arguments of handlers are owned", written(&param.ty));
            errors.at(&param.ty, message, written(&reference.elem));
            return;
        }
    }
    let name = &function.sig.ident;
    let message = format_args!(
        "`{name}` must specify the claims type: in a parameter `Auth<…>`, or in the attribute with `claims = …`"
    );
    let inputs = &function.sig.inputs;
    let separator = if inputs.is_empty() { "" } else { ", " };
    let help = format!("(user: Auth<User>{separator}{})", written(inputs));
    errors.at_span(function.sig.paren_token.span.join(), message, help);
}

/// Anonymous callers satisfy no condition, so a handler with conditions cannot have an optional caller.
fn check_optional(auth: &AuthParam, args: &Args, errors: &mut Errors) {
    let ty = written(&auth.ty);
    let help = format!("Auth<{}>", written(&auth.claims));
    for entry in &args.asking {
        let message =
            format_args!("`{ty}` accepts anonymous callers, who never satisfy `{}`", written(&entry.tokens));
        errors.at(&auth.ty, message, &help);
    }
    if args.fresh.is_some() {
        errors.at(
            &auth.ty,
            format_args!("`{ty}` accepts anonymous callers, who never satisfy `fresh`"),
            &help,
        );
    }
}

/// Rules about a tuple struct and its entries.
pub(crate) fn proof(item: ItemStruct, args: &Args, errors: &mut Errors) -> Option<Proof> {
    let name = &item.ident;
    check_alone(name, &item.attrs, errors);
    let example = format!("struct {name}(Auth<User>);");
    if !item.generics.params.is_empty() {
        errors.at(&item.generics, format_args!("`{name}` cannot be generic"), "// remove it");
    }
    if let Some((_, entry)) = &args.claims {
        errors.at(
            entry,
            format_args!("the field of `{name}` already specifies the claims type"),
            "// remove it",
        );
    }
    let fields = match &item.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => &fields.unnamed,
        fields => {
            let shape = if fields.is_empty() { name.to_token_stream() } else { quote!(#fields) };
            errors.at(shape, format_args!("`{name}` must have one field, of type `Auth<…>`"), example);
            return None;
        }
    };
    let field = fields.first()?;
    if !matches!(field.vis, Visibility::Inherited) {
        let message =
            format_args!("the field must be private: otherwise a `{name}` can be created without the guard");
        errors.at(&field.vis, message, "// remove it");
    }
    match claims_of(&field.ty) {
        Some(claims) => {
            let claims = claims.clone();
            Some(Proof { item, claims })
        }
        None => {
            let message = format_args!(
                "the field of `{name}` must have the type `Auth<…>`, not `{}`",
                written(&field.ty)
            );
            errors.at(&field.ty, message, "Auth<User>");
            None
        }
    }
}

fn claims_of(ty: &Type) -> Option<&Type> {
    argument_of(ty, "Auth")
}
