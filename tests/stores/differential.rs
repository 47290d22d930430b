//! Whatever is done to them, in whatever order: memory and SQLite give the same answers, purged or not.

use std::fmt::Debug;
use std::num::NonZeroU32;
use std::time::Duration;

use auth_core::clock::Timestamp;
use auth_core::id::{KeyId, LoginId, Position, Subject, TokenId};
use auth_core::store::memory::MemoryStore;
use auth_core::store::sqlite::{Durability, SqliteStore};
use auth_core::store::{
    Confirmation, EndReason, Family, Limit, LoginKind, LoginRow, LoginStore, OnLimit, Revoked, Rotation,
    SecretHash, SessionHash, SessionRow, Store, StoreError, Touch,
};
use auth_tests::watch_this_test;
use proptest::prelude::*;
use tempfile::TempDir;

/// One call. The numbers are of few logins, sessions, subjects, versions and so on, so that calls meet.
#[derive(Clone, Debug)]
enum Call {
    Append {
        what: u8,
        epoch: u8,
        seconds: u8,
    },
    Claims {
        login: u8,
        epoch: u8,
    },
    Confirm {
        login: u8,
        generation: u8,
        branch: u8,
    },
    Create {
        login: u8,
        subject: u8,
        session: Option<u8>,
        replaces: Option<u8>,
        limit: Option<(u8, bool)>,
        seconds: (u8, u8),
    },
    CreateSession {
        session: u8,
        seconds: u8,
    },
    DeleteSession {
        session: u8,
    },
    End {
        login: u8,
        subject: u8,
    },
    EndAll {
        subject: u8,
        keep: Option<u8>,
    },
    Raise {
        subject: u8,
    },
    Rename {
        old: u8,
        new: u8,
    },
    Rotate {
        login: u8,
        generation: u8,
        branch: u8,
        secret: u8,
        grace: u8,
        idle: u8,
    },
    Save {
        session: u8,
        version: u8,
        seconds: u8,
    },
    Swap {
        login: u8,
        expected: (u8, u8, bool),
        new: (u8, u8, bool),
    },
    Touch {
        touches: Vec<(u8, u8, u8)>,
    },
}

fn calls() -> impl Strategy<Value = Vec<(u8, Option<bool>, Call)>> {
    let few = || 0..3_u8;
    let maybe = || prop::option::of(0..3_u8);
    let call = prop_oneof![
        (0..9_u8, few(), 0..9_u8).prop_map(|(what, epoch, seconds)| Call::Append { what, epoch, seconds }),
        (few(), few()).prop_map(|(login, epoch)| Call::Claims { login, epoch }),
        (few(), few(), few()).prop_map(|(login, generation, branch)| Call::Confirm {
            login,
            generation,
            branch
        }),
        (few(), 0..2_u8, maybe(), maybe(), prop::option::of((1..3_u8, any::<bool>())), (0..20_u8, 0..20_u8))
            .prop_map(|(login, subject, session, replaces, limit, seconds)| {
                Call::Create { login, subject, session, replaces, limit, seconds }
            }),
        (few(), 0..20_u8).prop_map(|(session, seconds)| Call::CreateSession { session, seconds }),
        few().prop_map(|session| Call::DeleteSession { session }),
        (few(), 0..2_u8).prop_map(|(login, subject)| Call::End { login, subject }),
        (0..2_u8, maybe()).prop_map(|(subject, keep)| Call::EndAll { subject, keep }),
        (0..2_u8).prop_map(|subject| Call::Raise { subject }),
        (few(), few()).prop_map(|(old, new)| Call::Rename { old, new }),
        (few(), 0..2_u8, 0..2_u8, 0..2_u8, few(), 0..20_u8).prop_map(
            |(login, generation, branch, secret, grace, idle)| {
                Call::Rotate { login, generation, branch, secret, grace, idle }
            }
        ),
        (few(), 1..4_u8, 0..20_u8).prop_map(|(session, version, seconds)| Call::Save {
            session,
            version,
            seconds
        }),
        (few(), (0..2_u8, 0..2_u8, any::<bool>()), (0..2_u8, 0..2_u8, any::<bool>()))
            .prop_map(|(login, expected, new)| Call::Swap { login, expected, new }),
        prop::collection::vec((few(), 0..20_u8, 0..20_u8), 0..4).prop_map(|touches| Call::Touch { touches }),
    ];
    // How many seconds pass before it, and whether the one store or the other is purged.
    prop::collection::vec((0..3_u8, prop::option::weighted(0.1, any::<bool>()), call), 1..60)
}

