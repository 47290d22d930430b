//! A standby, and its promotion.

use std::num::NonZeroU32;

use auth_core::store::{Created, Cursor, Ids, LoginStore as _, Reset, RevocationStore as _};
use auth_tests::server::Server;

use crate::concurrency::{HOUR, Stage};
use crate::postgres::world::PostgresWorld;

/// It does not know what is in progress, nor what was written last. As the primary it is another incarnation.
#[tokio::test]
async fn a_standby_does_not_answer_until_it_is_promoted() {
    let Some(server) = Server::another_postgres() else { return };
    let world = PostgresWorld::on(&server).await;
    let stage = Stage::of(&world);
    let login = stage.login(&Stage::subject(1), 1);
    assert!(matches!(stage.create(&login, None, None).await, Created::Made { .. }));
    stage.end_all(&Stage::subject(2)).await;
    let cursor = stage.page(&Cursor::start(), 10).await.next;
    let Some(standby) = server.standby() else { return };
    let promoted = PostgresWorld::in_schema(&standby, &world.schema).await;
    let store = &promoted.store;
    // It is the same store, otherwise.
    assert!(store.login(&stage.realm, login.id).await.unwrap().value.is_some());
    let page = store.page(&stage.realm, &cursor, NonZeroU32::MIN).await.unwrap_err();
    assert!(format!("{page:?}").contains("not read on a standby"), "{page:?}");
    let ids = Ids { login: Some(login.id), ..Ids::default() };
    let standing = store.standing(&stage.realm, &ids).await.unwrap_err();
    assert!(format!("{standing:?}").contains("a standby does not know"), "{standing:?}");
    let subject = Stage::subject(1);
    assert!(store.end_all(&stage.realm, &subject, None, HOUR).await.is_err());

    promoted.stranger().await.run("SELECT pg_promote()").await;
    let (_, mark) = Stage::of(&promoted).end_all(&subject).await;
    let page = Stage::of(&promoted).page(&cursor, 10).await;
    assert_eq!(page.reset, Some(Reset::Incarnation));
    assert!(page.entries.iter().any(|entry| entry.mark == mark));
}
