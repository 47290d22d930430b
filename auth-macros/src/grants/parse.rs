//! Reads the variants and their attributes.

use syn::ext::IdentExt as _;
use syn::punctuated::Punctuated;
use syn::{Data, DeriveInput, Ident, LitStr, Path, Token};

use super::model::{Kind, Variant};
use crate::entry::{Entry, Value, fill, helper_entries};
use crate::sink::{Errors, mistake};
use crate::text::snake_case;

/// The `crate` of the enum and its variants; no variants when it is not an enum.
pub(crate) fn input(kind: Kind, input: &DeriveInput, errors: &mut Errors) -> (Option<Path>, Vec<Variant>) {
    let mut krate = None;
    for entry in helper_entries(kind.attribute(), &input.attrs, "crate = auth_core", errors) {
        if entry.is("crate") {
            fill(&mut krate, &entry, entry.path(), errors);
        } else {
            errors.push(entry.unknown(&["crate"], "crate = auth_core"));
        }
    }
    let variants = match &input.data {
        Data::Enum(data) => data.variants.iter().map(|found| variant(kind, found, errors)).collect(),
        Data::Struct(_) | Data::Union(_) => Vec::new(),
    };
    (krate, variants)
}

fn variant(kind: Kind, variant: &syn::Variant, errors: &mut Errors) -> Variant {
    let (mut name, mut includes) = (None::<LitStr>, None::<Vec<Ident>>);
    let keys: &[&str] = if kind == Kind::Role { &["name", "includes"] } else { &["name"] };
    let wire_name = snake_case(&variant.ident.unraw().to_string());
    let example = format!("name = \"{wire_name}\"");
    for entry in helper_entries(kind.attribute(), &variant.attrs, &example, errors) {
        match entry.key.to_string().as_str() {
            "name" => fill(&mut name, &entry, entry.text(&example), errors),
            "includes" if kind == Kind::Role => fill(&mut includes, &entry, list(&entry), errors),
            _ => errors.push(entry.unknown(keys, &example)),
        }
    }
    Variant {
        ident: variant.ident.clone(),
        derived_name: name.is_none(),
        name_span: name.as_ref().map_or_else(|| variant.ident.span(), LitStr::span),
        name: name.map_or(wire_name, |name| name.value()),
        includes: includes.unwrap_or_default(),
    }
}

/// The variants of `includes(A, B)`.
fn list(entry: &Entry) -> syn::Result<Vec<Ident>> {
    let message = "`includes` requires the names of variants of this enum";
    let wrong = || mistake(&entry.tokens, message, "includes(Customer)");
    let Value::List(list) = &entry.value else { return Err(wrong()) };
    let parser = Punctuated::<Ident, Token![,]>::parse_terminated;
    let idents = syn::parse::Parser::parse2(parser, list.stream()).map_err(|_| wrong())?;
    if idents.is_empty() { Err(wrong()) } else { Ok(idents.into_iter().collect()) }
}