fn login_id(number: u8) -> LoginId {
    LoginId::from_bytes([number; 16])
}

fn session_id(number: u8) -> SessionHash {
    SessionHash::from_bytes([number; 32])
}

fn subject(number: u8) -> Subject {
    Subject::new(["anna", "bert"][usize::from(number)]).unwrap()
}

fn family((generation, branch, confirmed): (u8, u8, bool), now: Timestamp) -> Family {
    Family {
        position: Position { generation: generation.into(), branch: branch.into() },
        previous_branch: (generation > 0).then_some(0),
        current: SecretHash::from_bytes([generation; 32]),
        previous: (generation > 0).then(|| SecretHash::from_bytes([9; 32])),
        nonce: [generation; 16],
        rotated_at: now,
        confirmed,
    }
}

fn revoked(what: u8, epoch: u8) -> Revoked {
    match what {
        0..3 => {
            Revoked::Login(login_id(what), [EndReason::Stolen, EndReason::SignedOut][usize::from(epoch % 2)])
        }
        3..5 => Revoked::SubjectBelow(subject(what - 3), epoch.into()),
        5..7 => Revoked::Token(TokenId::from_bytes([what; 16])),
        _ => Revoked::Key(KeyId::new(["anna", "bert"][usize::from(what - 7)]).unwrap()),
    }
}

fn row(login: u8, whose: u8, (absolute, idle): (u8, u8), now: Timestamp) -> LoginRow {
    LoginRow {
        id: login_id(login),
        subject: subject(whose),
        kind: [LoginKind::Session, LoginKind::Token][usize::from(login % 2)],
        created_at: now,
        last_seen_at: now,
        authenticated_at: now,
        expires_at: later(now, absolute),
        idle_expires_at: later(now, idle),
        user_agent: None,
        address: None,
        claims: vec![login],
        epoch: 1,
        claims_loaded_at: now,
        family: (login % 2 == 1).then(|| family((0, 0, true), now)),
    }
}

fn session(number: u8, seconds: u8, now: Timestamp) -> SessionRow {
    SessionRow {
        id: session_id(number),
        login: None,
        data: vec![number],
        version: 1,
        expires_at: later(now, seconds),
    }
}

fn later(now: Timestamp, seconds: u8) -> Timestamp {
    now.after(Duration::from_secs(seconds.into()))
}

async fn answer(store: &dyn Store, call: &Call, now: Timestamp) -> Result<String, StoreError> {
    let until = later(now, 10);
    Ok(match call {
        Call::Claims { login, epoch } => {
            text(store.save_claims(login_id(*login), &[*epoch], (*epoch).into(), now, now).await?)
        }
        Call::Confirm { login, generation, branch } => {
            let (generation, branch) = ((*generation).into(), (*branch).into());
            text(
                store
                    .confirm(
                        &[Confirmation {
                            login: login_id(*login),
                            position: Position { generation, branch },
                        }],
                        now,
                    )
                    .await?,
            )
        }
        Call::Create { login, subject, session: carried, replaces, limit, seconds } => {
            let carried = carried.map(|number| session(number, seconds.0, now));
            let limit = limit.map(|(most, refuse)| Limit {
                most: NonZeroU32::new(most.into()).unwrap(),
                exceeded: if refuse { OnLimit::RefuseNew } else { OnLimit::EndOldest },
            });
            let login = row(*login, *subject, *seconds, now);
            text(
                store
                    .create_login(&login, carried.as_ref(), replaces.map(login_id), limit, until, now)
                    .await?,
            )
        }
        Call::End { login, subject: whose } => {
            text(store.end_login(&subject(*whose), login_id(*login), EndReason::SignedOut, until, now).await?)
        }
        Call::EndAll { subject: whose, keep } => {
            let keep = keep.map(login_id);
            text(store.end_logins(&subject(*whose), keep, EndReason::SubjectEnded, until, now).await?)
        }
        Call::Rotate { login, generation, branch, secret, grace, idle } => {
            let rotation = Rotation {
                login: login_id(*login),
                position: Position { generation: (*generation).into(), branch: (*branch).into() },
                presented: SecretHash::from_bytes([*secret; 32]),
                successor: SecretHash::from_bytes([secret + 1; 32]),
                nonce: [secret + 1; 16],
                grace: Duration::from_secs((*grace).into()),
                idle_expires_at: later(now, *idle),
            };
            text(store.rotate(&rotation, now).await?)
        }
        Call::Swap { login, expected, new } => {
            let (expected, new) = (family(*expected, now), family(*new, now));
            text(store.swap_family(login_id(*login), &expected, &new, now).await?)
        }
        Call::Touch { touches } => {
            let touches: Vec<_> = touches
                .iter()
                .map(|(login, seen, idle)| Touch {
                    login: login_id(*login),
                    seen_at: later(now, *seen),
                    idle_expires_at: later(now, *idle),
                })
                .collect();
            text(store.touch(&touches, now).await?)
        }
        other => answer_beside_logins(store, other, now).await?,
    })
}

