//! Reads the entries of `#[require_auth(…)]` and the item under it.

use proc_macro2::{Ident, Spacing, TokenStream, TokenTree};
use syn::parse::ParseStream;
use syn::{Attribute, ItemStruct, LitStr, Token, Type, Visibility};

use super::condition::{self, condition};
use super::model::{Args, Item, Schemes};
use crate::entry::{Entry, Value, entries, fill};
use crate::signature::Function;
use crate::sink::{Errors, mistake};
use crate::text::{closest, written};

const KEYS: [&str; 12] = [
    "session",
    "jwt",
    "role",
    "scope",
    "all",
    "any",
    "check",
    "fresh",
    "revocation",
    "csrf",
    "claims",
    "crate",
];
const BOTH: &str = "session | jwt";

/// The entries of the attribute.
pub(crate) fn args(tokens: TokenStream, errors: &mut Errors) -> Args {
    let mut args = Args { misplaced_scheme: names_scheme(tokens.clone()), ..Args::default() };
    for entry in entries(tokens, BOTH, errors) {
        args.first.get_or_insert_with(|| entry.tokens.clone());
        match entry.key.to_string().as_str() {
            "session" | "jwt" => add_schemes(&mut args, &entry, errors),
            "fresh" => fill(&mut args.fresh, &entry, fresh(&entry), errors),
            "revocation" => fill(&mut args.revocation, &entry, revocation(&entry), errors),
            "csrf" => fill(&mut args.csrf, &entry, csrf(&entry), errors),
            "claims" => fill(&mut args.claims, &entry, claims(&entry), errors),
            "crate" => fill(&mut args.krate, &entry, entry.path(), errors),
            key if condition::KEYS.contains(&key) => {
                args.conditions.extend(condition(&entry, errors));
                args.asking.push(entry);
            }
            key => {
                // A misspelt scheme is one mistake: a missing scheme would be a second error for it.
                args.misplaced_scheme |= closest(key, &["session", "jwt"]).is_some();
                errors.push(entry.unknown(&KEYS, "role(Role::Admin)"));
            }
        }
    }
    args
}

/// The item: a function or a struct. The attribute is an error on anything else.
pub(crate) fn item(tokens: TokenStream) -> syn::Result<Item> {
    let is_struct = |input: ParseStream<'_>| {
        input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let is_struct = input.peek(Token![struct]);
        input.parse::<TokenStream>()?;
        syn::Result::Ok(is_struct)
    };
    let item = match syn::parse::Parser::parse2(is_struct, tokens.clone()) {
        Ok(true) => syn::parse2::<ItemStruct>(tokens.clone()).map(Item::Proof),
        _ => syn::parse2::<Function>(tokens.clone()).map(Item::Handler),
    };
    item.map_err(|_| {
        let message = "`#[require_auth(…)]` requires an async function or a tuple struct";
        mistake(tokens, message, "#[require_auth(session | jwt)] async fn handler(user: Auth<User>) {}")
    })
}

/// Whether a scheme is named anywhere.
fn names_scheme(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "session" || ident == "jwt",
        TokenTree::Group(group) => names_scheme(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn add_schemes(args: &mut Args, entry: &Entry, errors: &mut Errors) {
    if args.schemes.is_some() {
        let message = "duplicate schemes: list them once, separated by `|`";
        errors.at(&entry.tokens, message, format_args!("{BOTH}"));
    }
    if let Some(schemes) = errors.keep(schemes(entry)) {
        args.schemes.get_or_insert(schemes);
    } else {
        // The mistake is reported; a missing scheme would be a second error for the same tokens.
        args.schemes.get_or_insert(Schemes::SessionOrJwt);
    }
}

/// `session`, `jwt`, or both with one `|` between them.
fn schemes(entry: &Entry) -> syn::Result<Schemes> {
    let text = written(&entry.tokens);
    let mut named: Vec<Ident> = Vec::new();
    let mut expects_name = true;
    for token in entry.tokens.clone() {
        match token {
            TokenTree::Ident(name) if expects_name => {
                named.push(name);
                expects_name = false;
            }
            TokenTree::Punct(punct) if punct.as_char() == '|' && !expects_name => {
                if punct.spacing() == Spacing::Joint {
                    let message = format_args!("`{text}`: schemes are separated by a single `|`");
                    return Err(mistake(&entry.tokens, message, BOTH));
                }
                expects_name = true;
            }
            _ => {
                let message = format_args!("`{text}` is not a list of schemes");
                return Err(mistake(&entry.tokens, message, BOTH));
            }
        }
    }
    if let Some(unknown) = named.iter().find(|name| *name != "session" && *name != "jwt") {
        let help = closest(&unknown.to_string(), &["session", "jwt"]).unwrap_or("jwt");
        return Err(mistake(unknown, format_args!("unknown scheme `{unknown}`"), help));
    }
    match named.iter().map(Ident::to_string).collect::<Vec<_>>().as_slice() {
        [one] if one == "session" && !expects_name => Ok(Schemes::Session),
        [_] if !expects_name => Ok(Schemes::Jwt),
        [one, other] if one != other && !expects_name => Ok(Schemes::SessionOrJwt),
        _ => Err(mistake(&entry.tokens, format_args!("`{text}` is not a list of schemes"), BOTH)),
    }
}

fn fresh(entry: &Entry) -> syn::Result<LitStr> {
    let message = "`fresh` requires a duration: the maximum time since the caller authenticated";
    let wrong = || mistake(&entry.tokens, message, "fresh(\"5m\")");
    match &entry.value {
        Value::List(list) => syn::parse2(list.stream()).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

fn revocation(entry: &Entry) -> syn::Result<LitStr> {
    let message = "`revocation` requires `within = …`: the maximum age of the revocation list";
    let wrong = || mistake(&entry.tokens, message, "revocation(within = \"2s\")");
    let Value::List(list) = &entry.value else { return Err(wrong()) };
    let within = |input: ParseStream<'_>| {
        let key: Ident = input.parse()?;
        input.parse::<Token![=]>()?;
        let text: LitStr = input.parse()?;
        if key == "within" { Ok(text) } else { Err(wrong()) }
    };
    syn::parse::Parser::parse2(within, list.stream()).map_err(|_| wrong())
}

/// `csrf(off)`; the check is on by default.
fn csrf(entry: &Entry) -> syn::Result<TokenStream> {
    let message = "`csrf` accepts only `off`: it is on by default";
    let wrong = || mistake(&entry.tokens, message, "csrf(off)");
    let Value::List(list) = &entry.value else { return Err(wrong()) };
    let off: Ident = syn::parse2(list.stream()).map_err(|_| wrong())?;
    if off == "off" { Ok(entry.tokens.clone()) } else { Err(wrong()) }
}

fn claims(entry: &Entry) -> syn::Result<(Type, TokenStream)> {
    let message = "`claims` requires a type";
    let wrong = || mistake(&entry.tokens, message, "claims = User");
    match &entry.value {
        Value::Assigned(ty) => Ok((syn::parse2(ty.clone()).map_err(|_| wrong())?, entry.tokens.clone())),
        _ => Err(wrong()),
    }
}
