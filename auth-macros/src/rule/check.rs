//! The rules of `#[check]`.

use syn::{ReturnType, Type};

use super::model::Rule;
use crate::signature::{Function, argument_of};
use crate::sink::Errors;
use crate::text::written;

pub(crate) fn rule(function: Function, errors: &mut Errors) -> Option<Rule> {
    function.check(errors);
    if !function.sig.generics.params.is_empty() {
        let message = format_args!("`{}` cannot be generic", function.sig.ident);
        errors.at(&function.sig.generics, message, "// remove it");
    }
    let claims = claims(&function, errors);
    let extractors = extractors(&function, claims.is_some(), errors);
    let output = output(&function, errors);
    Some(Rule { claims: claims?, extractors, output: output?, function })
}

/// The claims type in the first parameter.
fn claims(function: &Function, errors: &mut Errors) -> Option<Type> {
    let name = &function.sig.ident;
    let Some(first) = function.params().next() else {
        let message = format_args!("`{name}` must have the caller as its first parameter");
        errors.at_span(function.sig.paren_token.span.join(), message, "(user: &Auth<User>)");
        return None;
    };
    let claims = match &*first.ty {
        Type::Reference(reference) if reference.mutability.is_none() => argument_of(&reference.elem, "Auth"),
        _ => None,
    };
    if claims.is_none() {
        let help = match argument_of(&first.ty, "Auth") {
            Some(claims) => format!("&Auth<{}>", written(claims)),
            None => "&Auth<User>".to_owned(),
        };
        let message =
            format_args!("the first parameter of a check must be the caller, not `{}`", written(&first.ty));
        errors.at(&first.ty, message, help);
    }
    claims.cloned()
}

/// The types of the parameters after the first. They are extracted, so they must be owned and concrete.
fn extractors(function: &Function, caller_is_first: bool, errors: &mut Errors) -> Vec<Type> {
    let types: Vec<Type> = function.params().skip(1).map(|param| (*param.ty).clone()).collect();
    for ty in &types {
        match ty {
            Type::Reference(reference)
                if caller_is_first || argument_of(&reference.elem, "Auth").is_none() =>
            {
                let message = format_args!("`{}` is a reference: extractors are owned", written(ty));
                errors.at(ty, message, written(&reference.elem));
            }
            Type::ImplTrait(_) => {
                let message = format_args!("`{}` is not a concrete extractor type", written(ty));
                errors.at(ty, message, "State<Db>");
            }
            _ => {}
        }
    }
    types
}

fn output(function: &Function, errors: &mut Errors) -> Option<Type> {
    let name = &function.sig.ident;
    match &function.sig.output {
        ReturnType::Default => {
            let message =
                format_args!("`{name}` has no return type: a check returns `bool`, `Decision` or a `Result`");
            let help = format_args!("({}) -> bool", written(&function.sig.inputs)).to_string();
            errors.at_span(function.sig.paren_token.span.join(), message, help);
            None
        }
        ReturnType::Type(_, ty) => match &**ty {
            Type::ImplTrait(_) => {
                let message = format_args!(
                    "`{}` is not a concrete type: a check returns `bool`, `Decision` or a `Result`",
                    written(ty)
                );
                errors.at(ty, message, "bool");
                None
            }
            ty => Some(ty.clone()),
        },
    }
}
