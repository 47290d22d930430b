//! Keys and peppers in files and in the environment: for their owner only, made once, never half written.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Barrier};

use auth_core::ConfigError;
use auth_core::jwt::{Algorithm, KeyRing};
use auth_core::refresh::Peppers;
use auth_core::store::memory::MemoryStore;
use auth_core::testing::ManualClock;
use auth_core::web::LoginAttempt;
use auth_tests::forge::ALGORITHMS;
use auth_tests::{Forger, NOW, Shop, in_own_process, in_time, own_name, user};
use tempfile::TempDir;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn names(folder: &TempDir) -> Vec<String> {
    fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// By what the ring is known from outside.
async fn accepts(ring: KeyRing, token: &str) -> bool {
    Shop::new(ring).await.me(token).await.status.is_success()
}

async fn token_of(ring: KeyRing) -> String {
    Shop::new(ring).await.tokens(7).await.0
}

#[tokio::test]
async fn a_key_is_made_once_for_its_owner_only_and_read_again() {
    for algorithm in ALGORITHMS {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("key.pem");
        let first = KeyRing::from_file_or_generate(&path, algorithm).unwrap();
        assert_eq!(mode(&path), 0o600, "{algorithm:?}");
        assert_eq!(names(&folder), ["key.pem"], "{algorithm:?}: no draft is left");
        let text = fs::read_to_string(&path).unwrap();
        let token = token_of(first).await;
        let second = KeyRing::from_file_or_generate(&path, algorithm).unwrap();
        assert!(accepts(second, &token).await, "{algorithm:?}: the same key again");
        let third = KeyRing::from_file(&path, algorithm).unwrap();
        assert!(accepts(third, &token).await, "{algorithm:?}: the same key again");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "{algorithm:?}: and the file as it was");
    }
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("key.pem");
    let text = Forger::new(Algorithm::ES256).private;
    for open in [0o644, 0o640, 0o660, 0o604, 0o610, 0o601, 0o666, 0o777, 0o620, 0o602] {
        write(&path, &text, open);
        assert_eq!(KeyRing::from_file(&path, Algorithm::ES256).unwrap_err().field(), "keys", "{open:o}");
        assert_eq!(
            KeyRing::from_file_or_generate(&path, Algorithm::ES256).unwrap_err().field(),
            "keys",
            "{open:o}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "{open:o}: it is left alone");
    }
    for closed in [0o600, 0o400, 0o700] {
        write(&path, &text, closed);
        assert!(KeyRing::from_file(&path, Algorithm::ES256).is_ok(), "{closed:o}");
    }
    let pepper = folder.path().join("pepper");
    assert!(Peppers::from_file_or_generate(&pepper).is_ok());
    fs::set_permissions(&pepper, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(Peppers::from_file_or_generate(&pepper).unwrap_err().field(), "peppers");
}

#[test]
fn a_link_to_a_file_that_others_may_read_is_refused_too() {
    let folder = TempDir::new().unwrap();
    let (target, link) = (folder.path().join("open.pem"), folder.path().join("key.pem"));
    write(&target, &Forger::new(Algorithm::ES256).private, 0o644);
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert!(KeyRing::from_file_or_generate(&link, Algorithm::ES256).is_err());
    fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(KeyRing::from_file_or_generate(&link, Algorithm::ES256).is_ok());
}

#[test]
fn a_file_that_is_missing_empty_or_no_key_is_refused_and_never_replaced() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("key.pem");
    assert_eq!(KeyRing::from_file(&path, Algorithm::ES256).unwrap_err().field(), "keys");
    let other = Forger::new(Algorithm::EdDSA).private;
    let secret = Forger::new(Algorithm::HS256).private;
    for text in ["", "\n", "junk", "{", "{}", "-----BEGIN PRIVATE KEY-----", &other, &secret] {
        write(&path, text, 0o600);
        assert!(KeyRing::from_file(&path, Algorithm::ES256).is_err(), "{text:.20}");
        assert!(KeyRing::from_file_or_generate(&path, Algorithm::ES256).is_err(), "{text:.20}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "a broken key is not written over");
    }
    write(&path, "junk", 0o600);
    assert!(Peppers::from_file_or_generate(&path).is_err());
    write(&path, "AAAA", 0o600);
    assert!(Peppers::from_file_or_generate(&path).is_err(), "too short");
    let nowhere = folder.path().join("no/such/folder/key.pem");
    assert_eq!(KeyRing::from_file_or_generate(&nowhere, Algorithm::ES256).unwrap_err().field(), "keys");
    assert!(KeyRing::from_file_or_generate(folder.path(), Algorithm::ES256).is_err(), "a folder");
}

#[tokio::test]
async fn a_file_contains_pem_or_a_jwk() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("key");
    for algorithm in [Algorithm::HS256, Algorithm::ES256, Algorithm::RS256] {
        let forger = Forger::new(algorithm);
        write(&path, &format!("\n{}\n", forger.private.trim()), 0o600);
        let ring = KeyRing::from_file(&path, algorithm).unwrap();
        assert!(accepts(ring, &forger.honest()).await, "{algorithm:?}");
    }
}

/// Of many processes that start at once, one makes the key and all use it.
#[tokio::test]
async fn started_many_times_at_once_one_key_is_made() {
    for algorithm in [Algorithm::ES256, Algorithm::HS512] {
        let folder = TempDir::new().unwrap();
        let path = Arc::new(folder.path().join("key.pem"));
        let barrier = Arc::new(Barrier::new(16));
        let threads: Vec<_> = (0..16)
            .map(|_| {
                let (path, barrier) = (path.clone(), barrier.clone());
                std::thread::spawn(move || {
                    barrier.wait();
                    KeyRing::from_file_or_generate(&*path, algorithm)
                })
            })
            .collect();
        let rings: Result<Vec<KeyRing>, ConfigError> =
            threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let rings = rings.unwrap();
        let token = token_of(rings[0].clone()).await;
        for ring in rings {
            assert!(accepts(ring, &token).await, "{algorithm:?}");
        }
        assert_eq!(names(&folder), ["key.pem"], "no draft is left");
        assert_eq!(mode(&path), 0o600);
    }
}

#[tokio::test]
async fn a_pepper_is_made_once_for_its_owner_only_and_read_again() {
    let folder = TempDir::new().unwrap();
    let path = Arc::new(folder.path().join("pepper"));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            std::thread::spawn(move || Peppers::from_file_or_generate(&*path))
        })
        .collect();
    let mut peppers: Vec<Peppers> =
        threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(names(&folder), ["pepper"]);
    let forger = Forger::new(Algorithm::EdDSA);
    let clock = ManualClock::new(NOW);
    let store = MemoryStore::with_clock(clock.clone());
    let last = peppers.pop().unwrap();
    let first =
        Shop::on(Arc::new(store.clone()), &clock, forger.ring(), |builder| builder.peppers(last)).await;
    let tokens = in_time(first.auth.login_tokens(LoginAttempt::unknown(), user(7))).await.unwrap();
    let mut token = tokens.refresh_token().unwrap().to_owned();
    for pepper in peppers {
        let node =
            Shop::on(Arc::new(store.clone()), &clock, forger.ring(), |builder| builder.peppers(pepper)).await;
        node.clock.advance(std::time::Duration::from_secs(60));
        let refreshed = in_time(node.auth.refresh(&token, None)).await.unwrap();
        token = refreshed.refresh_token().unwrap().to_owned();
        let stranger = Shop::on(Arc::new(store.clone()), &clock, forger.ring(), |builder| builder).await;
        assert!(
            in_time(stranger.auth.refresh(&token, None)).await.is_err(),
            "another pepper is another server"
        );
    }
}

