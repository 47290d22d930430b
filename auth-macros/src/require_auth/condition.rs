//! Reads `role(A | B)`, `scope(S & T)`, `check(path)`, `all(…)` and `any(…)`.

use proc_macro2::{Delimiter, Group, Punct, Spacing, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::{LitStr, Path};

use super::model::{Condition, Kind, Quantifier};
use crate::entry::{Entry, Value, entries};
use crate::sink::{Errors, mistake};
use crate::text::written;

/// The keys of conditions.
pub(crate) const KEYS: [&str; 5] = ["role", "scope", "check", "all", "any"];
const TOP_LEVEL_KEYS: [&str; 7] = ["session", "jwt", "fresh", "revocation", "csrf", "claims", "crate"];

/// The condition in an entry with one of [`KEYS`]; its mistakes are added to `errors`.
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
        if let Some(help) = joined(entry) {
            let message = format_args!(
                "`{}` combines conditions with an operator: use one list or group",
                written(&entry.tokens)
            );
            errors.at(&entry.tokens, message, help);
            return None;
        }
        errors.at(&entry.tokens, format_args!("`{key}` requires parentheses"), example);
        return None;
    };
    if list.stream().is_empty() {
        errors.at(&entry.tokens, format_args!("`{key}()` is empty: no caller would satisfy it"), example);
        return None;
    }
    match key.as_str() {
        "role" => grants(Kind::Role, list, example, errors),
        "scope" => grants(Kind::Scope, list, example, errors),
        "check" => {
            let path = Path::parse_mod_style.parse2(list.stream());
            let message = "`check` requires the path of one function with `#[check]`";
            errors.keep(path.map_err(|_| mistake(list.stream(), message, "is_owner"))).map(Condition::Check)
        }
        "any" => Some(Condition::Any(members(list, errors))),
        _ => Some(Condition::All(members(list, errors))),
    }
}

/// How to write `role(A) | role(B)`: several conditions with one of `|`, `||`, `&` and `&&` between them.
fn joined(entry: &Entry) -> Option<String> {
    let mut parts: Vec<(String, String)> = Vec::new();
    let mut marks = Vec::new();
    let mut tokens = entry.tokens.clone().into_iter().peekable();
    loop {
        let Some(TokenTree::Ident(key)) = tokens.next() else { return None };
        let Some(TokenTree::Group(list)) = tokens.next() else { return None };
        if !KEYS.contains(&key.to_string().as_str()) || list.delimiter() != Delimiter::Parenthesis {
            return None;
        }
        parts.push((key.to_string(), written(list.stream())));
        let Some(TokenTree::Punct(mark)) = tokens.next() else { break };
        tokens.next_if(|next| matches!(next, TokenTree::Punct(next) if next.as_char() == mark.as_char()));
        marks.push(mark.as_char());
    }
    let mark = *marks.first().filter(|first| marks.iter().all(|mark| mark == *first))?;
    let key = parts.first().map(|(key, _)| key.clone())?;
    let is_list = |(part, members): &(String, String)| *part == key && !members.contains(['|', '&']);
    if matches!(key.as_str(), "role" | "scope") && parts.iter().all(is_list) {
        let members: Vec<String> = parts.into_iter().map(|(_, members)| members).collect();
        return Some(format!("{key}({})", members.join(&format!(" {mark} "))));
    }
    let group = match mark {
        '|' => "any",
        '&' => "all",
        _ => return None,
    };
    let members: Vec<String> = parts.into_iter().map(|(key, members)| format!("{key}({members})")).collect();
    Some(format!("{group}({})", members.join(", ")))
}

/// The members of `all(…)` or `any(…)`.
fn members(list: &Group, errors: &mut Errors) -> Vec<Condition> {
    let mut members = Vec::new();
    for entry in entries(list.stream(), "role(Role::Admin)", errors) {
        let key = entry.key.to_string();
        if KEYS.contains(&key.as_str()) {
            members.extend(condition(&entry, errors));
        } else if TOP_LEVEL_KEYS.contains(&key.as_str()) {
            let message = format_args!("`{key}` applies to the whole handler and cannot be in a group");
            errors.at(
                &entry.tokens,
                message,
                format_args!("// move `{}` out of the group", written(&entry.tokens)),
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
            let message = format_args!("missing operand in `{key}({})`", written(list.stream()));
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
            format_args!("`{text}` is not a {key}: expected the path of a variant of your {key} enum");
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
                    let message = format_args!("`{mark}{mark}` is not supported here: use `{mark}`");
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
                    let message = format_args!(
                        "`{key}` does not accept commas: use `|` for any of them, or `&` for all of them"
                    );
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

/// Whether any or all of the members are required; both in one list would need precedence.
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
    let message = format_args!("`{key}({})` mixes `|` and `&`: split it into groups", written(list.stream()));
    Err(mistake(list.stream(), message, help))
}

/// `super_admin` or `super-admin` as `SuperAdmin`; `None` if the result is not an identifier.
fn camel_case(text: &str) -> Option<String> {
    let mut camel = String::new();
    for word in text.split(['_', '-', ':', ' ']) {
        let mut letters = word.chars();
        camel.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        camel.extend(letters);
    }
    syn::parse_str::<syn::Ident>(&camel).is_ok().then_some(camel)
}
