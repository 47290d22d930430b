//! The small application that is attacked in process: one driver, for callers who are known by name and for those who are
//! known by number.

pub mod names;
pub mod numbers;
mod world;

use std::num::NonZeroU32;
use std::sync::Arc;

use auth_core::Authenticator;
use auth_core::claims::Claims;
use auth_core::id::LoginId;
use auth_core::login::{Builder, RefreshError, Tokens};
use auth_core::store::{Family, LoginRow, Realm, Store};
use auth_core::testing::ManualClock;
use auth_core::web::LoginAttempt;
use axum::Router;
use http::Method;
use tokio::task::JoinHandle;

pub use self::numbers::{Shop, Shopkeeper, builder, routes};
pub use self::world::{World, key_id, open, signing_key};
use crate::store::Altered as _;
use crate::{Answer, Call, Fault, FaultyStore, Forged, Gate, Op, Recorder, User, subject, within};

/// An authenticator, the application around it, and what it says and does.
#[derive(Clone, Debug)]
pub struct Node<U: Claims = User> {
    /// The authenticator.
    pub auth: Authenticator<U>,
    /// The application.
    pub app: Router,
    /// What stands between the authenticator and its store.
    pub store: FaultyStore,
    /// What was observed. The callers who are known by number are logged instead, as without an observer.
    pub events: Recorder,
    /// Where slow handlers stop.
    pub gate: Gate,
    /// The time.
    pub clock: ManualClock,
}

impl<U: Claims + Clone> Node<U> {
    /// A node of that configuration, in front of that store.
    async fn build(
        store: FaultyStore,
        clock: &ManualClock,
        events: Recorder,
        configure: impl FnOnce(Builder<U>) -> Builder<U>,
        app: impl FnOnce(&Authenticator<U>, &Gate) -> Router,
    ) -> Self {
        let gate = Gate::closed();
        let builder = configure(Authenticator::builder().store(store.clone()).clock(clock.clone()));
        let auth = within("the start of a node", builder.build()).await.unwrap();
        Self { app: app(&auth, &gate), auth, store, events, gate, clock: clock.clone() }
    }

    /// Sends a request.
    #[track_caller]
    pub fn send(&self, call: Call) -> impl Future<Output = Answer> + Send + use<U> {
        call.send(&self.app)
    }

    /// A request with an access token.
    #[track_caller]
    pub fn bearer(
        &self,
        method: Method,
        path: &str,
        access_token: &str,
    ) -> impl Future<Output = Answer> + Send + use<U> {
        self.send(Call::new(method, path).bearer(access_token))
    }

    /// A request of a page of the application, with cookies.
    #[track_caller]
    pub fn browser(
        &self,
        method: Method,
        path: &str,
        cookies: &str,
    ) -> impl Future<Output = Answer> + Send + use<U> {
        self.send(Call::from_page(method, path, cookies))
    }

    /// `GET` with an access token.
    #[track_caller]
    pub fn get(&self, path: &str, access_token: &str) -> impl Future<Output = Answer> + Send + use<U> {
        self.bearer(Method::GET, path, access_token)
    }

    /// `GET` of a page of the application.
    #[track_caller]
    pub fn get_by_cookie(&self, path: &str, cookie: &str) -> impl Future<Output = Answer> + Send + use<U> {
        self.browser(Method::GET, path, cookie)
    }

    /// Refreshes over HTTP with the token in the body.
    #[track_caller]
    pub fn post_refresh(&self, token: &str) -> impl Future<Output = Answer> + Send + use<U> {
        self.send(Call::refresh(token))
    }

    /// Refreshes without an access token.
    pub async fn refresh(&self, token: &str) -> Result<Tokens, RefreshError> {
        within("the answer to a refresh", self.auth.refresh(token, None)).await
    }

    /// [`refresh`](Self::refresh) in a task of its own.
    pub fn refreshing(&self, token: &str) -> JoinHandle<Result<Tokens, RefreshError>> {
        let (node, token) = (self.clone(), token.to_owned());
        tokio::spawn(async move { node.refresh(&token).await })
    }