const VARIABLE: &str = "AUTH_TESTS_SIGNING_KEY";

/// The environment of a process is not changed from within it, so this test starts itself again.
#[tokio::test]
async fn a_ring_reads_its_key_from_the_environment() {
    const TOLD: &str = "AUTH_TESTS_ALGORITHM";
    let algorithms = [Algorithm::ES256, Algorithm::HS256];
    if let Some(told) = std::env::var_os(TOLD) {
        let algorithm = algorithms.into_iter().find(|one| *told == *auth_tests::forge::name(*one)).unwrap();
        let ring = KeyRing::from_env(VARIABLE, algorithm).unwrap();
        assert!(KeyRing::from_env(VARIABLE, Algorithm::EdDSA).is_err(), "a key of another algorithm");
        println!("published: {}", serde_json::to_string(&ring.public_jwks()).unwrap());
        return;
    }
    for algorithm in algorithms {
        let forger = Forger::new(algorithm);
        let variables = [(VARIABLE, forger.private.as_str()), (TOLD, forger.alg())];
        let output = in_own_process(&own_name(), variables).await;
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{printed}");
        let published = serde_json::to_string(&forger.ring().public_jwks()).unwrap();
        assert!(printed.contains(&format!("published: {published}")), "{printed}");
    }
}

#[test]
fn a_variable_that_is_not_set_is_a_mistake_that_is_said() {
    let error = KeyRing::from_env("AUTH_TESTS_NOT_SET", Algorithm::ES256).unwrap_err();
    assert_eq!(error.field(), "keys");
    assert_eq!(
        error.to_string(),
        "keys: the environment variable `AUTH_TESTS_NOT_SET` is not set, or not UTF-8; set it to a private key in PEM or JWK"
    );
}
