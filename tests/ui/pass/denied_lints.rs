//! Generated code breaks none of the lints that libraries deny.
#![deny(
    warnings,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    non_ascii_idents,
    rust_2018_idioms,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unreachable_pub,
    unit_bindings,
    unnameable_types,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]
#![forbid(unsafe_code)]

use auth_core::route::get;
use auth_core::{Authenticator, ProtectedRouter};

/// What is offered.
pub mod api {
    use auth_core::{Auth, Claims, Roles, Scopes, check, public, require_auth};
    use axum::extract::Path;

    /// A role.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, auth_core::Role)]
    pub enum Role {
        /// Buys.
        Customer,
        /// Runs the shop.
        #[role(includes(Customer))]
        Admin,
    }

    /// A scope.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, auth_core::Scope)]
    pub enum Scope {
        /// Reads.
        Read,
    }

    /// Claims.
    #[derive(Clone, Debug, Claims)]
    #[claims(issuer = "https://shop.example", audience = "shop")]
    pub struct User {
        /// The number.
        #[claim(subject)]
        pub id: u64,
        /// The name.
        pub name: Option<String>,
        /// The roles.
        #[claim(roles)]
        pub roles: Roles<Role>,
        /// The scopes.
        #[claim(scopes)]
        pub scopes: Scopes<Scope>,
    }

    /// A check.
    #[check]
    pub async fn is_first(user: &Auth<User>, Path(_): Path<u64>) -> bool {
        user.id == 1
    }

    /// A handler.
    #[require_auth(session | jwt, any(role(Role::Admin), scope(Scope::Read), check(is_first)), fresh("5m"))]
    pub async fn handler(user: Auth<User>, body: String) -> String {
        body + &user.id.to_string()
    }

    /// An optional one.
    #[require_auth(session)]
    pub async fn optional(user: Option<Auth<User>>) -> String {
        user.map(|user| user.id.to_string()).unwrap_or_default()
    }

    /// One that nobody calls.
    #[require_auth(jwt, claims = User)]
    pub async fn unnamed() {}

    /// An open one.
    #[public]
    pub async fn open(body: String) -> String {
        body
    }

    /// A proof.
    #[derive(Debug)]
    #[require_auth(jwt, role(Role::Admin))]
    pub struct Admin(Auth<User>);
}

mod private {
    use auth_core::{Auth, public, require_auth};

    #[require_auth(jwt)]
    pub(crate) async fn handler(user: Auth<super::api::User>) -> String {
        user.id.to_string()
    }

    #[public]
    pub(crate) async fn open() {}

    #[require_auth(jwt)]
    pub(crate) struct Signed(Auth<super::api::User>);
}

fn main() {
    let _: ProtectedRouter<Authenticator<api::User>> = ProtectedRouter::new()
        .route("/handler/{id}", get(api::handler))
        .route("/optional", get(api::optional))
        .route("/unnamed", get(api::unnamed))
        .route("/open", get(api::open))
        .route("/admin", get(|_: api::Admin| async {}))
        .route("/private", get(private::handler).post(private::open))
        .route("/signed", get(|_: private::Signed| async {}));
}