async fn answer_beside_logins(store: &dyn Store, call: &Call, now: Timestamp) -> Result<String, StoreError> {
    let until = later(now, 10);
    Ok(match call {
        Call::Append { what, epoch, seconds } => {
            text(store.append(&revoked(*what, *epoch), later(now, *seconds), now).await?)
        }
        Call::CreateSession { session: number, seconds } => {
            text(store.create_session(&session(*number, *seconds, now), now).await?)
        }
        Call::DeleteSession { session } => text(store.delete_session(&session_id(*session)).await?),
        Call::Raise { subject: whose } => text(store.raise_epoch(&subject(*whose), until, now).await?),
        Call::Rename { old, new } => {
            text(store.rename_session(&session_id(*old), &session_id(*new), now).await?)
        }
        Call::Save { session, version, seconds } => {
            let (id, expires_at) = (session_id(*session), later(now, *seconds));
            text(store.save_session(&id, &[*version], (*version).into(), expires_at, now).await?)
        }
        other => unreachable!("{other:?} is of a login"),
    })
}

/// All that can be asked for.
async fn view(store: &dyn Store, now: Timestamp) -> Result<String, StoreError> {
    let mut view = vec![text(store.entries(0, 99, now).await?), text(store.entries(2, 2, now).await?)];
    for number in 0..3 {
        view.push(text(store.load_login(login_id(number), now).await?));
        view.push(text(store.load_session(&session_id(number), now).await?));
    }
    for number in 0..2 {
        view.push(text(store.list_logins(&subject(number), now).await?));
        view.push(text(store.epoch(&subject(number)).await?));
    }
    for what in 0..9 {
        view.push(text(store.is_revoked(&[revoked(what, 1)], now).await?));
    }
    Ok(view.join("\n"))
}

fn text(answer: impl Debug) -> String {
    format!("{answer:?}")
}

async fn compare(calls: Vec<(u8, Option<bool>, Call)>) {
    watch_this_test();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("auth.db");
    let sqlite = SqliteStore::builder(path).synchronous(Durability::Normal).open().await.unwrap();
    let memory = MemoryStore::new();
    let mut now = Timestamp::from_seconds(1_800_000_000);
    for (pause, purged, call) in calls {
        now = later(now, pause);
        match purged {
            Some(true) => drop(memory.purge(now).await.unwrap()),
            Some(false) => drop(sqlite.purge(now).await.unwrap()),
            None => {}
        }
        let answers =
            (answer(&memory, &call, now).await.unwrap(), answer(&sqlite, &call, now).await.unwrap());
        assert_eq!(answers.0, answers.1, "{call:?}");
        assert_eq!(view(&memory, now).await.unwrap(), view(&sqlite, now).await.unwrap(), "after {call:?}");
        // As text, hashes all look the same.
        for id in (0..3).map(login_id) {
            let (one, other) =
                (memory.load_login(id, now).await.unwrap(), sqlite.load_login(id, now).await.unwrap());
            assert_eq!(one, other, "after {call:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_give_the_same_answers(calls in calls()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(calls));
    }
}
