//! The macros of `auth-core`. Depend on `auth-core`, which re-exports them with examples.

mod attrs;
mod claims;
mod duration;
mod entry;
mod grants;
mod mentions;
mod public;
mod require_auth;
mod rule;
mod runtime;
mod signature;
mod sink;
mod stub;
#[cfg(test)]
mod tests;
mod text;
mod wrap;

use proc_macro::TokenStream;

/// Runs a handler only for callers who satisfy a policy; or makes a tuple struct an extractor that does so for several
/// handlers.
///
/// # Grammar
///
/// Entries separated by commas; a comma means *and*.
///
/// ```text
/// session | jwt                   the accepted credentials: either, or one alone; required
/// role(Role::A | Role::B)         a variant of the claims' role enum; `|` any of them, `&` all of them
/// scope(Scope::S & Scope::T)      a variant of the claims' scope enum, likewise
/// check(path)                     an async function with `#[check]`
/// all(…, …)  any(…, …)            groups of role, scope, check, all and any
/// fresh("5m")                     the maximum time since the caller authenticated
/// revocation(within = "2s")       the maximum age of the revocation list
/// csrf(off)                       no check for cross-site request forgery
/// claims = User                   the claims type, if no parameter specifies it
/// crate = path                    the path of `auth_core`, if the crate is renamed
/// ```
///
/// Durations are numbers with the units `d`, `h`, `m`, `s`, `ms`, as in `1h30m`.
///
/// # On a handler
///
/// An `async fn` with a parameter `Auth<C>`, with `Option<Auth<C>>` to serve callers without a credential too (an invalid
/// credential is still rejected), or with neither and `claims = C`. The generated function has the same name, visibility,
/// attributes, generics and body, and the guard as its first parameter: nothing else of the request is read before the
/// caller satisfies the policy. `#[instrument]` sees the original parameters.
///
/// Attributes above this one see the function as written, those below it see the guard. `#[debug_handler]` belongs
/// below.
///
/// # On a tuple struct
///
/// `struct AdminUser(Auth<C>);` becomes an extractor, and a guard for any handler whose first parameter it is. The field is
/// private, so that outside of its module only the extractor creates one.
///
/// # Errors
///
/// Every mistake is a compile error at the token to edit, and all mistakes of an item are reported together. Roles, scopes
/// and checks are paths: a typo, or a role of another enum, does not compile either. A second `#[require_auth(…)]` or a
/// `#[public]` on the same item is an error. In place of an item with a mistake, a stub is generated beside the error, so
/// that uses of the item cause no further errors.
#[proc_macro_attribute]
pub fn require_auth(args: TokenStream, item: TokenStream) -> TokenStream {
    require_auth::entry(args.into(), item.into()).into()
}

/// States that everybody may call a handler, as `ProtectedRouter` requires of a handler without a policy.
///
/// # Grammar
///
/// ```text
/// crate = path                    the path of `auth_core`, if the crate is renamed
/// ```
///
/// On an `async fn` with at most 15 parameters. The generated function has the same name, visibility, attributes and
/// generics, and a first parameter of type `Public`.
///
/// # Errors
///
/// An `Auth` parameter is an error. A handler for everybody that also uses the caller, if there is one, takes
/// `Option<Auth<C>>` with `#[require_auth(…)]`.
#[proc_macro_attribute]
pub fn public(args: TokenStream, item: TokenStream) -> TokenStream {
    public::entry(args.into(), item.into()).into()
}

