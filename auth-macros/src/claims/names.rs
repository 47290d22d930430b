//! The names that a claim of the application cannot have, and those that it should not.

use crate::text::snake_case;

/// Claims with a meaning of their own (RFC 7519, RFC 9068, OpenID Connect, and this crate's).
const REGISTERED: [&str; 23] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "sid",
    "auth_time",
    "epoch",
    "gen",
    "ver",
    "realm",
    "client_id",
    "acr",
    "amr",
    "cnf",
    "azp",
    "nonce",
    "typ",
    "crit",
    "scope",
    "roles",
];

/// Words, in snake case, that name something nobody else may read.
const SECRETS: [&str; 26] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "secrets",
    "pin",
    "ssn",
    "social_security",
    "card_number",
    "credit_card",
    "cvv",
    "cvc",
    "iban",
    "api_key",
    "private_key",
    "signing_key",
    "access_token",
    "refresh_token",
    "token",
    "tokens",
    "otp",
    "totp",
    "apikey",
    "credentials",
];

pub(crate) fn is_registered(name: &str) -> bool {
    REGISTERED.contains(&name)
}

/// The part of the name that says so, if it sounds like a secret: whole words only.
pub(crate) fn secret_in(name: &str) -> Option<&'static str> {
    let name = snake_case(name).replace(|letter: char| !letter.is_alphanumeric(), "_");
    let padded = format!("_{name}_");
    SECRETS.into_iter().find(|secret| padded.contains(&format!("_{secret}_")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_by_whole_words() {
        for name in
            ["password", "password_hash", "userPassword", "client-secret", "ssn", "card_pin", "apiKey"]
        {
            assert!(secret_in(name).is_some(), "{name}");
        }
        for name in ["email", "pinned", "opinion", "tokenizer", "secretary", "passport_country", "spin"] {
            assert_eq!(secret_in(name), None, "{name}");
        }
    }
}
