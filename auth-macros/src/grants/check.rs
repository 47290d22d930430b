//! The rules of `derive(Role)` and `derive(Scope)`.

use std::collections::BTreeMap;

use proc_macro2::Ident;
use quote::quote;
use syn::{Data, DeriveInput};

use super::model::{Grant, Kind, Variant};
use crate::sink::Errors;
use crate::text::closest;

/// The bits of a set.
const MOST_VARIANTS: usize = 64;
/// A role's name is in every token and session.
const LONGEST_ROLE: usize = 64;

pub(crate) fn names(
    kind: Kind,
    input: &DeriveInput,
    variants: Vec<Variant>,
    errors: &mut Errors,
) -> Option<Vec<Grant>> {
    check_shape(kind, input, errors)?;
    for variant in &variants {
        check_name(kind, variant, errors);
    }
    check_unique(&variants, errors);
    let bits = inclusions(&variants, errors)?;
    let grants = variants.into_iter().zip(bits);
    Some(grants.map(|(Variant { ident, name, .. }, bits)| Grant { ident, name, bits }).collect())
}

fn check_shape(kind: Kind, input: &DeriveInput, errors: &mut Errors) -> Option<()> {
    let (name, derived) = (&input.ident, kind.trait_name());
    let variants = if kind == Kind::Role { "Customer, Admin" } else { "Read, Write" };
    let example = format!("enum {name} {{ {variants} }}");
    let data = match &input.data {
        Data::Enum(data) => data,
        Data::Struct(data) => {
            let token = &data.struct_token;
            errors.at(
                quote!(#token #name),
                format_args!("`{derived}` can be derived only for an enum"),
                example,
            );
            return None;
        }
        Data::Union(data) => {
            let token = &data.union_token;
            errors.at(
                quote!(#token #name),
                format_args!("`{derived}` can be derived only for an enum"),
                example,
            );
            return None;
        }
    };
    if !input.generics.params.is_empty() {
        let message = format_args!("`{name}` cannot be generic");
        errors.at(&input.generics, message, "// remove it");
    }
    if data.variants.is_empty() {
        let grants = if kind == Kind::Role { "roles" } else { "scopes" };
        let message = format_args!("`{name}` has no variants: claims without {grants} need no enum");
        errors.at(name, message, example);
    }
    if let Some(surplus) = data.variants.iter().nth(MOST_VARIANTS) {
        let message = format_args!(
            "`{name}` has {} variants, but at most {MOST_VARIANTS} are supported",
            data.variants.len()
        );
        errors.at(&surplus.ident, message, "// remove it");
    }
    for variant in data.variants.iter().filter(|variant| !variant.fields.is_empty()) {
        let message =
            format_args!("`{}` cannot have fields: a {} is only a name", variant.ident, kind.attribute());
        errors.at(&variant.fields, message, "// remove them");
    }
    Some(())
}

fn check_name(kind: Kind, variant: &Variant, errors: &mut Errors) {
    let (name, span) = (&variant.name, variant.name_span);
    let example = if kind == Kind::Role { "\"admin\"" } else { "\"orders:read\"" };
    let example = match variant.derived_name {
        true => format!("#[{}(name = {example})] {}", kind.attribute(), variant.ident),
        false => example.to_owned(),
    };
    if name.is_empty() {
        errors.at_span(span, format_args!("the name of `{}` is empty", variant.ident), example);
        return;
    }
    match kind {
        Kind::Role if name.chars().any(char::is_control) => {
            errors.at_span(
                span,
                format_args!("the name of `{}` contains a control character", variant.ident),
                example,
            );
        }
        Kind::Role if name.len() > LONGEST_ROLE => {
            let message =
                format_args!("`{name}` has {} bytes, but at most {LONGEST_ROLE} are supported", name.len());
            errors.at_span(span, message, example);
        }
        Kind::Scope if !name.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)) => {
            let message = format_args!(
                "`{name}` is not a scope: only printable ASCII without space, `\"` and `\\` is allowed (RFC 6749 section 3.3)"
            );
            errors.at_span(span, message, example);
        }
        Kind::Role | Kind::Scope => {}
    }
}

fn check_unique(variants: &[Variant], errors: &mut Errors) {
    let mut known: BTreeMap<&str, &Ident> = BTreeMap::new();
    for variant in variants {
        if let Some(first) = known.insert(&variant.name, &variant.ident) {
            let message =
                format_args!("`{}` and `{first}` have the same name, `{}`", variant.ident, variant.name);
            errors.at_span(
                variant.name_span,
                message,
                "// give one of them another name with `name = \"…\"`",
            );
        }
    }
}

/// The bits of each variant: its own, and those of all that it includes.
fn inclusions(variants: &[Variant], errors: &mut Errors) -> Option<Vec<u64>> {
    let index: BTreeMap<String, usize> =
        variants.iter().enumerate().map(|(index, variant)| (variant.ident.to_string(), index)).collect();
    let bit = |name: &Ident| index.get(&name.to_string()).and_then(|index| 1_u64.checked_shl(*index as u32));
    let mut bits: Vec<u64> = variants.iter().map(|variant| bit(&variant.ident).unwrap_or(0)).collect();
    for (own, variant) in bits.iter_mut().zip(variants) {
        for included in &variant.includes {
            match bit(included) {
                None => unknown_variant(included, variant, variants, errors),
                Some(_) if *included == variant.ident => {
                    errors.at(included, format_args!("`{included}` includes itself"), "// remove it");
                }
                Some(bit) if *own & bit != 0 => {
                    errors.at(included, format_args!("duplicate `{included}`"), "// remove one of them");
                }
                Some(bit) => *own |= bit,
            }
        }
    }
    if !errors.is_empty() {
        return None;
    }
    close(&mut bits);
    check_cycles(variants, &bits, &index, errors);
    Some(bits)
}

fn unknown_variant(included: &Ident, variant: &Variant, variants: &[Variant], errors: &mut Errors) {
    let others: Vec<String> =
        variants.iter().map(|other| other.ident.to_string()).filter(|other| variant.ident != other).collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let help = closest(&included.to_string(), &others).or(others.first().copied()).unwrap_or("// remove it");
    errors.at(included, format_args!("this enum has no variant `{included}`"), help);
}

/// Adds what the included variants include, until nothing changes.
fn close(bits: &mut [u64]) {
    for _ in 0..bits.len() {
        let before = bits.to_vec();
        for own in bits.iter_mut() {
            for (index, other) in before.iter().enumerate() {
                if 1_u64.checked_shl(index as u32).is_some_and(|bit| *own & bit != 0) {
                    *own |= other;
                }
            }
        }
    }
}

/// A cycle exists if an included variant includes the one that includes it. It is reported where it closes.
fn check_cycles(variants: &[Variant], bits: &[u64], index: &BTreeMap<String, usize>, errors: &mut Errors) {
    for (own, variant) in variants.iter().enumerate() {
        for included in &variant.includes {
            let Some(other) = index.get(&included.to_string()).copied() else { continue };
            let back = bits.get(other).copied().unwrap_or(0) & 1_u64.checked_shl(own as u32).unwrap_or(0);
            if back != 0 && other <= own {
                let message = format_args!(
                    "`{}` includes `{included}`, which includes `{}`",
                    variant.ident, variant.ident
                );
                errors.at(included, message, "// remove it from one of them");
            }
        }
    }
}
