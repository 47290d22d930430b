//! The grammar all attributes share: entries with commas between them, each `key`, `key(…)` or `key = …`.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, LitStr, Meta, Path};

use crate::sink::{Errors, mistake};
use crate::text::{closest, listed, written};

/// One entry of an attribute.
pub(crate) struct Entry {
    pub(crate) key: Ident,
    pub(crate) value: Value,
    /// All of it.
    pub(crate) tokens: TokenStream,
}

/// What follows the key.
pub(crate) enum Value {
    /// Nothing.
    None,
    /// `(…)`.
    List(Group),
    /// The tokens after `=`.
    Assigned(TokenStream),
    /// Anything else.
    Other,
}

/// Splits an attribute into its entries. `expected` is an entry to show where a key is missing.
pub(crate) fn entries(tokens: TokenStream, expected: &str, errors: &mut Errors) -> Vec<Entry> {
    split(tokens, errors)
        .into_iter()
        .filter_map(|segment| {
            let all: TokenStream = segment.iter().cloned().collect();
            let (key, value) = match segment.as_slice() {
                [TokenTree::Ident(key)] => (key, Value::None),
                [TokenTree::Ident(key), TokenTree::Group(list)]
                    if list.delimiter() == Delimiter::Parenthesis =>
                {
                    (key, Value::List(list.clone()))
                }
                [TokenTree::Ident(key), TokenTree::Punct(mark), rest @ ..]
                    if mark.as_char() == '=' && !rest.is_empty() =>
                {
                    (key, Value::Assigned(rest.iter().cloned().collect()))
                }
                [TokenTree::Ident(key), ..] => (key, Value::Other),
                _ => {
                    errors.at(
                        &all,
                        format_args!("expected `key`, `key(…)` or `key = …`, found `{}`", written(&all)),
                        expected,
                    );
                    return None;
                }
            };
            Some(Entry { key: key.clone(), value, tokens: all })
        })
        .collect()
}

impl Entry {
    pub(crate) fn is(&self, key: &str) -> bool {
        self.key == key
    }

    /// The text of `key = "…"`; `help` is how to write it.
    pub(crate) fn text(&self, help: &str) -> syn::Result<LitStr> {
        let message = format_args!("`{}` requires a string literal", self.key);
        match &self.value {
            Value::Assigned(value) => syn::parse2(value.clone()).map_err(|_| mistake(value, message, help)),
            _ => Err(mistake(&self.tokens, message, help)),
        }
    }

    /// The path of `crate = …`.
    pub(crate) fn path(&self) -> syn::Result<Path> {
        let help = "crate = auth_core";
        let message = "`crate` requires the path of `auth_core`";
        match &self.value {
            Value::Assigned(value) => syn::parse::Parser::parse2(Path::parse_mod_style, value.clone())
                .map_err(|_| mistake(&self.tokens, message, help)),
            _ => Err(mistake(&self.tokens, message, help)),
        }
    }

    /// Nothing follows the key.
    pub(crate) fn flag(&self) -> syn::Result<()> {
        match self.value {
            Value::None => Ok(()),
            _ => Err(mistake(&self.tokens, format_args!("`{}` takes no value", self.key), &self.key)),
        }
    }

    /// The mistake of a key that is not one of `keys`.
    pub(crate) fn unknown(&self, keys: &[&str], example: &str) -> syn::Error {
        let name = self.key.to_string();
        match closest(&name, keys) {
            Some(key) => mistake(&self.key, format_args!("unknown key `{name}`"), key),
            None => {
                let verb = if keys.len() == 1 { "the only key is" } else { "the keys are" };
                let keys = listed(keys);
                mistake(&self.key, format_args!("unknown key `{name}`: {verb} {keys}"), example)
            }
        }
    }

    /// The mistake of a key that was there before.
    pub(crate) fn twice(&self) -> syn::Error {
        mistake(&self.tokens, format_args!("duplicate `{}`", self.key), "// remove one of them")
    }
}

/// The entries of all helper attributes `#[name(…)]` of a derive.
pub(crate) fn helper_entries(
    name: &str,
    attrs: &[Attribute],
    expected: &str,
    errors: &mut Errors,
) -> Vec<Entry> {
    let mut found = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
        match &attr.meta {
            Meta::List(list) => found.extend(entries(list.tokens.clone(), expected, errors)),
            meta => {
                let message = format_args!("`#[{name}]` requires parentheses");
                errors.at(meta, message, format_args!("{name}({expected})"));
            }
        }
    }
    found
}

/// Puts `value` into an empty slot; a slot that is full makes the entry a mistake.
pub(crate) fn fill<T>(slot: &mut Option<T>, entry: &Entry, value: syn::Result<T>, errors: &mut Errors) {
    if slot.is_some() {
        errors.push(entry.twice());
    }
    if let Some(value) = errors.keep(value) {
        slot.get_or_insert(value);
    }
}

/// The segments between commas; none of them is empty. Commas between angle brackets do not count.
fn split(tokens: TokenStream, errors: &mut Errors) -> Vec<Vec<TokenTree>> {
    let mut segments = Vec::new();
    let mut segment = Vec::new();
    let mut angles = 0_usize;
    for token in tokens {
        let mark = if let TokenTree::Punct(punct) = &token { Some(punct.as_char()) } else { None };
        match mark {
            Some(',') if angles == 0 => {
                if segment.is_empty() {
                    errors.at(token.to_token_stream(), "expected an entry before `,`", "// remove it");
                } else {
                    segments.push(std::mem::take(&mut segment));
                }
                continue;
            }
            Some('<') => angles += 1,
            Some('>') => angles = angles.saturating_sub(1),
            _ => {}
        }
        segment.push(token);
    }
    if !segment.is_empty() {
        segments.push(segment);
    }
    segments
}
