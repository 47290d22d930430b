//! Names and tokens as text.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// The tokens as a person would write them on one line.
pub(crate) fn written(tokens: impl ToTokens) -> String {
    let mut text = String::new();
    write_tokens(tokens.into_token_stream(), &mut text);
    text
}

fn write_tokens(tokens: TokenStream, text: &mut String) {
    let mut operator = String::new();
    let mut after_word = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{ ", " }"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                write_tokens(group.stream(), text);
                text.truncate(text.trim_end().len());
                text.push_str(close);
                after_word = true;
            }
            TokenTree::Punct(punct) => {
                operator.push(punct.as_char());
                if punct.spacing() == Spacing::Joint && punct.as_char() != '\'' {
                    continue;
                }
                match operator.as_str() {
                    "," => text.push_str(", "),
                    ":" => text.push_str(": "),
                    "|" | "||" | "&" | "&&" | "=" | "+" | "->" if after_word => {
                        text.push_str(&format!(" {operator} "));
                    }
                    _ => text.push_str(&operator),
                }
                after_word = operator.ends_with('>') && operator != "->";
                operator.clear();
            }
            word @ (TokenTree::Ident(_) | TokenTree::Literal(_)) => {
                if text.ends_with(|last: char| last.is_alphanumeric() || last == '_' || last == '"') {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
                after_word = true;
            }
        }
    }
    text.push_str(&operator);
}

/// `SuperAdmin` as `super_admin`, `HTTPClient` as `http_client`.
pub(crate) fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    let mut before: Option<char> = None;
    for (position, letter) in letters.iter().copied().enumerate() {
        let starts_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                let ends_abbreviation = before.is_uppercase()
                    && letters.get(position + 1).is_some_and(|next| next.is_lowercase());
                before.is_lowercase() || before.is_numeric() || ends_abbreviation
            });
        if starts_word {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
        before = Some(letter);
    }
    snake
}

/// The candidate that `word` is a likely misspelling of.
pub(crate) fn closest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let most = if word.chars().count() < 5 { 1 } else { 2 };
    candidates
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The names in backticks, with commas between them.
pub(crate) fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// How many letters are replaced, added or left out, or change places with the next one.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, from) in left.iter().enumerate() {
        let mut next = vec![line + 1];
        for (column, to) in right.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut least = at(&row, column) + usize::from(from != to);
            least = least.min(at(&row, column + 1) + 1).min(at(&next, column) + 1);
            let is_swapped = line.checked_sub(1).and_then(|line| left.get(line)) == Some(to)
                && column.checked_sub(1).and_then(|column| right.get(column)) == Some(from);
            if is_swapped && let Some(column) = column.checked_sub(1) {
                least = least.min(at(&before, column) + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_written_as_a_person_would() {
        let path = quote::quote!(crate::rules::owner);
        assert_eq!(written(path), "crate::rules::owner");
        let ty = quote::quote!(Option<Auth<Map<A, &'static str>>>);
        assert_eq!(written(ty), "Option<Auth<Map<A, &'static str>>>");
        let list = quote::quote!(role(Role::A | Role::B), fresh("5m"), claims = User);
        assert_eq!(written(list), "role(Role::A | Role::B), fresh(\"5m\"), claims = User");
        let doubled = quote::quote!(role(Role::A||Role::B|), fn(a: &mut A) -> B);
        assert_eq!(written(doubled), "role(Role::A || Role::B |), fn(a: &mut A) -> B");
    }

    #[test]
    fn variants_become_snake_case() {
        for (variant, name) in [
            ("Customer", "customer"),
            ("SuperAdmin", "super_admin"),
            ("HTTPClient", "http_client"),
            ("OrdersRead2", "orders_read2"),
            ("X", "x"),
        ] {
            assert_eq!(snake_case(variant), name);
        }
    }

    #[test]
    fn misspellings_find_the_nearest_key() {
        let keys = ["role", "scope", "fresh", "revocation", "session"];
        assert_eq!(closest("roles", &keys), Some("role"));
        assert_eq!(closest("sesion", &keys), Some("session"));
        assert_eq!(closest("freshe", &keys), Some("fresh"));
        assert_eq!(closest("jtw", &["jwt"]), Some("jwt"));
        assert_eq!(closest("wjt", &["jwt"]), Some("jwt"));
        assert_eq!(closest("tjw", &["jwt"]), None);
        assert_eq!(closest("permissions", &keys), None);
    }
}
