//! The rules of `derive(Claims)`.

use std::collections::BTreeMap;
use std::time::Duration;

use proc_macro2::Span;
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::{Data, DeriveInput, Fields, LitStr};

use super::model::{Claims, Field, Input, Member};
use super::names;
use crate::duration;
use crate::signature::argument_of;
use crate::sink::Errors;
use crate::text::written;

const TTL: Duration = Duration::from_secs(15 * 60);
const MAX_TTL: Duration = Duration::from_secs(60 * 60);

pub(crate) fn claims(derive: &DeriveInput, input: Input, errors: &mut Errors) -> Option<Claims> {
    let is_read = errors.is_empty();
    check_text("issuer", input.issuer.as_ref(), "\"https://shop.example\"", errors);
    check_text("audience", input.audience.as_ref(), "\"shop\"", errors);
    let (ttl, max_ttl) = times(&input, errors);
    check_shape(derive, errors)?;
    for field in &input.fields {
        check_keys(field, errors);
        check_secret(field, errors);
        check_name(field, errors);
    }
    check_unique(&input.fields, errors);
    let subject = subject(derive, &input.fields, is_read, errors);
    let roles = only(&input.fields, "roles", |field| field.roles, errors);
    let scopes = only(&input.fields, "scopes", |field| field.scopes, errors);
    Some(Claims {
        subject: member(subject?),
        roles: roles.map(member),
        scopes: scopes.map(member),
        members: input.fields.iter().filter(|field| field.subject.is_none()).map(member).collect(),
        issuer: input.issuer,
        audience: input.audience,
        ttl,
        max_ttl,
    })
}

fn check_text(key: &str, text: Option<&LitStr>, help: &str, errors: &mut Errors) {
    if let Some(text) = text.filter(|text| text.value().trim().is_empty()) {
        errors.at(text, format_args!("`{key}` is empty"), help);
    }
}

/// `ttl` and `max_ttl`; the defaults for those that are absent or invalid.
fn times(input: &Input, errors: &mut Errors) -> (Duration, Duration) {
    let mut read = |text: &Option<LitStr>, default: Duration, help: &str| match text {
        None => Some(default),
        Some(text) => {
            let duration = errors.keep(duration::from_literal(text, help))?;
            if duration.subsec_millis() != 0 {
                errors.at(text, "token lifetimes must be whole seconds", help);
            }
            Some(duration)
        }
    };
    let ttl = read(&input.ttl, TTL, "\"15m\"");
    let max_ttl = read(&input.max_ttl, MAX_TTL, "\"1h\"");
    if let (Some(ttl), Some(max_ttl)) = (ttl, max_ttl)
        && ttl > max_ttl
    {
        let text = duration::to_text(ttl);
        let default = duration::to_text(MAX_TTL);
        if let Some(literal) = &input.max_ttl {
            errors.at(
                literal,
                format_args!("`ttl` is `{text}`, longer than `max_ttl`"),
                format_args!("\"{text}\""),
            );
        } else if let Some(literal) = &input.ttl {
            let message = format_args!("`ttl` is longer than `max_ttl`, which is `{default}` by default");
            errors.at(literal, message, format_args!("{}, max_ttl = \"{text}\"", literal.token()));
        }
    }
    (ttl.unwrap_or(TTL), max_ttl.unwrap_or(MAX_TTL))
}

