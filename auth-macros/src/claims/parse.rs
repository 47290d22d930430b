//! Reads `#[claims(…)]` and the `#[claim(…)]` of each field.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::{Data, DeriveInput, Fields, Ident, LitStr};

use super::model::{Field, Input};
use crate::entry::{Entry, fill, helper_entries};
use crate::sink::Errors;

const KEYS: [&str; 5] = ["issuer", "audience", "ttl", "max_ttl", "crate"];
const FIELD_KEYS: [&str; 5] = ["subject", "roles", "scopes", "rename", "readable"];

/// The attributes; no fields when they have no names.
pub(crate) fn input(derive: &DeriveInput, errors: &mut Errors) -> Input {
    let mut input = Input::default();
    for entry in helper_entries("claims", &derive.attrs, "ttl = \"15m\"", errors) {
        match entry.key.to_string().as_str() {
            "issuer" => {
                let text = entry.text("issuer = \"https://shop.example\"");
                fill(&mut input.issuer, &entry, text, errors);
            }
            "audience" => fill(&mut input.audience, &entry, entry.text("audience = \"shop\""), errors),
            "ttl" => fill(&mut input.ttl, &entry, entry.text("ttl = \"15m\""), errors),
            "max_ttl" => fill(&mut input.max_ttl, &entry, entry.text("max_ttl = \"1h\""), errors),
            "crate" => fill(&mut input.krate, &entry, entry.path(), errors),
            _ => errors.push(entry.unknown(&KEYS, "ttl = \"15m\"")),
        }
    }
    if let Data::Struct(data) = &derive.data
        && let Fields::Named(fields) = &data.fields
    {
        input.fields = fields
            .named
            .iter()
            .filter_map(|found| found.ident.as_ref().map(|ident| field(ident, found, errors)))
            .collect();
    }
    input
}

fn field(ident: &Ident, found: &syn::Field, errors: &mut Errors) -> Field {
    let mut field = Field {
        ident: ident.clone(),
        ty: found.ty.clone(),
        subject: None,
        roles: None,
        scopes: None,
        readable: None,
        rename: None,
    };
    let rename = format!("rename = \"{}\"", ident.unraw());
    for entry in helper_entries("claim", &found.attrs, "readable", errors) {
        match entry.key.to_string().as_str() {
            "subject" => fill(&mut field.subject, &entry, flag(&entry), errors),
            "roles" => fill(&mut field.roles, &entry, flag(&entry), errors),
            "scopes" => fill(&mut field.scopes, &entry, flag(&entry), errors),
            "readable" => fill(&mut field.readable, &entry, flag(&entry), errors),
            "rename" => fill::<LitStr>(&mut field.rename, &entry, entry.text(&rename), errors),
            _ => errors.push(entry.unknown(&FIELD_KEYS, &rename)),
        }
    }
    field
}

fn flag(entry: &Entry) -> syn::Result<Span> {
    entry.flag().map(|()| entry.key.span())
}
