//! The shop from outside: its program, started as its users start it, over TCP. Row by row of its interface; killed and
//! stopped; in a browser.

mod account;
mod admin;
mod browser;
mod crash;
mod error_pages;
mod flood;
mod hung_up;
mod logins;
mod orders;
mod pages;
mod surface;
mod tokens;

/// No credential: a challenge for each scheme.
const ANYBODY: [&str; 2] = [r#"Bearer realm="shop""#, r#"Cookie realm="shop""#];
/// An access token that is not, or not any more, accepted where a session would be too.
const BAD_TOKEN: [&str; 2] = [r#"Bearer realm="shop", error="invalid_token""#, r#"Cookie realm="shop""#];
/// A session that is not, or not any more, accepted where an access token would be too.
const BAD_SESSION: [&str; 2] = [r#"Cookie realm="shop", error="invalid_token""#, r#"Bearer realm="shop""#];
/// A role that is missing.
const FORBIDDEN: [&str; 2] = [
    r#"Bearer realm="shop", error="insufficient_scope""#,
    r#"Cookie realm="shop", error="insufficient_scope""#,
];

const NEEDED: &str = "A credential is needed";
const INVALID: &str = "The credential is not valid";
const NOT_ALLOWED: &str = "The caller may not do this";
const CROSS_SITE: &str = "The request came from another site";
const NOT_FOUND: &str = "Not found";
