use auth_core::role::Role as _;
use tempfile::TempDir;

use super::*;
use crate::database;

async fn users() -> (TempDir, Users) {
    let folder = tempfile::tempdir().unwrap();
    let pool = database::open(&folder.path().join("shop.db")).await.unwrap();
    let users = Users::open(pool, Passwords::new().await.unwrap()).await.unwrap();
    (folder, users)
}

async fn load(users: &Users, name: &str) -> Option<ShopUser> {
    users.load(&Subject::new(name).unwrap()).await.unwrap()
}

#[tokio::test]
async fn the_first_start_makes_four_users_and_the_second_none() {
    let (_folder, users) = users().await;
    assert_eq!(users.disable("alice").await.unwrap(), Change::Done);

    let again = Users::open(users.pool.clone(), users.passwords.clone()).await.unwrap();

    assert_eq!(again.count().await.unwrap(), 4);
    assert!(load(&again, "alice").await.is_none());
}

#[tokio::test]
async fn only_the_right_password_of_an_enabled_user_signs_in() {
    let (_folder, users) = users().await;
    assert!(users.verify("alice", "wonderland".into()).await.unwrap().is_some());
    assert!(users.verify("alice", "builder".into()).await.unwrap().is_none());
    assert!(users.verify("Alice", "wonderland".into()).await.unwrap().is_none());
    assert!(users.verify("nobody", "".into()).await.unwrap().is_none());

    assert_eq!(users.disable("alice").await.unwrap(), Change::Done);

    assert!(users.verify("alice", "wonderland".into()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_changed_password_replaces_the_old_one() {
    let (_folder, users) = users().await;
    let change = |old: &str| users.change_password("bob", old.into(), "new-password".into());

    assert_eq!(change("wrong").await.unwrap(), PasswordChange::WrongPassword);
    assert_eq!(change("builder").await.unwrap(), PasswordChange::Changed);

    assert!(users.verify("bob", "builder".into()).await.unwrap().is_none());
    assert!(users.verify("bob", "new-password".into()).await.unwrap().is_some());
}

#[tokio::test]
async fn of_two_password_changes_at_once_one_wins() {
    let (_folder, users) = users().await;
    let change = |new: &str| users.change_password("bob", "builder".into(), new.into());

    let (first, second) = tokio::join!(change("first-one"), change("second-one"));

    let outcomes = [first.unwrap(), second.unwrap()];
    assert!(outcomes.contains(&PasswordChange::Changed) && outcomes.contains(&PasswordChange::WrongPassword));
}

#[tokio::test]
async fn of_two_admins_who_disable_each_other_at_once_one_stays() {
    let (_folder, users) = users().await;
    assert_eq!(users.set_role("alice", Role::Admin).await.unwrap(), Change::Done);

    let (first, second) = tokio::join!(users.disable("alice"), users.set_role("root", Role::Clerk));

    let outcomes = [first.unwrap(), second.unwrap()];
    assert!(outcomes.contains(&Change::Done) && outcomes.contains(&Change::LastAdmin), "{outcomes:?}");
}

#[tokio::test]
async fn a_disabled_admin_does_not_count_as_an_admin() {
    let (_folder, users) = users().await;
    assert_eq!(users.set_role("alice", Role::Admin).await.unwrap(), Change::Done);
    assert_eq!(users.disable("alice").await.unwrap(), Change::Done);

    assert_eq!(users.disable("root").await.unwrap(), Change::LastAdmin);
    assert_eq!(users.set_role("root", Role::Admin).await.unwrap(), Change::Done);
    assert_eq!(users.set_role("alice", Role::Customer).await.unwrap(), Change::Done);
}

#[tokio::test]
async fn a_new_role_is_loaded_with_its_scopes() {
    let (_folder, users) = users().await;

    assert_eq!(users.set_role("alice", Role::Clerk).await.unwrap(), Change::Done);
    assert_eq!(users.set_role("nobody", Role::Clerk).await.unwrap(), Change::UnknownUser);

    let alice = load(&users, "alice").await.unwrap();
    let roles: Vec<_> = alice.roles.iter().map(|role| role.name()).collect();
    assert_eq!(roles, ["clerk"]);
    assert!(alice.scopes.has(crate::user::Scope::ReportsRead));
}
