//! Opening: schemas, migrations, roles, and what is refused.

use std::num::NonZeroU32;

use auth_core::store::postgres::{Migration, PostgresStore};
use auth_core::store::{Created, Cursor, LoginStore as _, RevocationStore as _};
use auth_tests::server::Server;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgPoolOptions;

use crate::concurrency::Stage;
use crate::postgres::world::{PostgresWorld, new_schema};

#[tokio::test]
async fn two_schemas_are_two_stores() {
    let (Some(one), Some(two)) = (PostgresWorld::new().await, PostgresWorld::new().await) else { return };
    let stages = [Stage::of(&one), Stage::of(&two)];
    let subject = Stage::subject(1);
    for stage in &stages {
        let made = stage.create(&stage.login(&subject, 1), None, None).await;
        assert!(matches!(made, Created::Made { .. }), "{made:?}");
    }
    let (epoch, _) = stages[0].end_all(&subject).await;
    assert_eq!(stages[1].page(&Cursor::start(), 9).await.entries, []);
    let ticket = two.store.ticket(&stages[1].realm, &subject).await.unwrap().value;
    assert!(ticket.epoch < epoch);
    assert!(two.store.login(&stages[1].realm, stages[1].id(&subject, 1)).await.unwrap().value.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_open_at_once_and_one_migrates() {
    let Some(server) = Server::postgres() else { return };
    let (url, schema) = (server.postgres_url(), new_schema());
    let opening: Vec<_> = (0..12)
        .map(|_| {
            let builder = PostgresStore::builder(&url).schema(&schema).max_connections(2);
            tokio::spawn(builder.open())
        })
        .collect();
    for one in opening {
        one.await.unwrap().unwrap();
    }
    let world = PostgresWorld::in_schema(server, &schema).await;
    let versions = "SELECT count(*) * 10 + max(schema_version) FROM {s}.auth_store";
    assert_eq!(world.stranger().await.number(versions).await, 11);
}

/// The role of the application may neither make schemas nor tables.
#[tokio::test]
async fn printed_migrations_serve_a_role_without_rights() {
    let Some(server) = Server::postgres() else { return };
    let (url, schema) = (server.postgres_url(), new_schema());
    let role = format!("role_{schema}");
    let mut admin = server.postgres_options().connect().await.unwrap();
    let run = async |sql: String, admin: &mut sqlx::PgConnection| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(admin).await.unwrap();
    };
    run(format!("CREATE ROLE {role} LOGIN"), &mut admin).await;
    let url = url.replace("postgres@", &format!("{role}@"));
    let builder = || PostgresStore::builder(&url).schema(&schema);
    let error = builder().migration(Migration::Require).open().await.unwrap_err();
    assert!(format!("{error:?}").contains("run `PostgresStore::migrations_sql`"), "{error:?}");
    let error = builder().open().await.unwrap_err();
    assert!(format!("{error:?}").contains("permission denied"), "{error:?}");

    let script = PostgresStore::migrations_sql(&schema).unwrap();
    for _ in 0..2 {
        run(script.clone(), &mut admin).await;
    }
    let grant = format!(
        "GRANT USAGE ON SCHEMA {schema} TO {role}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}"
    );
    run(grant, &mut admin).await;
    for migration in [Migration::Require, Migration::Run] {
        let store = builder().migration(migration).open().await.unwrap();
        let stage =
            Stage { store: std::sync::Arc::new(store), realm: auth_core::store::Realm::new("r").unwrap() };
        let subject = Stage::subject(1);
        stage.end_all(&subject).await;
        let made =
            stage.create(&stage.login(&subject, u8::from(migration == Migration::Run)), None, None).await;
        assert!(matches!(made, Created::Made { .. }), "{made:?}");
        assert!(!stage.page(&Cursor::start(), 9).await.entries.is_empty());
        stage.store.purge().await.unwrap();
    }
}

#[tokio::test]
async fn a_schema_of_a_later_version_is_refused() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    stage.end_all(&Stage::subject(1)).await;
    let mut stranger = world.stranger().await;
    // One that older programs can use.
    stranger.run("UPDATE {s}.auth_store SET schema_version = 9").await;
    world.node().await;
    stage.page(&Cursor::start(), 9).await;
    stranger.run("UPDATE {s}.auth_store SET least_reader = 9").await;
    let error = world.builder().open().await.unwrap_err();
    assert!(format!("{error:?}").contains("this version is too old to use it"), "{error:?}");
    // A node that runs notices it when it reads the log, and does nothing from then on.
    let page = world.store.page(&stage.realm, &Cursor::start(), NonZeroU32::MIN).await.unwrap_err();
    assert!(format!("{page:?}").contains("this version is too old to use it"), "{page:?}");
    assert!(world.store.ticket(&stage.realm, &Stage::subject(1)).await.is_err());
}

