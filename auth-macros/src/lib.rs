//! The macros of `auth-core`. Depend on `auth-core`, which re-exports them with examples; this crate is its inside.

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
#[cfg(test)]
mod tests;
mod text;
mod wrap;

use proc_macro::TokenStream;

/// Lets only callers in who meet the policy: for a handler, or a tuple struct that proves the same for several.
///
/// # Grammar
///
/// Entries with commas between them; a comma means *and*.
///
/// ```text
/// session | jwt                   the accepted credentials: either, or one alone; required
/// role(Role::A | Role::B)         a variant of the claims' role enum; `|` any of them, `&` all of them
/// scope(Scope::S & Scope::T)      a variant of the claims' scope enum, likewise
/// check(path)                     an async function marked `#[check]`
/// all(…, …)  any(…, …)            groups of role, scope, check, all and any
/// fresh("5m")                     the caller proved who they are no longer ago than this
/// revocation(within = "2s")       the revocation list is no older than this
/// csrf(off)                       a session cookie is not checked for cross-site forgery
/// claims = User                   the claims type, where no parameter says it
/// crate = path                    where `auth_core` is, if not under its own name
/// ```
///
/// Durations are numbers with the units `d`, `h`, `m`, `s`, `ms`, as in `1h30m`.
///
/// # On a handler
///
/// An `async fn` with a parameter `Auth<C>`, or `Option<Auth<C>>` where callers without a credential are served too
/// (an invalid credential is refused all the same), or without one and `claims = C`. What is generated has the same
/// name, visibility, attributes, generics and body, and the guard as its first parameter: nothing else of the request is
/// read before the caller met the policy. `#[instrument]` finds the parameters under their own names.
///
/// Attributes above this one see the function as written, those below it see the guard. `#[debug_handler]` belongs
/// below.
///
/// # On a tuple struct
///
/// `struct AdminUser(Auth<C>);` becomes an extractor, and a guard for any handler that takes it first. The field is
/// private, so only the extractor makes one outside of its module.
///
/// # Errors
///
/// Every mistake is a compile error at the token to edit, and all of one item are reported together. Roles, scopes
/// and checks are paths: a typo, or a role of another enum, does not compile either. A second `#[require_auth(…)]`
/// or a `#[public]` on the same item is refused: one statement of who may call. An item with a mistake is left as it
/// is, beside the error: it is never compiled without its guard.
#[proc_macro_attribute]
pub fn require_auth(args: TokenStream, item: TokenStream) -> TokenStream {
    require_auth::entry(args.into(), item.into()).into()
}

/// States that everybody may call a handler: a router that asks for a decision gets this one.
///
/// # Grammar
///
/// ```text
/// crate = path                    where `auth_core` is, if not under its own name
/// ```
///
/// On an `async fn` with at most 15 parameters. What is generated has the same name, visibility, attributes and
/// generics, and a first parameter of type `Public`.
///
/// # Errors
///
/// An `Auth` parameter is refused: a handler for everybody that also knows who is signed in takes
/// `Option<Auth<C>>` under `#[require_auth(…)]`.
#[proc_macro_attribute]
pub fn public(args: TokenStream, item: TokenStream) -> TokenStream {
    public::entry(args.into(), item.into()).into()
}

/// Makes a rule of the application, such as "owner of this order", usable as `check(path)` in `#[require_auth(…)]`.
///
/// # Grammar
///
/// ```text
/// crate = path                    where `auth_core` is, if not under its own name
/// ```
///
/// On an `async fn` whose first parameter is `&Auth<C>`, whose other parameters are extractors that need no body
/// (`Path`, `State`, …), and that returns a `Decision`, a `bool` or a `Result` of one of them. The function stays as
/// it is and can be called. Beside it stands a braced struct of the same name, with the same visibility, that
/// implements `Check`: functions and types have separate namespaces.
///
/// The rule runs in the guard, before the body of the request is read.
///
/// # Errors
///
/// Not async, generic, a `self`, another first parameter, a borrowed extractor, no return type.
#[proc_macro_attribute]
pub fn check(args: TokenStream, item: TokenStream) -> TokenStream {
    rule::entry(args.into(), item.into()).into()
}

/// Roles, from an enum without fields.
///
/// # Grammar
///
/// ```text
/// #[role(crate = path)]           on the enum: where `auth_core` is, if not under its own name
/// #[role(name = "boss")]          on a variant: its name on the wire; `SuperAdmin` is `super_admin` without
/// #[role(includes(Clerk, …))]     on a variant: who has this role has those too, and what they include
/// ```
///
/// Generates `Role`; `Copy` and `Eq` are for the enum to derive.
///
/// # Errors
///
/// Not an enum, generic, no variant or more than 64, a variant with fields, two variants with one name, a name that
/// is empty, longer than 64 bytes or has a control character, and `includes` with an unknown variant or in a circle.
#[proc_macro_derive(Role, attributes(role))]
pub fn derive_role(item: TokenStream) -> TokenStream {
    grants::entry(grants::Kind::Role, item.into()).into()
}

/// Scopes, from an enum without fields.
///
/// # Grammar
///
/// ```text
/// #[scope(crate = path)]          on the enum: where `auth_core` is, if not under its own name
/// #[scope(name = "orders:read")]  on a variant: its name on the wire; `OrdersRead` is `orders_read` without
/// ```
///
/// Generates `Scope`; `Copy` and `Eq` are for the enum to derive.
///
/// # Errors
///
/// Not an enum, generic, no variant or more than 64, a variant with fields, two variants with one name, and a name
/// that is no `scope-token` of RFC 6749: printable ASCII without space, `"` and `\`.
#[proc_macro_derive(Scope, attributes(scope))]
pub fn derive_scope(item: TokenStream) -> TokenStream {
    grants::entry(grants::Kind::Scope, item.into()).into()
}

/// Claims, from a struct with named fields: what they are, and how they are read and written in one pass.
///
/// # Grammar
///
/// ```text
/// on the struct:
/// #[claims(issuer = "https://…")]   `iss`, pinned; else the builder names it
/// #[claims(audience = "shop")]      `aud`, pinned; else the builder names it
/// #[claims(ttl = "15m")]            how long an access token lives; 15m without
/// #[claims(max_ttl = "1h")]         the longest life that is accepted; 1h without
/// #[claims(crate = path)]           where `auth_core` is, if not under its own name
///
/// on a field:
/// #[claim(subject)]                 whom the claims are about, `sub`; exactly one; `Display` and `FromStr`
/// #[claim(roles)]                   `Roles<…>`, on the wire `roles`
/// #[claim(scopes)]                  `Scopes<…>`, on the wire `scope`
/// #[claim(rename = "…")]            the name on the wire
/// #[claim(readable)]                yes, everybody who holds a token may read this
/// ```
///
/// A claim is required unless its field is an `Option`; `null` is not absent, and a claim that is there twice is
/// refused.
///
/// # Errors
///
/// Not a struct with named fields, generic, no or two subjects, two roles or scopes fields, a wire name that is
/// empty, there twice or registered (`exp`, `iss`, …), a duration that cannot be read or is not in whole seconds,
/// `ttl` above `max_ttl`, and a field that looks like a secret without `#[claim(readable)]`.
#[proc_macro_derive(Claims, attributes(claims, claim))]
pub fn derive_claims(item: TokenStream) -> TokenStream {
    claims::entry(item.into()).into()
}
