//! What can be wrong with sessions.

use std::time::Duration;

use auth_core::id::{Subject, TokenId};
use auth_core::store::{
    EndReason, LiveLogin, LoginStore as _, NewSession, Realm, Renamed, RevocationStore as _, SecretHash,
    SessionKey, SessionRow, SessionStore as _, Timed,
};

use crate::broken::{Answer, Broken, dawdle};
use crate::fault::Fault::*;

const LONG: Duration = Duration::from_secs(7200);

pub(crate) async fn create(store: &Broken, realm: &Realm, session: &NewSession) -> Answer<bool> {
    let mut session = session.clone();
    match store.fault() {
        OverwritesSessions => store.memory.delete_session(realm, &session.key).await?.value,
        DropsData => session.data.clear(),
        _ => {}
    }
    store.memory.create_session(realm, &session).await
}

pub(crate) async fn read(
    store: &Broken,
    realm: &Realm,
    key: &SessionKey,
) -> Answer<Option<(SessionRow, Option<LiveLogin>)>> {
    let read = store.memory.session(realm, key);
    if store.has(SessionsExpireLate) {
        return store.at(store.a_moment_ago(), read).await;
    }
    let mut answer = read.await?;
    if let (KeepsTheVersion, Some((row, _))) = (store.fault(), &mut answer.value) {
        row.version = 1;
    }
    if answer.value.is_none() && store.has(FindsDeadSessions) {
        let remembered = store.sessions.lock().unwrap().get(key).cloned();
        answer.value = remembered.filter(|(of, _)| of == realm).map(|(_, row)| (row, None));
    }
    Ok(answer)
}

pub(crate) async fn save(
    store: &Broken,
    realm: &Realm,
    key: &SessionKey,
    data: &[u8],
    expected_version: u64,
    lifetime: Duration,
) -> Answer<bool> {
    let stored = store.memory.session(realm, key).await?.value.map(|(row, _)| row.version);
    let mut expected = expected_version;
    match (store.fault(), stored) {
        (SavesBlindly, Some(version)) => expected = version,
        (SaveNotAtomic, Some(version)) if version == expected => {
            dawdle().await;
            let latest = store.memory.session(realm, key).await?.value;
            expected = latest.map_or(expected, |(row, _)| row.version);
            let answer = store.memory.save_session(realm, key, data, expected, lifetime).await?;
            return Ok(answer.map(|_| true));
        }
        (SavingCreates, None) => {
            let session = NewSession { key: *key, data: data.to_vec(), lifetime };
            let made = store.memory.create_session(realm, &session).await?;
            return Ok(made.map(|_| true));
        }
        _ => {}
    }
    store.memory.save_session(realm, key, data, expected, lifetime).await
}

pub(crate) async fn rename(
    store: &Broken,
    realm: &Realm,
    old: &SessionKey,
    new: &SecretHash,
    retention: Duration,
) -> Answer<Renamed> {
    let key = SessionKey { hash: *new, ..*old };
    let session = |key| NewSession { key, data: b"{}".to_vec(), lifetime: LONG };
    let is_there = store.memory.session(realm, old).await?.value.is_some();
    match store.fault() {
        RenamesOverTaken => store.memory.delete_session(realm, &key).await?.value,
        RenameNotAtomic => dawdle().await,
        _ => {}
    }
    let mut answer = store.memory.rename_session(realm, old, new, retention).await?;
    match (store.fault(), &answer.value) {
        (RenameCopies, Renamed::Renamed(_)) => {
            store.memory.create_session(realm, &session(*old)).await?;
        }
        (RenameNotAtomic, Renamed::Refused) if is_there => {
            store.memory.create_session(realm, &session(key)).await?;
            answer = Timed::new(Renamed::Renamed(None), answer.now);
        }
        _ => {}
    }
    if store.has(LogsAnonymous) && answer.value == Renamed::Renamed(None) {
        let (nobody, token) = (Subject::new("nobody").unwrap(), TokenId::from_bytes([0; 16]));
        let logged = store.memory.revoke_token(realm, &nobody, token, retention).await?.value;
        answer.value = Renamed::Renamed(Some(logged));
    }
    let now = answer.now;
    let altered = |logged| store.logged(store.for_the_caller(logged, now, retention));
    Ok(answer.map(|renamed| match renamed {
        Renamed::Renamed(logged) => Renamed::Renamed(logged.map(altered)),
        Renamed::Refused => Renamed::Refused,
    }))
}

pub(crate) async fn delete(store: &Broken, realm: &Realm, key: &SessionKey) -> Answer<()> {
    if store.has(DeleteEndsLogins)
        && let Some((_, Some(login))) = store.memory.session(realm, key).await?.value
    {
        let (subject, id) = (&login.row.subject, login.row.id);
        let _ = store.memory.end(realm, subject, id, EndReason::SignedOut, Duration::ZERO).await?;
    }
    store.memory.delete_session(realm, key).await
}
