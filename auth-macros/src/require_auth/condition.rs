//! Reads `role(A | B)`, `scope(S & T)`, `check(path)`, `all(…)` and `any(…)`.

use proc_macro2::{Group, Punct, Spacing, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::{LitStr, Path};

use super::model::{Condition, Kind, Quantifier};
use crate::entry::{Entry, Value, entries};
use crate::sink::{Errors, mistake};
use crate::text::written;

/// The keys of conditions.
pub(crate) const KEYS: [&str; 5] = ["role", "scope", "check", "all", "any"];
const TOP_LEVEL_KEYS: [&str; 7] = ["session", "jwt", "fresh", "revocation", "csrf", "claims", "crate"];

/// The condition that an entry with one of [`KEYS`] says; every mistake in it goes to `errors`.
pub(crate) fn condition(entry: &Entry, errors: &mut Errors) -> Option<Condition> {
    let key = entry.key.to_string();
    let example = match key.as_str() {
        "role" => "role(Role::Admin)",
        "scope" => "scope(Scope::Read)",
        "check" => "check(is_owner)",
        "any" => "any(role(Role::Admin), check(is_owner))",
        _ => "all(role(Role::Admin), check(is_owner))",
    };
    let Value::List(list) = &entry.value else {
        errors.at(&entry.tokens, format_args!("`{key}` takes its members in parentheses"), example);
        return None;
    };
    if list.stream().is_empty() {
        errors.at(&entry.tokens, format_args!("`{key}()` has no members: nobody would meet it"), example);
        return None;
    }
    match key.as_str() {
        "role" => grants(Kind::Role, list, example, errors),
        "scope" => grants(Kind::Scope, list, example, errors),
        "check" => {
            let path = Path::parse_mod_style.parse2(list.stream());
            let message = "`check` takes the path of one function marked `#[check]`";
            errors.keep(path.map_err(|_| mistake(list.stream(), message, "is_owner"))).map(Condition::Check)
        }
        "any" => Some(Condition::Any(members(list, errors))),
        _ => Some(Condition::All(members(list, errors))),
    }
}

/// The members of `all(…)` or `any(…)`.
fn members(list: &Group, errors: &mut Errors) -> Vec<Condition> {
    let mut members = Vec::new();
    for entry in entries(list.stream(), "role(Role::Admin)", errors) {
        let key = entry.key.to_string();
        if KEYS.contains(&key.as_str()) {
            members.extend(condition(&entry, errors));
        } else if TOP_LEVEL_KEYS.contains(&key.as_str()) {
            let message = format_args!("`{key}` holds for the whole handler: it cannot stand in a group");
            errors.at(
                &entry.tokens,
                message,
                format_args!("// move `{}` beside the group", written(&entry.tokens)),
            );
        } else {
            errors.push(entry.unknown(&KEYS, "role(Role::Admin)"));
        }
    }
    members
}

/// The members of `role(…)` or `scope(…)`.
fn grants(kind: Kind, list: &Group, example: &str, errors: &mut Errors) -> Option<Condition> {
    let key = if kind == Kind::Role { "role" } else { "scope" };
    let (parts, separators) = errors.keep(split(key, list))?;
    let quantifier = errors.keep(quantifier(key, list, &parts, &separators))?;
    let mut members = Vec::new();
    for part in parts {
        if part.is_empty() {
            let message = format_args!("a member is missing in `{key}({})`", written(list.stream()));
            errors.at(list.stream(), message, example.trim_start_matches(key).trim_matches(['(', ')']));
        } else {
            members.extend(errors.keep(member(key, part)));
        }
    }
    Some(Condition::Grants { kind, quantifier, members })
}

fn member(key: &str, tokens: TokenStream) -> syn::Result<Path> {
    let (enum_name, variant) = if key == "role" { ("Role", "Admin") } else { ("Scope", "Read") };
    Path::parse_mod_style.parse2(tokens.clone()).map_err(|_| {
        let text = written(&tokens);
        let variant = match syn::parse2::<LitStr>(tokens.clone()) {
            Ok(literal) => camel_case(&literal.value()).unwrap_or_else(|| variant.to_owned()),
            Err(_) => variant.to_owned(),
        };
        let message =
            format_args!("`{text}` is not a {key}: write the path of a variant of your `{enum_name}`");
        mistake(&tokens, message, format_args!("{enum_name}::{variant}"))
    })
}

/// Splits at `|` and `&`; a doubled one, or a comma, is a mistake.
fn split(key: &str, list: &Group) -> syn::Result<(Vec<TokenStream>, Vec<Punct>)> {
    let mut parts = vec![TokenStream::new()];
    let mut separators: Vec<Punct> = Vec::new();
    let mut tokens = list.stream().into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if matches!(punct.as_char(), '|' | '&') => {
                let mark = punct.as_char();
                if let Some(TokenTree::Punct(next)) = tokens.peek()
                    && next.as_char() == mark
                    && punct.spacing() == Spacing::Joint
                {
                    let message = format_args!("`{mark}{mark}` does not separate members: one `{mark}` does");
                    let doubled: TokenStream =
                        [TokenTree::Punct(punct.clone()), TokenTree::Punct(next.clone())]
                            .into_iter()
                            .collect();
                    return Err(mistake(doubled, message, mark));
                }
                separators.push(punct);
                parts.push(TokenStream::new());
            }
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                if tokens.peek().is_some() {
                    let message =
                        format_args!("`{key}` takes its members with `|` (any of them) or `&` (all of them)");
                    return Err(mistake(punct, message, '|'));
                }
            }
            other => {
                if let Some(part) = parts.last_mut() {
                    part.extend([other]);
                }
            }
        }
    }
    Ok((parts, separators))
}

/// Whether any or all of the members are asked for; both in one list would need precedence.
fn quantifier(
    key: &str,
    list: &Group,
    parts: &[TokenStream],
    separators: &[Punct],
) -> syn::Result<Quantifier> {
    let Some(first) = separators.first() else { return Ok(Quantifier::Any) };
    if separators.iter().all(|separator| separator.as_char() == first.as_char()) {
        return Ok(if first.as_char() == '&' { Quantifier::All } else { Quantifier::Any });
    }
    let mut help = String::from("any(");
    for (position, part) in parts.iter().enumerate() {
        let text = written(part);
        match position.checked_sub(1).and_then(|before| separators.get(before)).map(Punct::as_char) {
            None => help.push_str(&format!("{key}({text}")),
            Some('|') => help.push_str(&format!("), {key}({text}")),
            Some(_) => help.push_str(&format!(" & {text}")),
        }
    }
    help.push_str("))");
    let message = format_args!("`{key}({})` mixes `|` and `&`: say which is meant", written(list.stream()));
    Err(mistake(list.stream(), message, help))
}

/// `super_admin` or `super-admin` as `SuperAdmin`; `None` for what cannot be a variant.
fn camel_case(text: &str) -> Option<String> {
    let mut camel = String::new();
    for word in text.split(['_', '-', ':', ' ']) {
        let mut letters = word.chars();
        camel.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        camel.extend(letters);
    }
    syn::parse_str::<syn::Ident>(&camel).is_ok().then_some(camel)
}
