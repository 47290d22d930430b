//! What the handlers share.

use std::fs::DirBuilder;
use std::io;
use std::path::Path;
use std::time::Duration;

use auth_core::Authenticator;
use auth_core::jwt::{Algorithm, KeyRing};
use auth_core::refresh::Peppers;
use auth_core::store::Limit;
use auth_core::store::sqlite::SqliteStore;
use axum::extract::FromRef;

use crate::args::Args;
use crate::guesses::Guesses;
use crate::orders::Orders;
use crate::password::Passwords;
use crate::user::ShopUser;
use crate::users::Users;
use crate::{BoxError, database, pages};

/// Signing in and out, the users, the orders. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct AppState {
    /// Logins and their credentials.
    pub(crate) auth: Authenticator<ShopUser>,
    users: Users,
    orders: Orders,
    guesses: Guesses,
}

impl AppState {
    /// Opens the databases and secrets in the data folder, and creates those that do not exist.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used, or auth-core refuses a setting.
    pub(crate) async fn open(args: &Args) -> Result<Self, BoxError> {
        make_private_folder(&args.data)
            .map_err(|error| format!("cannot use the folder {}: {error}", args.data.display()))?;
        let pool = database::open(&args.data.join("shop.db")).await?;
        let users = Users::open(pool.clone(), Passwords::new().await?).await?;
        let keys = KeyRing::from_file_or_generate(args.data.join("signing-key"), Algorithm::ES256)?;
        let peppers = Peppers::from_file_or_generate(args.data.join("refresh-pepper"))?;
        let mut builder = Authenticator::<ShopUser>::builder()
            .keys(keys)
            .peppers(peppers)
            .store(SqliteStore::open(&args.data.join("auth.db")).await?)
            .claims_source(users.clone())
            .access_ttl(args.access_ttl)
            .leeway(Duration::ZERO)
            .session_idle(args.session_idle)
            .grace(args.grace)
            // Programs may sign in with the form and keep the cookie. A client that sends neither `Origin` nor
            // `Sec-Fetch-Site` is not a browser, so another site cannot make it send requests.
            .allow_headerless_clients()
            .login_page("/login")
            .on_rejection(pages::error::of_rejection);
        if let Some(most) = args.max_logins {
            builder = builder.max_logins(Limit::EvictOldest(most));
        }
        let auth = builder.build().await?;
        Ok(Self { auth, users, orders: Orders::new(pool), guesses: Guesses::new() })
    }
}

/// The folder contains password hashes, the signing key and the pepper, so only its owner may access it.
fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

impl FromRef<AppState> for Authenticator<ShopUser> {
    fn from_ref(state: &AppState) -> Self {
        state.auth.clone()
    }
}

impl FromRef<AppState> for Users {
    fn from_ref(state: &AppState) -> Self {
        state.users.clone()
    }
}

impl FromRef<AppState> for Orders {
    fn from_ref(state: &AppState) -> Self {
        state.orders.clone()
    }
}

impl FromRef<AppState> for Guesses {
    fn from_ref(state: &AppState) -> Self {
        state.guesses.clone()
    }
}
