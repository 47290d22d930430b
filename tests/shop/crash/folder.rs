//! The folder: who may look into it, what a start that was cut off leaves, and two programs at once.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use auth_tests::eventually;
use auth_tests::program::{Data, Process, Shop, USERS, built};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn only_its_owner_may_read_what_the_shop_keeps() {
    let data = Data::new();
    for _ in 0..2 {
        let shop = Shop::start_on(&data, &[]);
        shop.tokens("alice").await;
        assert_eq!(mode(&data.folder()), 0o700);
        let files: Vec<_> = fs::read_dir(data.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
        for file in &files {
            assert_eq!(mode(file), 0o600, "{}", file.display());
        }
        for name in ["signing-key", "refresh-pepper", "auth.db", "shop.db"] {
            assert!(files.contains(&data.folder().join(name)), "{name} in {files:?}");
        }
        shop.stop().await;
    }
}

#[tokio::test]
async fn a_secret_that_others_may_read_is_refused() {
    for name in ["signing-key", "refresh-pepper"] {
        let data = Shop::start().stop().await;
        let secret = data.folder().join(name);
        fs::set_permissions(&secret, Permissions::from_mode(0o640)).unwrap();

        let failed = Shop::try_start_on(&data, &[]).expect_err("a shop with an open secret");

        assert_eq!(failed.status.code(), Some(1));
        assert!(failed.stderr.contains("the file is accessible to other users"), "{}", failed.stderr);
    }
}

#[tokio::test]
async fn a_damaged_secret_is_refused_and_not_replaced() {
    for name in ["signing-key", "refresh-pepper"] {
        let data = Shop::start().stop().await;
        let secret = data.folder().join(name);
        let half = fs::read(&secret).unwrap();
        let half = &half[..half.len() / 2];
        fs::write(&secret, half).unwrap();

        let failed = Shop::try_start_on(&data, &[]).expect_err("a shop with half a secret");

        assert_eq!(failed.status.code(), Some(1));
        assert!(failed.stderr.contains("the shop cannot run"), "{}", failed.stderr);
        assert!(!failed.stderr.contains("panicked"), "{}", failed.stderr);
        assert_eq!(fs::read(&secret).unwrap(), half);
    }
}

#[tokio::test]
async fn a_first_start_that_is_killed_at_any_moment_leaves_a_folder_that_works() {
    for moment in 0..24 {
        let data = Data::new();
        let mut started = Process::start(
            Command::new(built())
                .arg("--data")
                .arg(data.folder())
                .args(["--listen", "127.0.0.1:0"])
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        );
        // The fault itself: a little later each time.
        thread::sleep(Duration::from_millis(5 * moment));
        started.kill();

        let shop = Shop::start_on(&data, &[]);
        for (user, _) in USERS {
            shop.tokens(user).await;
        }
    }
}

#[tokio::test]
async fn a_second_shop_on_the_same_folder_serves_the_same_logins() {
    let data = Data::new();
    let (one, two) = (Shop::start_on(&data, &[]), Shop::start_on(&data, &[]));
    let (tokens, cookie) = (one.tokens("alice").await, one.session("alice").await);

    assert_eq!(two.get("/api/me").bearer(&tokens.access).send().await.status, 200);
    assert_eq!(two.get("/api/me").cookie(&cookie).send().await.status, 200);
    one.post("/logout").same_origin().cookie(&cookie).send().await.assert_redirect("/");
    two.post("/auth/logout").bearer(&tokens.access).send().await.assert_empty(204);
    for (shop, call) in [
        (&one, &|shop: &Shop| shop.get("/api/me").bearer(&tokens.access)),
        (&two, &|shop: &Shop| shop.get("/api/me").cookie(&cookie)),
    ] as [(&Shop, &dyn Fn(&Shop) -> auth_tests::program::Call); 2]
    {
        eventually("the other shop hears of the end", async || {
            (call(shop).send().await.status == 401).then_some(())
        })
        .await;
    }
    drop(one);
    two.tokens("bob").await;
}

#[tokio::test]
async fn two_first_starts_at_once_agree_on_keys_and_users() {
    for _ in 0..5 {
        let data = Data::new();
        let starts = [(); 2].map(|()| {
            let data = data.clone();
            thread::spawn(move || Shop::try_start_on(&data, &[]))
        });
        let [one, two] = starts.map(|start| start.join().unwrap());
        let (one, two) =
            (one.unwrap_or_else(|it| panic!("{it:?}")), two.unwrap_or_else(|it| panic!("{it:?}")));

        let tokens = one.tokens("alice").await;
        assert_eq!(two.get("/api/me").bearer(&tokens.access).send().await.status, 200);
        assert_eq!(two.refresh(&tokens.refresh).send().await.status, 200);
        two.tokens("root").await;
    }
}
