//! Functions under an attribute: read up to the body, which stays tokens, and the rules that all attributes share.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, FnArg, GenericArgument, PatType, PathArguments, Safety, Signature, Type, Visibility};

use crate::attrs::check_alone;
use crate::sink::Errors;
use crate::text::written;

/// A function with its body unread.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let sig = input.parse()?;
        let Ok(TokenTree::Group(body)) = input.parse() else {
            return Err(input.error("expected a function with a body"));
        };
        Ok(Self { attrs, vis, sig, body: body.into_token_stream() })
    }
}

impl Function {
    /// The parameters; a `self` is not one.
    pub(crate) fn params(&self) -> impl Iterator<Item = &PatType> {
        self.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(param) => Some(param),
            FnArg::Receiver(_) => None,
        })
    }

    /// The rules for every function: async, free, safe, of this language.
    pub(crate) fn check(&self, errors: &mut Errors) {
        let sig = &self.sig;
        check_alone(&sig.ident, &self.attrs, errors);
        let (fn_token, name) = (&sig.fn_token, &sig.ident);
        let asynchronous = format!("async fn {name}");
        if let Some(token) = &sig.constness {
            errors.at(token, format_args!("`{name}` cannot be a `const fn`"), "// remove `const`");
        } else if sig.asyncness.is_none() {
            errors.at(quote!(#fn_token #name), format_args!("`{name}` must be async"), &asynchronous);
        }
        if let Safety::Unsafe(token) = &sig.safety {
            errors.at(token, format_args!("`{name}` cannot be `unsafe`"), "// remove `unsafe`");
        }
        if let Some(abi) = &sig.abi {
            errors.at(abi, format_args!("`{name}` cannot have a foreign ABI"), "// remove `extern`");
        }
        if let Some(receiver) = sig.receiver() {
            let message = format_args!("`{name}` cannot have a `self` parameter");
            errors.at(receiver, message, "// move the function out of the `impl`");
        }
        for param in self.params() {
            for attr in param.attrs.iter().filter(|attr| attr.path().is_ident("cfg")) {
                let help = format!("#[cfg(…)] {asynchronous}").replace('…', "any()");
                errors.at(attr, "`#[cfg]` on a parameter is not supported: put it on the function", help);
            }
        }
    }
}

/// A parameter of type `Auth<C>` or `Option<Auth<C>>`.
pub(crate) struct AuthParam {
    /// Among all parameters.
    pub(crate) position: usize,
    pub(crate) claims: Type,
    pub(crate) optional: bool,
    /// The whole type.
    pub(crate) ty: Type,
}

impl AuthParam {
    /// The parameters of these types, in order.
    pub(crate) fn all(function: &Function) -> Vec<Self> {
        let found = |(position, param): (usize, &PatType)| {
            let ty = (*param.ty).clone();
            match argument_of(&ty, "Option") {
                Some(inner) => {
                    let claims = argument_of(inner, "Auth")?.clone();
                    Some(Self { position, claims, optional: true, ty })
                }
                None => {
                    let claims = argument_of(&ty, "Auth")?.clone();
                    Some(Self { position, claims, optional: false, ty })
                }
            }
        };
        function.params().enumerate().filter_map(found).collect()
    }
}

/// The `C` of a path that ends in `name<C>`.
pub(crate) fn argument_of<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let path = match ty {
        Type::Path(path) => &path.path,
        Type::Group(group) => return argument_of(&group.elem, name),
        Type::Paren(paren) => return argument_of(&paren.elem, name),
        _ => return None,
    };
    let last = path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let mut arguments = arguments.args.iter();
    match (arguments.next(), arguments.next()) {
        (Some(GenericArgument::Type(ty)), None) => Some(ty),
        _ => None,
    }
}

/// axum calls handlers with at most 16 arguments.
pub(crate) fn check_count(function: &Function, most: usize, errors: &mut Errors) {
    let Some(first_surplus) = function.params().nth(most) else { return };
    let Some(before) = function.params().nth(most - 1) else { return };
    let help = format!(
        "({}, {}): ({}, {})",
        written(&before.pat),
        written(&first_surplus.pat),
        written(&before.ty),
        written(&first_surplus.ty)
    );
    let count = function.params().count();
    let message = format_args!(
        "`{}` takes {count} arguments, but at most {most} are supported: axum's limit is 16 including the guard, and a tuple counts as one",
        function.sig.ident
    );
    errors.at(quote!(#before, #first_surplus), message, help);
}

/// `fn name`'s name without `r#`, behind `prefix`.
pub(crate) fn derived_ident(prefix: &str, ident: &Ident) -> Ident {
    use syn::ext::IdentExt as _;
    Ident::new(&format!("{prefix}{}", ident.unraw()), ident.span())
}
