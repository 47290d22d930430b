//! Durations as text: `500ms`, `2s`, `15m`, `1h30m`, `30d`.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;

use crate::sink::mistake;

/// Units with their length in milliseconds, from long to short.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The duration in the literal; `help` shows a valid one.
pub(crate) fn from_literal(literal: &LitStr, help: &str) -> syn::Result<Duration> {
    let text = literal.value();
    match from_text(&text) {
        Some(duration) if duration.is_zero() => {
            Err(mistake(literal, format_args!("`{text}` is zero: the duration must be longer"), help))
        }
        Some(duration) => Ok(duration),
        None => {
            let message = format_args!(
                "`{text}` is not a duration: use numbers with the units `d`, `h`, `m`, `s`, `ms`"
            );
            Err(mistake(literal, message, help))
        }
    }
}

/// The duration as an expression of type `core::time::Duration`.
pub(crate) fn expression(duration: Duration) -> TokenStream {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    quote!(::core::time::Duration::from_millis(#millis))
}

/// The duration in the shortest text that reads back.
pub(crate) fn to_text(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, length) in UNITS {
        if rest >= length {
            text.push_str(&format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    text
}

/// Numbers with units, the longest unit first, each at most once.
fn from_text(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut shortest = u64::MAX;
    let mut sum = 0_u64;
    if text.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = split_at_first(rest, |letter| !letter.is_ascii_digit())?;
        let (unit, after) = split_at_first(after, |letter| letter.is_ascii_digit())?;
        let length = UNITS.iter().find(|(known, _)| *known == unit).map(|(_, length)| *length)?;
        if length >= shortest {
            return None;
        }
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(length)?)?;
        shortest = length;
        rest = after;
    }
    Some(Duration::from_millis(sum))
}

/// The text before and from the first letter that `stop`s; `None` when nothing stands before it.
fn split_at_first(text: &str, stop: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    let (before, after) = text.split_at_checked(text.find(stop).unwrap_or(text.len()))?;
    if before.is_empty() { None } else { Some((before, after)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_sums_are_read() {
        for (text, millis) in [
            ("500ms", 500),
            ("2s", 2_000),
            ("15m", 900_000),
            ("1h30m", 5_400_000),
            ("1d12h", 129_600_000),
            ("0s", 0),
        ] {
            assert_eq!(from_text(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "5",
            "m",
            "5 m",
            "-5m",
            "5M",
            "5min",
            "1.5h",
            "30m1h",
            "1m1m",
            "5m ",
            "99999999999999999999s",
            "９s",
        ] {
            assert_eq!(from_text(text), None, "{text}");
        }
        assert_eq!(from_text("18446744073709551615d"), None);
    }

    #[test]
    fn written_durations_read_back() {
        for millis in [1, 1_500, 900_000, 5_400_000, 90_061_001] {
            let duration = Duration::from_millis(millis);
            assert_eq!(from_text(&to_text(duration)), Some(duration));
        }
    }
}
