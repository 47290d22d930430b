//! What is logged at level trace during sign-ins, refreshes, refusals and thefts.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::jwt::Algorithm;
use auth_core::login::RefreshError;
use auth_core::refresh::Peppers;
use auth_core::store::Store;
use auth_core::store::memory::MemoryStore;
use auth_core::testing::ManualClock;
use auth_tests::forge::{claims, encode};
use auth_tests::shop::open;
use auth_tests::{Call, Fault, Forger, NOW, Op, Shop, in_own_process, in_time, own_name, session_of, within};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::Secrets;

/// What is logged in this process.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Hears everything of all threads from now on, in a process in which [`is_alone`].
    pub(crate) fn listen() -> Self {
        let log = Self::default();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(log.clone())
            .init();
        log
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

/// Whether this test has a process of its own. If not, it was run in one, where it succeeded. In a process with others, a
/// test without a subscriber that is the first to reach a line that logs turns that line off for all threads.
pub(crate) async fn is_alone() -> bool {
    const VARIABLE: &str = "AUTH_TESTS_LOG";
    if std::env::var_os(VARIABLE).is_some() {
        return true;
    }
    let output = in_own_process(&own_name(), [(VARIABLE, "1")]).await;
    let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success() && said[0].contains("1 passed"), "{}{}", said[0], said[1]);
    false
}

const PEPPER: &[u8; 32] = b"thirty-two bytes of pepper, salt";

/// Everything that can happen to a login; returns what must not be found in the log.
async fn live(store: Arc<dyn Store>, clock: &ManualClock, forger: &Forger) -> Secrets {
    let peppers = Peppers::new(0, PEPPER).unwrap();
    let shop = Shop::on(store, clock, forger.ring(), |builder| builder.peppers(peppers)).await;
    let cookie = shop.sign_in(7).await;
    let (access, first) = shop.tokens(7).await;
    let mut secrets = Secrets::default()
        .text("a claim", "mail-of-7")
        .text("data", "secret-goods")
        .text("a junk credential", "hunter22")
        .bytes("the pepper", PEPPER)
        .text("the private key", forger.private.lines().nth(1).unwrap_or(&forger.private))
        .cookie("the cookie", &cookie)
        .token("the access token", &access)
        .token("the refresh token", &first);
    shop.me_by_cookie(&cookie).await;
    shop.me(&access).await;
    let post = |path: &str| Call::post(path).same_origin().cookie(&cookie);
    post("/cart?goods=secret-goods").send(&shop.app).await.assert_ok("filled", "data");
    let mut token = first.clone();
    for _ in 0..3 {
        shop.clock.advance(Duration::from_secs(60));
        let answer = Call::post("/auth/refresh")
            .json(&json!({ "refresh_token": token }))
            .send(&shop.app)
            .await
            .value();
        let access = answer["access_token"].as_str().unwrap();
        token = answer["refresh_token"].as_str().unwrap().to_owned();
        shop.me(access).await.assert_ok("7 by jwt", "refreshed");
        secrets = secrets.token("an access token", access).token("a refresh token", &token);
    }
    assert!(
        matches!(in_time(shop.auth.refresh(&first, None)).await, Err(RefreshError::InvalidGrant)),
        "theft"
    );
    assert!(in_time(shop.auth.refresh("hunter22", None)).await.is_err());

    let forged = format!("{}.{}.{}", encode(forger.header()), encode(claims().to_string()), encode([9; 64]));
    secrets = secrets.token("a forged token", &forged).text("a claim of it", "seven@shop");
    shop.me(&forged).await;
    shop.me("hunter22.hunter22.hunter22").await;
    shop.me_by_cookie(&session_of("hunter22hunter22hunter")).await;
    shop.me_by_cookie(&session_of("hunter22hunter22hunteg")).await;
    Call::get("/me").header("authorization", "Basic hunter22").send(&shop.app).await;
    Call::get("/me?access_token=hunter22").bearer("hunter22").send(&shop.app).await;
    Call::post("/me").cookie(&cookie).header("origin", "https://hunter22.example").send(&shop.app).await;
    Call::post("/auth/refresh").json(&json!({ "refresh_token": "hunter22" })).send(&shop.app).await;
    Call::post("/cart?goods=secret-goods")
        .same_origin()
        .cookie(&session_of("hunter22hunter22hunteg"))
        .send(&shop.app)
        .await;
    let again = shop.sign_in_from(7, post("/login")).await.cookie();
    in_time(shop.auth.claims_changed(&auth_core::id::Subject::new("7").unwrap())).await.unwrap();
    shop.me_by_cookie(&again).await;
    in_time(shop.auth.flush()).await.unwrap();
    in_time(shop.auth.catch_up()).await.unwrap();
    let last = shop.sign_in(7).await;
    Call::post("/auth/logout").same_origin().cookie(&last).send(&shop.app).await;
    Call::post("/cart?goods=secret-goods").same_origin().cookie(&last).send(&shop.app).await;
    secrets.cookie("the next cookie", &again).cookie("the last cookie", &last)
}

