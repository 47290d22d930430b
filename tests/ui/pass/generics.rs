//! Type, const and lifetime parameters, and a where clause, go to the handler as they are.

use std::borrow::Cow;
use std::fmt::Display;

use auth_core::route::get;
use auth_core::claims::Claims;
use auth_core::{Auth, ProtectedRouter, public, require_auth};
use auth_tests::{AppState, Role, ShopUser};
use axum::extract::{FromRef, State};

trait Greeting {
    const WORD: &'static str;
}

struct Formal;

impl Greeting for Formal {
    const WORD: &'static str = "good day";
}

#[require_auth(session | jwt, role(Role::Clerk))]
async fn greet<G: Greeting, const TIMES: usize>(user: Auth<ShopUser>) -> String
where
    G: 'static,
{
    format!("{} {}", G::WORD, user.email).repeat(TIMES)
}

#[require_auth(session, claims = ShopUser)]
async fn stateful<S>(State(state): State<S>) -> String
where
    S: FromRef<AppState> + Clone + Send + Sync + Display,
{
    state.to_string()
}

#[require_auth(jwt)]
async fn any_claims<C: Claims>(user: Auth<C>) -> String {
    user.subject().as_str().to_owned()
}

#[public]
async fn word<G: Greeting>() -> &'static str {
    G::WORD
}

#[require_auth(jwt, claims = ShopUser)]
async fn with_a_lifetime<'a>(text: Cow<'a, str>) -> Cow<'a, str> {
    text
}

#[require_auth(jwt, claims = ShopUser)]
async fn with_an_opaque_argument<T>(_one: T, two: impl Display) -> String {
    two.to_string()
}

fn main() {
    let _: ProtectedRouter<AppState> = ProtectedRouter::new()
        .route("/greet", get(greet::<Formal, 2>))
        .route("/subject", get(any_claims::<ShopUser>))
        .route("/word", get(word::<Formal>));
    let _ = (stateful::<Text>, with_a_lifetime);
    let _: fn(_, _, String) -> _ = with_an_opaque_argument::<u8>;
}

#[derive(Clone)]
struct Text;

impl FromRef<AppState> for Text {
    fn from_ref(_: &AppState) -> Self {
        Self
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("text")
    }
}
