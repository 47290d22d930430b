//! A store with one login of one subject, and ways to look at it.

use std::num::NonZeroU32;
use std::time::Duration;

use auth_core::__private::rotation::RotateError;
use auth_core::__private::rotation::{Pair, Pairing, ParsedToken, Refresh, Rotated, RotationPolicy, Sharing};
use auth_core::clock::{Clock as _, Timestamp};
use auth_core::id::Position;
use auth_core::id::{LoginId, Subject};
use auth_core::login::Scheme;
use auth_core::refresh::Peppers;
use auth_core::store::memory::MemoryStore;
use auth_core::store::{
    Created, EndReason, Family, FamilyStore as _, GraceStart, LiveLogin, LoginStore as _, NewLogin,
    Partition, Realm, Store,
};
use auth_core::testing::ManualClock;

use super::forge::peppers;
use super::model::{Login, Terms, Token};

/// When every test begins.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub(crate) const GRACE: Duration = Duration::from_secs(10);
pub(crate) const MILLI: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Reports sharing, and needs no pair.
pub(crate) const POLICY: RotationPolicy = RotationPolicy {
    grace: GRACE,
    idle: Duration::from_secs(1000 * 24 * 60 * 60),
    retention: DAY,
    pairing: Pairing::Optional,
    sharing: Sharing::Report,
};

/// The policy of the model's terms.
pub(crate) fn policy_of(terms: Terms) -> RotationPolicy {
    let pairing = if terms.pair { Pairing::Required } else { Pairing::Optional };
    let sharing = NonZeroU32::new(terms.end_after).map_or(Sharing::Report, Sharing::EndAfter);
    RotationPolicy { pairing, sharing, ..POLICY }
}

pub(crate) fn pair_of(terms: Terms) -> Pair {
    if terms.paired { Pair::Brought } else { Pair::Missing }
}

pub(crate) fn realm() -> Realm {
    Realm::new("shop").unwrap()
}

/// Where a token of the model is.
pub(crate) fn position_of(token: Token) -> Position {
    Position { generation: token.generation, branch: token.branch }
}

pub(crate) fn token_of(position: Position) -> Token {
    Token { generation: position.generation, branch: position.branch }
}

/// The model's view of a family.
pub(crate) fn login_of(family: &Family, now: Timestamp) -> Login {
    Login {
        generation: family.position.generation,
        branch: family.position.branch,
        previous_branch: family.previous_branch,
        confirmed: family.confirmed,
        in_grace: now < family.rotated_at.after(GRACE),
        shared: family.shared,
        counted: family.counted,
    }
}

/// Signs a subject in, and returns its first token.
pub(crate) async fn begin(store: &dyn Store, peppers: &Peppers, subject: &Subject) -> ParsedToken {
    let id = Partition::of(subject, store.partitions()).new_login().unwrap();
    let token = ParsedToken::first(id, peppers).unwrap();
    let login = NewLogin {
        id,
        subject: subject.clone(),
        kind: Scheme::Jwt,
        lifetime: 10_000 * DAY,
        idle: POLICY.idle,
        retention: DAY,
        user_agent: None,
        address: None,
        claims: b"{}".to_vec(),
        secret: Some(token.hash()),
        extra: Vec::new(),
        replaces: None,
    };
    let ticket = store.ticket(&realm(), subject).await.unwrap().value;
    let created = store.create(&realm(), &ticket, &login, None, None).await.unwrap().value;
    assert!(matches!(created, Created::Made { .. }), "{created:?}");
    token
}

/// A login in a memory store.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) store: MemoryStore,
    pub(crate) clock: ManualClock,
    pub(crate) realm: Realm,
    pub(crate) peppers: Peppers,
    pub(crate) policy: RotationPolicy,
    pub(crate) first: ParsedToken,
}

impl Owner {
    pub(crate) async fn new() -> Self {
        let clock = ManualClock::new(NOW);
        let (store, peppers) = (MemoryStore::with_clock(clock.clone()), peppers());
        let first = begin(&store, &peppers, &Subject::new("anna").unwrap()).await;
        Self { store, clock, realm: realm(), peppers, policy: POLICY, first }
    }

    pub(crate) fn id(&self) -> LoginId {
        self.first.login_id()
    }

    pub(crate) fn refresh(&self) -> Refresh<'_, MemoryStore> {
        Refresh { store: &self.store, realm: &self.realm, peppers: &self.peppers, policy: &self.policy }
    }

    /// Presents a token with its pair.
    pub(crate) async fn present(&self, token: &ParsedToken) -> Result<Rotated, RotateError> {
        self.refresh().rotate(token, Pair::Brought).await
    }

    /// An access token of that refresh token was used.
    pub(crate) async fn use_token(&self, token: &ParsedToken) {
        let used = (self.id(), token.position());
        self.store.confirm(&self.realm, &[used]).await.unwrap();
    }

    /// The owner signs out.
    pub(crate) async fn end(&self) {
        let subject = Subject::new("anna").unwrap();
        let ended = self
            .store
            .end(&self.realm, &subject, self.id(), EndReason::SignedOut, Duration::ZERO)
            .await
            .unwrap();
        assert!(ended.value.is_some());
    }

    /// None when the login is not live.
    pub(crate) async fn live(&self) -> Option<LiveLogin> {
        self.store.login(&self.realm, self.id()).await.unwrap().value
    }

    pub(crate) async fn family(&self) -> Option<Family> {
        self.live().await.map(|login| login.row.family.unwrap())
    }

    /// The model's view of the row.
    pub(crate) async fn login(&self) -> Option<Login> {
        self.family().await.map(|family| login_of(&family, self.clock.now()))
    }

    /// Puts the family there, `rotated_at` included.
    pub(crate) async fn put(&self, family: &Family) {
        let (now, before) = (self.clock.now(), self.family().await.unwrap());
        self.clock.set(family.rotated_at);
        let (realm, id, now_on) = (&self.realm, self.id(), GraceStart::Now);
        let put = self.store.replace_family(realm, id, &before, family, now_on, Duration::ZERO).await;
        self.clock.set(now);
        assert!(put.unwrap().value.is_some());
    }

    /// The text for the client.
    pub(crate) fn text(&self, token: &ParsedToken) -> String {
        token.encode(&self.peppers).unwrap().expose().to_owned()
    }
}