    /// [`refreshing`](Self::refreshing), which has come to that call of the store, before it or after it, and stops at
    /// the gate there.
    pub async fn refreshing_up_to(
        &self,
        op: Op,
        stop: fn(Gate) -> Fault,
        token: &str,
    ) -> (Gate, JoinHandle<Result<Tokens, RefreshError>>) {
        let gate = Gate::closed();
        self.store.next(op, stop(gate.clone()));
        let refresh = self.refreshing(token);
        gate.reached().await;
        (gate, refresh)
    }

    /// Signs in with tokens.
    pub async fn login(&self, user: U) -> Tokens {
        within("a sign-in", self.auth.login_tokens(LoginAttempt::unknown(), user)).await.unwrap()
    }

    /// Ends the login of a refresh token from elsewhere.
    pub async fn end(&self, token: &str) {
        let subject = self.row(token).await.unwrap().subject;
        let ended = within("the end of a login", self.auth.end_login(&subject, login_of(token))).await;
        assert!(ended.unwrap());
    }

    /// Reads the log to its end.
    pub async fn catch_up(&self) {
        within("the end of the log", self.auth.catch_up()).await.unwrap();
    }

    /// Tells the authenticator that a user's claims changed.
    pub async fn claims_changed(&self, name: &str) {
        within("a change of claims", self.auth.claims_changed(&subject(name))).await.unwrap();
    }

    /// Writes what is queued.
    pub async fn flush(&self) {
        within("that the queue is written", self.auth.flush()).await.unwrap();
    }

    /// The store without faults.
    pub fn behind(&self) -> Arc<dyn Store> {
        self.store.behind()
    }

    /// The row of a refresh token's login, as it is stored.
    pub async fn row(&self, token: &str) -> Option<LoginRow> {
        self.behind().login(&realm::<U>(), login_of(token)).await.unwrap().value.map(|login| login.row)
    }

    /// The family of a refresh token's login.
    pub async fn family(&self, token: &str) -> Family {
        self.row(token).await.unwrap().family.unwrap()
    }

    /// The ids of a user's live logins, newest first.
    pub async fn logins_of(&self, name: &str) -> Vec<LoginId> {
        let most = NonZeroU32::new(1000).unwrap();
        let page = self.behind().list(&realm::<U>(), &subject(name), None, most).await.unwrap();
        page.value.into_iter().map(|login| login.row.id).collect()
    }
}

/// The realm of an authenticator with those claims, where nothing else is said.
pub fn realm<C: Claims>() -> Realm {
    Realm::new(&format!("{} {}", C::ISSUER.unwrap(), C::AUDIENCE.unwrap())).unwrap()
}

/// The login that a refresh token names.
pub fn login_of(token: &str) -> LoginId {
    LoginId::from_bytes(Forged::from(token).login())
}

/// The refresh token.
#[track_caller]
pub fn refresh_of(tokens: &Tokens) -> String {
    tokens.refresh_token().unwrap().to_owned()
}

/// Anna's access token is good on that node.
#[track_caller]
pub fn assert_works(node: &Node, tokens: &Tokens) -> impl Future<Output = ()> {
    let answer = node.get("/me", tokens.access_token());
    async move { answer.await.assert_text("anna, by jwt") }
}

/// Neither token is good, nor is there a row.
pub async fn assert_ended(node: &Node, tokens: &Tokens) {
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
    assert_refused(&node.refresh(&refresh_of(tokens)).await);
    assert_eq!(node.row(&refresh_of(tokens)).await, None);
}

/// A refresh that is refused permanently.
#[track_caller]
pub fn assert_refused(answer: &Result<Tokens, RefreshError>) {
    assert!(matches!(answer, Err(RefreshError::InvalidGrant)), "{answer:?}");
}

/// A refresh to try again.
#[track_caller]
pub fn assert_try_again(answer: &Result<Tokens, RefreshError>) {
    assert!(matches!(answer, Err(RefreshError::Unavailable(_))), "{answer:?}");
}
