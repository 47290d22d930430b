//! Which attributes of the user's item go where.

use proc_macro2::Ident;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token, parse_quote};

use crate::sink::Errors;

/// The attributes that decide whether the item exists: generated siblings need them too. Of a `cfg_attr` only the
/// `cfg`s in it count.
pub(crate) fn conditions(attrs: &[Attribute]) -> Vec<Attribute> {
    sorted(attrs, "cfg").0
}

/// Reports another attribute that says who may call `name`: two of them would contradict each other.
pub(crate) fn check_alone(name: &Ident, attrs: &[Attribute], errors: &mut Errors) {
    for attr in attrs {
        let last = attr.path().segments.last().map(|segment| segment.ident.to_string());
        if let Some(other @ ("require_auth" | "public")) = last.as_deref() {
            let message =
                format_args!("conflicting `#[{other}]`: only one attribute states who may call `{name}`");
            errors.at(attr, message, "// remove one of them; a comma in `#[require_auth(…)]` means *and*");
        }
    }
}

/// Splits off `#[instrument]`, which names the parameters as the user wrote them.
pub(crate) fn without_instrument(attrs: &[Attribute]) -> (Vec<Attribute>, Vec<Attribute>) {
    sorted(attrs, "instrument")
}

/// Whether the attribute's path ends in `name`.
pub(crate) fn is(attr: &Attribute, name: &str) -> bool {
    attr.path().segments.last().is_some_and(|segment| segment.ident == name)
}

/// The attributes whose path ends in `name`, and the others. A `cfg_attr` is taken apart.
fn sorted(attrs: &[Attribute], name: &str) -> (Vec<Attribute>, Vec<Attribute>) {
    let ends_in_name = |attr: &Attribute| is(attr, name);
    let parts = attrs.iter().flat_map(|attr| match cfg_attr_parts(attr) {
        Some(parts) if parts.iter().any(|(_, part)| ends_in_name(part)) => parts,
        _ => vec![(attr.clone(), attr.clone())],
    });
    let (matching, others): (Vec<_>, Vec<_>) = parts.partition(|(_, inner)| ends_in_name(inner));
    let whole = |parts: Vec<(Attribute, Attribute)>| parts.into_iter().map(|(whole, _)| whole).collect();
    (whole(matching), whole(others))
}

/// `#[cfg_attr(p, a, b)]` as `#[cfg_attr(p, a)]` and `#[cfg_attr(p, b)]`, each beside the attribute that it yields.
fn cfg_attr_parts(attr: &Attribute) -> Option<Vec<(Attribute, Attribute)>> {
    if !attr.path().is_ident("cfg_attr") {
        return None;
    }
    let metas = attr.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
    let mut metas = metas.into_iter();
    let predicate = metas.next()?;
    Some(metas.map(|meta| (parse_quote!(#[cfg_attr(#predicate, #meta)]), parse_quote!(#[#meta]))).collect())
}