/// A struct with named fields and without parameters.
fn check_shape(derive: &DeriveInput, errors: &mut Errors) -> Option<()> {
    let name = &derive.ident;
    let example = format!("struct {name} {{ #[claim(subject)] id: String }}");
    let message = format!("`Claims` can be derived only for a struct with named fields, not for `{name}`");
    let wrong = match &derive.data {
        Data::Struct(data) if matches!(data.fields, Fields::Named(_)) => None,
        Data::Struct(data) => Some(data.struct_token.to_token_stream()),
        Data::Enum(data) => Some(data.enum_token.to_token_stream()),
        Data::Union(data) => Some(data.union_token.to_token_stream()),
    };
    if let Some(token) = wrong {
        errors.at(quote!(#token #name), message, example);
        return None;
    }
    if !derive.generics.params.is_empty() {
        let message = format_args!("`{name}` cannot be generic");
        errors.at(&derive.generics, message, "// remove it");
    }
    Some(())
}

/// A field that is `sub`, `roles` or `scope` is only one of them, and has no other name.
fn check_keys(field: &Field, errors: &mut Errors) {
    let places = [
        ("subject", field.subject, "sub"),
        ("roles", field.roles, "roles"),
        ("scopes", field.scopes, "scope"),
    ];
    let mut taken = places.into_iter().filter_map(|(key, span, name)| span.map(|span| (key, span, name)));
    let Some((first, _, name)) = taken.next() else { return };
    for (second, span, _) in taken {
        let message = format_args!("`{}` cannot be both `{first}` and `{second}`", field.ident);
        errors.at_span(span, message, "// remove one of them");
    }
    if let Some(rename) = &field.rename {
        let message = format_args!("`{first}` is always the claim `{name}` and cannot be renamed");
        errors.at(rename, message, "// remove `rename`");
    }
}

fn check_secret(field: &Field, errors: &mut Errors) {
    if field.readable.is_some() {
        return;
    }
    let ident = field.ident.unraw().to_string();
    let renamed = field.rename.as_ref().map(LitStr::value).unwrap_or_default();
    if names::secret_in(&ident).or_else(|| names::secret_in(&renamed)).is_some() {
        let message = format_args!(
            "`{ident}` looks like a secret, but everybody who has a token can read its claims: store it as session data"
        );
        let help = format!("#[claim(readable)] {ident}: {} // if everybody may read it", written(&field.ty));
        errors.at(&field.ident, message, help);
    }
}

fn check_name(field: &Field, errors: &mut Errors) {
    if has_place(field) {
        return;
    }
    let name = wire_name(field);
    if name.is_empty() {
        let help = format_args!("\"{}\"", field.ident.unraw()).to_string();
        errors.at_span(name_span(field), format_args!("the claim name of `{}` is empty", field.ident), help);
    } else if names::is_registered(&name) {
        let message = format_args!("`{name}` is a registered claim and cannot be the name of a field");
        let key = match name.as_str() {
            "sub" => "subject",
            "roles" => "roles",
            "scope" => "scopes",
            _ => "",
        };
        let help = match (key, &field.rename) {
            ("", Some(_)) => format!("\"app_{name}\""),
            ("", None) => format!("#[claim(rename = \"app_{name}\")] {}", field.ident),
            (key, Some(_)) => format!("#[claim({key})] // without `rename`"),
            (key, None) => format!("#[claim({key})] {}", field.ident),
        };
        errors.at_span(name_span(field), message, help);
    }
}

fn check_unique(fields: &[Field], errors: &mut Errors) {
    let mut known = BTreeMap::new();
    for field in fields {
        let name = wire_name(field);
        if let Some(first) = known.insert(name.clone(), &field.ident)
            && field.roles.is_none()
            && field.scopes.is_none()
            && field.subject.is_none()
        {
            let message = format_args!("`{}` and `{first}` have the same claim name, `{name}`", field.ident);
            errors.at_span(
                name_span(field),
                message,
                "// give one of them another name with `rename = \"…\"`",
            );
        }
    }
}

/// The subject. A missing one is reported only if all attributes could be parsed.
fn subject<'a>(
    derive: &DeriveInput,
    fields: &'a [Field],
    is_read: bool,
    errors: &mut Errors,
) -> Option<&'a Field> {
    let subject = only(fields, "subject", |field| field.subject, errors);
    if subject.is_none() && is_read {
        let name = &derive.ident;
        let message = format_args!("`{name}` has no field with `#[claim(subject)]`");
        let help = match fields.first() {
            Some(field) => {
                format!("#[claim(subject)] {}: {} // or another field", field.ident, written(&field.ty))
            }
            None => "#[claim(subject)] id: String".to_owned(),
        };
        errors.at(name, message, help);
    }
    subject
}

/// The only field with that key; a second one is a mistake.
fn only<'a>(
    fields: &'a [Field],
    key: &str,
    span: impl Fn(&Field) -> Option<Span>,
    errors: &mut Errors,
) -> Option<&'a Field> {
    let mut marked = fields.iter().filter_map(|field| span(field).map(|span| (field, span)));
    let (first, _) = marked.next()?;
    for (second, span) in marked {
        let message = format_args!(
            "`{}` is the second field with `{key}`: the first is `{}`",
            second.ident, first.ident
        );
        errors.at_span(span, message, "// remove one of them");
    }
    Some(first)
}

fn member(field: &Field) -> Member {
    let inner = argument_of(&field.ty, "Option");
    Member {
        ident: field.ident.clone(),
        name: wire_name(field),
        ty: inner.unwrap_or(&field.ty).clone(),
        optional: inner.is_some(),
    }
}

fn has_place(field: &Field) -> bool {
    [field.subject, field.roles, field.scopes].iter().any(Option::is_some)
}

fn wire_name(field: &Field) -> String {
    match (field.subject, field.roles, field.scopes, &field.rename) {
        (Some(_), ..) => "sub".to_owned(),
        (_, Some(_), ..) => "roles".to_owned(),
        (_, _, Some(_), _) => "scope".to_owned(),
        (.., Some(rename)) => rename.value(),
        (.., None) => field.ident.unraw().to_string(),
    }
}

fn name_span(field: &Field) -> Span {
    field.rename.as_ref().map_or_else(|| field.ident.span(), LitStr::span)
}