/// Makes a rule of the application, such as "owner of this order", available to `#[require_auth(…)]` as `check(path)`.
///
/// # Grammar
///
/// ```text
/// crate = path                    the path of `auth_core`, if the crate is renamed
/// ```
///
/// On an `async fn` whose first parameter is `&Auth<C>`, whose other parameters are extractors that do not read the body
/// (`Path`, `State`, …), and that returns a `Decision`, a `bool` or a `Result` of one of them. The function is not changed
/// and can be called. A struct with the same name and visibility is generated, which implements `Check`: functions and
/// types have separate namespaces.
///
/// The guard runs the check before the body of the request is read.
///
/// # Errors
///
/// A function that is not async, is generic, takes `self`, has another first parameter, takes an extractor by reference, or
/// has no return type.
#[proc_macro_attribute]
pub fn check(args: TokenStream, item: TokenStream) -> TokenStream {
    rule::entry(args.into(), item.into()).into()
}

/// Roles, from an enum without fields.
///
/// # Grammar
///
/// ```text
/// #[role(crate = path)]           on the enum: the path of `auth_core`, if the crate is renamed
/// #[role(name = "boss")]          on a variant: its name in tokens; default: `super_admin` for `SuperAdmin`
/// #[role(includes(Clerk, …))]     on a variant: the role includes these, and the roles that they include
/// ```
///
/// Implements `Role`. The enum must also derive `Copy` and `Eq`.
///
/// # Errors
///
/// Not an enum, generic, no variants or more than 64, a variant with fields, duplicate names, a name that is empty, longer
/// than 64 bytes or contains a control character, and `includes` with an unknown variant or in a cycle.
#[proc_macro_derive(Role, attributes(role))]
pub fn derive_role(item: TokenStream) -> TokenStream {
    grants::entry(grants::Kind::Role, item.into()).into()
}

/// Scopes, from an enum without fields.
///
/// # Grammar
///
/// ```text
/// #[scope(crate = path)]          on the enum: the path of `auth_core`, if the crate is renamed
/// #[scope(name = "orders:read")]  on a variant: its name in tokens; default: `orders_read` for `OrdersRead`
/// ```
///
/// Implements `Scope`. The enum must also derive `Copy` and `Eq`.
///
/// # Errors
///
/// Not an enum, generic, no variants or more than 64, a variant with fields, duplicate names, and a name that is not a
/// `scope-token` of RFC 6749 (printable ASCII without space, `"` and `\`).
#[proc_macro_derive(Scope, attributes(scope))]
pub fn derive_scope(item: TokenStream) -> TokenStream {
    grants::entry(grants::Kind::Scope, item.into()).into()
}

/// Claims, from a struct with named fields, with code that parses and writes them in one pass.
///
/// # Grammar
///
/// ```text
/// on the struct:
/// #[claims(issuer = "https://…")]   the issuer, `iss`; default: the builder's
/// #[claims(audience = "shop")]      the audience, `aud`; default: the builder's
/// #[claims(ttl = "15m")]            the lifetime of access tokens; default: 15m
/// #[claims(max_ttl = "1h")]         the longest lifetime that is accepted; default: 1h
/// #[claims(crate = path)]           the path of `auth_core`, if the crate is renamed
///
/// on a field:
/// #[claim(subject)]                 the subject, `sub`; exactly one field; requires `Display` and `FromStr`
/// #[claim(roles)]                   a field of type `Roles<…>`, the claim `roles`
/// #[claim(scopes)]                  a field of type `Scopes<…>`, the claim `scope`
/// #[claim(rename = "…")]            the name of the claim; default: that of the field
/// #[claim(readable)]                allows a field that looks like a secret: who has a token can read it
/// ```
///
/// A claim is required unless its field is an `Option`. `null` and duplicate claims are rejected.
///
/// # Errors
///
/// Not a struct with named fields, generic, not exactly one subject, several roles or scopes fields, a claim name that is
/// empty, duplicate or registered (`exp`, `iss`, …), a duration that is invalid or not in whole seconds, `ttl` longer than
/// `max_ttl`, and a field that looks like a secret without `#[claim(readable)]`.
#[proc_macro_derive(Claims, attributes(claims, claim))]
pub fn derive_claims(item: TokenStream) -> TokenStream {
    claims::entry(item.into()).into()
}
