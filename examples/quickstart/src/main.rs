//! Sign in at `POST /login`, then call `GET /me` with the cookie or with the token.
use auth_core::route::{get, post};
use auth_core::web::LoginAttempt;
use auth_core::{Auth, Authenticator, Claims, ProtectedRouter, public, require_auth};
use auth_core::{jwt::Algorithm, jwt::KeyRing, store::memory::MemoryStore};
use axum::{extract::State, response::IntoResponse};

#[derive(Claims)]
#[claims(issuer = "https://quickstart.example", audience = "quickstart")]
struct User {
    #[claim(subject)]
    name: String,
}

#[require_auth(session | jwt)]
async fn me(user: Auth<User>) -> String {
    format!("{}, by {}\n", user.name, user.scheme())
}

#[public]
async fn login(State(auth): State<Authenticator<User>>, attempt: LoginAttempt) -> impl IntoResponse {
    let user = || User { name: "alice".to_owned() }; // your password check goes here
    let signed_in = auth.login_session(attempt.clone(), user()).await?;
    Ok::<_, auth_core::login::LoginError>((signed_in, auth.login_tokens(attempt, user()).await?))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let keys = KeyRing::generate(Algorithm::ES256)?;
    let auth = Authenticator::<User>::builder().keys(keys).store(MemoryStore::new()).build().await?;
    let app = ProtectedRouter::new().route("/me", get(me)).route("/login", post(login)).merge(auth.routes());
    println!("{}", app.policies());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app.with_state(auth)).await?)
}