/// The application's pool may have any search path, but not another isolation level.
#[tokio::test]
async fn the_pool_of_the_application_is_used_as_it_is() {
    let Some(server) = Server::postgres() else { return };
    let pool = |settings: [(&'static str, &'static str); 1]| {
        let pool = PgPoolOptions::new().max_connections(3);
        pool.connect_lazy_with(server.postgres_options().options(settings))
    };
    let store = PostgresStore::on(pool([("search_path", "pg_temp")])).schema(&new_schema()).open().await;
    let stage = Stage {
        store: std::sync::Arc::new(store.unwrap()),
        realm: auth_core::store::Realm::new("r").unwrap(),
    };
    let subject = Stage::subject(1);
    let made = stage.create(&stage.login(&subject, 1), None, None).await;
    assert!(matches!(made, Created::Made { .. }), "{made:?}");
    stage.end_all(&subject).await;
    assert_eq!(stage.page(&Cursor::start(), 9).await.entries.len(), 1);
    for level in ["repeatable read", "serializable"] {
        let pool = pool([("default_transaction_isolation", level)]);
        let error = PostgresStore::on(pool).schema(&new_schema()).open().await.unwrap_err();
        assert!(format!("{error:?}").contains("is not `read committed`"), "{error:?}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_an_error_in_words() {
    let Some(server) = Server::postgres() else { return };
    let url = server.postgres_url();
    for schema in ["", "a b", "a\"; DROP TABLE x", "1a"] {
        let error = PostgresStore::builder(&url).schema(schema).open().await.unwrap_err();
        assert!(format!("{error:?}").contains("letters, digits and underscores"), "{error:?}");
        assert!(PostgresStore::migrations_sql(schema).is_err());
    }
    assert!(PostgresStore::open("not a url").await.is_err());
    let nowhere = url.replace("/postgres?", "/nowhere?");
    let error = PostgresStore::open(&nowhere).await.unwrap_err();
    assert!(format!("{error:?}").contains("does not exist"), "{error:?}");
}

/// Over TLS, with a server whose certificate is good for its name, and no other.
#[tokio::test]
async fn a_server_proves_who_it_is() {
    let Some((server, port)) = Server::postgres_with_tls() else { return };
    let certificate = server.postgres_certificate();
    let url = |host: &str, file: &std::path::Path| {
        let verified = format!("sslmode=verify-full&sslrootcert={}", file.display());
        format!("postgres://postgres@{host}:{port}/postgres?{verified}")
    };
    let store = PostgresStore::open(&url("localhost", &certificate)).await.unwrap();
    let stage =
        Stage { store: std::sync::Arc::new(store), realm: auth_core::store::Realm::new("r").unwrap() };
    stage.end_all(&Stage::subject(1)).await;
    let options: sqlx::postgres::PgConnectOptions = url("localhost", &certificate).parse().unwrap();
    let mut stranger = options.connect().await.unwrap();
    let plain = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'postgres' AND NOT ssl";
    assert_eq!(sqlx::Row::get::<i64, _>(&sqlx::query(plain).fetch_one(&mut stranger).await.unwrap(), 0), 0);

    let error = PostgresStore::open(&url("127.0.0.1", &certificate)).await.unwrap_err();
    assert!(format!("{error:?}").contains("certificate"), "another name: {error:?}");
    let public = format!("postgres://postgres@localhost:{port}/postgres?sslmode=verify-full");
    let error = PostgresStore::open(&public).await.unwrap_err();
    assert!(format!("{error:?}").contains("certificate"), "not of a public authority: {error:?}");
}