#[tokio::test]
async fn a_log_at_the_finest_level_has_no_token_no_cookie_no_secret_and_no_claim() {
    if !is_alone().await {
        return;
    }
    let log = Log::listen();
    for algorithm in [Algorithm::EdDSA, Algorithm::HS256] {
        let forger = Forger::new(algorithm);
        let folder = tempfile::TempDir::new().unwrap();
        let clock = ManualClock::new(NOW);
        let sqlite = open(folder.path().join("auth.db"), &clock).await;
        let stores: [Arc<dyn Store>; 2] =
            [Arc::new(MemoryStore::with_clock(clock.clone())), Arc::new(sqlite)];
        for store in stores {
            let name = format!("the log of {store:?}");
            let secrets = live(store, &clock, &forger).await;
            let text = log.take();
            for event in ["LoginStarted", "Rotated", "Theft", "LoginEnded", "Refused"] {
                assert!(text.contains(event), "{event} is logged: {text}");
            }
            secrets.assert_not_in(&name, &text);
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_is_logged_without_the_credential_that_was_looked_for() {
    if !is_alone().await {
        return;
    }
    let forger = Forger::new(Algorithm::EdDSA);
    let shop = Shop::new(forger.ring()).await;
    let cookie = shop.sign_in(7).await;
    let (access, refresh) = shop.tokens(7).await;
    let log = Log::listen();
    shop.store.set_down(true);
    shop.clock.advance(Duration::from_secs(60));
    shop.me_by_cookie(&cookie).await;
    shop.me(&access).await;
    Call::post("/auth/refresh").json(&json!({ "refresh_token": refresh })).send(&shop.app).await;
    Call::post("/login").same_origin().cookie(&cookie).send(&shop.app).await;
    Call::post("/cart?goods=secret-goods").same_origin().send(&shop.app).await;
    let text = log.text();
    assert!(text.contains("failed before the commit"), "{text}");
    let secrets = Secrets::default()
        .cookie("the cookie", &cookie)
        .token("the access token", &access)
        .token("the refresh token", &refresh)
        .text("a claim", "mail-of-7")
        .text("data", "secret-goods");
    secrets.assert_not_in("the log", &text);
}

#[tokio::test]
async fn a_panic_of_a_store_is_answered_503_and_logged_without_what_it_said() {
    if !is_alone().await {
        return;
    }
    let forger = Forger::new(Algorithm::EdDSA);
    let shop = Shop::new(forger.ring()).await;
    let (_, refresh) = shop.tokens(7).await;
    let log = Log::listen();
    for op in [Op::Page, Op::Rotate, Op::Create] {
        shop.store.next(op, Fault::Panic);
    }
    let refreshing = || Call::post("/auth/refresh").json(&json!({ "refresh_token": refresh }));
    refreshing().send(&shop.app).await.assert_unavailable();
    Call::post("/login").same_origin().send(&shop.app).await.assert_unavailable();
    within("the log of a panic", async {
        while !log.text().contains("TaskPanicked") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(refreshing().send(&shop.app).await.status.as_u16(), 200);
    let text = log.text();
    assert!(
        text.contains(r#"a background task panicked and is started again task="follow_log" in_a_row=1"#),
        "{text}"
    );
    assert!(!text.contains("a store that panics"), "{text}");
    Secrets::default().token("the refresh token", &refresh).assert_not_in("the log", &text);
}

#[tokio::test]
async fn an_event_at_which_the_observer_panics_is_logged() {
    if !is_alone().await {
        return;
    }
    let forger = Forger::new(Algorithm::EdDSA);
    let shop =
        Shop::with(forger.ring(), |builder| builder.observer(|_| panic!("an observer that panics"))).await;
    let log = Log::listen();
    shop.sign_in(7).await;
    shop.me("junk").await;
    let text = log.text();
    for said in ["the observer panicked", "LoginStarted", "Refused"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("an observer that panics"), "{text}");
}
