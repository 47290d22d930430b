//! What the store keeps, and what its calls take and answer.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::hash::{SecretHash, SessionHash};
use super::log::Mark;
use super::reason::LoginKind;
use crate::clock::Timestamp;
use crate::hash::sha256;
use crate::id::{LoginId, ParseIdError, Position, Subject};
use crate::random::random_bytes;

/// An answer, and the store's time at which it was true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timed<T> {
    /// The answer.
    pub value: T,
    /// The store's time.
    pub now: Timestamp,
}

impl<T> Timed<T> {
    /// An answer of that time.
    pub const fn new(value: T, now: Timestamp) -> Self {
        Self { value, now }
    }

    /// The same time, with another answer.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Timed<U> {
        Timed { value: map(self.value), now: self.now }
    }
}

/// The namespace of everything in a store: 1 to 512 bytes without control characters. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Realm(Arc<str>);

impl Realm {
    /// The realm of that name; none when it is empty, longer than 512 bytes, or holds a control character.
    pub fn new(name: &str) -> Option<Self> {
        let is_good = (1..=512).contains(&name.len()) && !name.bytes().any(|byte| byte.is_ascii_control());
        is_good.then(|| Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where in the store a subject's things are: below [`LoginStore::partitions`](super::LoginStore::partitions).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(u8);

impl Partition {
    /// The partition of what concerns the whole realm.
    pub const REALM: Self = Self(0);

    /// The partition with that number.
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// The partition of a subject in a store that has so many: by the first byte of the SHA-256 of its text.
    pub fn of(subject: &Subject, partitions: NonZeroU32) -> Self {
        let [first, ..] = sha256(subject.as_str().as_bytes());
        Self(u8::try_from(u32::from(first) % partitions).unwrap_or(0))
    }

    /// The partition of a login: the first byte of its id.
    pub const fn of_login(id: LoginId) -> Self {
        let [number, ..] = *id.as_bytes();
        Self(number)
    }

    /// A new id of a login in this partition; all but the first byte is random.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the system's source of randomness fails.
    pub fn new_login(self) -> Result<LoginId, StoreError> {
        let [_, rest @ ..] = random_bytes::<16>().map_err(StoreError::new)?;
        let mut bytes = [self.0; 16];
        bytes.iter_mut().skip(1).zip(rest).for_each(|(to, from)| *to = from);
        Ok(LoginId::from_bytes(bytes))
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// The right to make one login: the subject's epoch when the sign-in began.
///
/// It is no credential: whoever has it still needs the application to say that the subject proved who they are. It may be
/// kept, in a session or a sealed form, while a second factor is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The subject's epoch.
    pub epoch: u64,
    /// The store's time in milliseconds when it was made.
    pub issued_at: i64,
    /// How long it is good, in milliseconds.
    pub lifetime: u64,
}

impl Ticket {
    /// How long a ticket is good: time for a second factor.
    pub const LIFETIME: Duration = Duration::from_secs(15 * 60);

    /// A ticket of that epoch, made now.
    pub fn new(epoch: u64, now: Timestamp) -> Self {
        let lifetime = u64::try_from(Self::LIFETIME.as_millis()).unwrap_or(u64::MAX);
        Self { epoch, issued_at: now.millis(), lifetime }
    }

    /// Whether it is too old at that time. One that is from the future (the clock went back) is not.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.since(Timestamp::from_millis(self.issued_at)) > Duration::from_millis(self.lifetime)
    }
}

/// A login that is about to begin. Its times are the store's.
#[derive(Clone)]
pub struct NewLogin {
    /// Its id, in the partition of its subject.
    pub id: LoginId,
    /// Whose it is.
    pub subject: Subject,
    /// What carries it.
    pub kind: LoginKind,
    /// How long it lasts however much it is used.
    pub lifetime: Duration,
    /// How long it lasts unused.
    pub idle: Duration,
    /// How long its credentials can outlive its end.
    pub retention: Duration,
    /// The browser or program, as it names itself; at most 256 bytes.
    pub user_agent: Option<String>,
    /// Where it signed in from; at most 64 bytes.
    pub address: Option<String>,
    /// The claims, as JSON, loaded after the ticket was made.
    pub claims: Vec<u8>,
    /// The hash of the first refresh secret; none for a session.
    pub secret: Option<SecretHash>,
    /// What later versions keep of a login, as JSON; empty for nothing. Members that a version does not know are kept.
    pub extra: Vec<u8>,
    /// The login that it takes the place of: one of the same subject, which ends as this one begins, with
    /// [`EndReason::Replaced`](super::EndReason::Replaced), and does not count under the limit. Whatever else it names (it is
    /// not live, or somebody else's) stays as it is.
    pub replaces: Option<LoginId>,
}

impl NewLogin {
    /// The row of the login, if it begins now.
    pub(crate) fn begun(&self, ticket: &Ticket, now: Timestamp) -> LoginRow {
        let expires_at = now.after(self.lifetime);
        LoginRow {
            id: self.id,
            subject: self.subject.clone(),
            kind: self.kind,
            created_at: now,
            last_seen_at: now,
            authenticated_at: now,
            expires_at,
            idle_expires_at: now.after(self.idle).min(expires_at),
            user_agent: self.user_agent.clone(),
            address: self.address.clone(),
            claims: self.claims.clone(),
            begun_under: ticket.epoch,
            epoch: ticket.epoch,
            claims_loaded_at: now,
            retention: self.retention,
            family: self.secret.map(Family::first),
            extra: self.extra.clone(),
        }
    }
}

/// Shows no claim.
impl fmt::Debug for NewLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewLogin")
            .field("id", &self.id)
            .field("subject", &self.subject)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A login as it is stored: one row, of constant size however long it lives.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginRow {
    /// The login.
    pub id: LoginId,
    /// Whose it is.
    pub subject: Subject,
    /// What carries it.
    pub kind: LoginKind,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When its owner last proved who they are.
    pub authenticated_at: Timestamp,
    /// When it ends however much it is used.
    pub expires_at: Timestamp,
    /// When it ends unless it is used before.
    pub idle_expires_at: Timestamp,
    /// The browser or program, as it names itself.
    pub user_agent: Option<String>,
    /// Where it signed in from.
    pub address: Option<String>,
    /// The claims, as JSON.
    pub claims: Vec<u8>,
    /// The subject's epoch of the ticket under which it began.
    pub begun_under: u64,
    /// The subject's epoch under which the claims were loaded.
    pub epoch: u64,
    /// When the claims were loaded.
    pub claims_loaded_at: Timestamp,
    /// How long its credentials can outlive its end.
    pub retention: Duration,
    /// The refresh tokens of the login; none for a session.
    pub family: Option<Family>,
    /// What later versions keep of a login.
    pub extra: Vec<u8>,
}

impl LoginRow {
    /// Whether the login is over by time alone.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at || now >= self.idle_expires_at
    }
}

/// Shows no claim.
impl fmt::Debug for LoginRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRow")
            .field("id", &self.id)
            .field("subject", &self.subject)
            .field("kind", &self.kind)
            .field("created_at", &self.created_at)
            .field("last_seen_at", &self.last_seen_at)
            .field("expires_at", &self.expires_at)
            .field("idle_expires_at", &self.idle_expires_at)
            .field("begun_under", &self.begun_under)
            .field("epoch", &self.epoch)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

/// The refresh tokens of a login. Positions order events, never clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// The current token.
    pub position: Position,
    /// The branch of the previous generation that the last rotation consumed.
    pub previous_branch: Option<u16>,
    /// Hash of the current secret.
    pub current: SecretHash,
    /// Hash of the secret that the last rotation consumed.
    pub previous: Option<SecretHash>,
    /// What the current secret was derived with, from the previous one.
    pub nonce: [u8; 16],
    /// When the grace of the current token began, by the store's clock; long ago for the first, which no rotation made.
    pub rotated_at: Timestamp,
    /// Whether the current token is known to have reached its owner.
    pub confirmed: bool,
    /// In how many generations in a row the predecessor came again, within the grace, after the current token was used.
    pub shared: u32,
    /// Whether this generation is one of them.
    pub counted: bool,
}

impl Family {
    /// The family of a login that begins.
    pub const fn first(secret: SecretHash) -> Self {
        Self {
            position: Position { generation: 0, branch: 0 },
            previous_branch: None,
            current: secret,
            previous: None,
            nonce: [0; 16],
            rotated_at: Timestamp::UNIX_EPOCH,
            confirmed: true,
            shared: 0,
            counted: false,
        }
    }
}

/// When the grace of a replaced family began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraceStart {
    /// When it did before.
    Keep,
    /// Now.
    Now,
}

/// The happy path of a rotation: what must be there, and what replaces it.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The login.
    pub login: LoginId,
    /// The token that was presented.
    pub presented: Position,
    /// Hash of its secret.
    pub secret: SecretHash,
    /// Hash of the secret that replaces it, at generation + 1, branch 0.
    pub successor: SecretHash,
    /// What the successor was derived with.
    pub nonce: [u8; 16],
    /// How long after a rotation no other happens.
    pub grace: Duration,
    /// How long the login lasts unused, from now on.
    pub idle: Duration,
    /// How long credentials made from now on can outlive the login's end.
    pub retention: Duration,
}

/// How a rotation came out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Rotated {
    /// It happened; the login after it.
    Rotated(LiveLogin),
    /// Nothing changed; the login as it is.
    Unchanged(LiveLogin),
    /// There is no such live login.
    NotLive,
}

/// What holds of a subject's credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubjectState {
    /// The epoch: new claims are loaded under it.
    pub epoch: u64,
    /// Claims that were loaded under an epoch below this one are outdated.
    pub outdated_below: u64,
}

/// A live login, and the state of its subject at the same instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveLogin {
    /// The login.
    pub row: LoginRow,
    /// Its subject's state.
    pub subject: SubjectState,
}

impl LiveLogin {
    /// Whether the claims in the row are outdated.
    pub const fn is_outdated(&self) -> bool {
        self.row.epoch < self.subject.outdated_below
    }
}

/// Where a list of logins continues: after this login. As text it can be a query parameter; it is no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListCursor {
    /// When the last login of the page began.
    pub created_at: Timestamp,
    /// The id of the last login of the page.
    pub id: LoginId,
}

impl fmt::Display for ListCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created_at.millis(), self.id)
    }
}

impl FromStr for ListCursor {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let (millis, id) = text.split_once('.').ok_or(ParseIdError)?;
        let created_at = Timestamp::from_millis(millis.parse().map_err(|_| ParseIdError)?);
        Ok(Self { created_at, id: id.parse()? })
    }
}

/// A part of a subject's logins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginPage {
    /// The logins, newest first.
    pub logins: Vec<LiveLogin>,
    /// Where to go on; none at the end.
    pub next: Option<ListCursor>,
}

/// Names a session: hash of the secret in the cookie, and the partition, which the cookie carries beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey {
    /// Where it is.
    pub partition: Partition,
    /// What it is found by.
    pub hash: SessionHash,
}

/// A session that is about to begin.
#[derive(Clone)]
pub struct NewSession {
    /// Its key, in the partition of the login that it carries, if any.
    pub key: SessionKey,
    /// The application's data, as JSON.
    pub data: Vec<u8>,
    /// How long it lasts; for a session with a login, the login's expiry decides too.
    pub lifetime: Duration,
}

/// Shows none of the data.
impl fmt::Debug for NewSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A session as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Its key.
    pub key: SessionKey,
    /// The login it carries.
    pub login: Option<LoginId>,
    /// The application's data, as JSON.
    pub data: Vec<u8>,
    /// Rises with each save, from 1.
    pub version: u64,
    /// When it ends; for a session with a login, the login's expiry decides too.
    pub expires_at: Timestamp,
}

/// Shows none of the data.
impl fmt::Debug for SessionRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRow")
            .field("key", &self.key)
            .field("login", &self.login)
            .field("version", &self.version)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// How saving a session came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum SavedSession {
    /// Saved; the new version.
    Saved(u64),
    /// Another request saved it since it was loaded. Nothing was done.
    Conflict,
    /// It is not live. Nothing was done.
    Gone,
}

/// How giving a session a new hash came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Renamed {
    /// It has it; the entry of the old one, if the session carries a login.
    Renamed(Option<Logged>),
    /// The session is not live, or the new hash is taken. Nothing was done.
    Refused,
}

/// How creating a login came out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::large_enum_variant, reason = "taken apart where it is answered, never kept")]
pub enum Created {
    /// It is there.
    Made {
        /// The row.
        login: LoginRow,
        /// The entry of the login that it replaced; none when there was none to replace.
        replaced: Option<Logged>,
        /// The logins that ended for it because of the limit, oldest first.
        evicted: Vec<Evicted>,
    },
    /// The subject's logins were all ended, or its claims changed, since the ticket was made; or the ticket has expired.
    Outdated,
    /// The id of the login, or the hash of the session, is taken.
    IdTaken,
    /// The subject has as many logins as it may.
    LimitReached,
}

/// An entry that a call appended to the log: the node expects it in the first page that it asks for afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its name.
    pub mark: Mark,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// A login that ended for a newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evicted {
    /// Which.
    pub login: LoginId,
    /// Its entry in the log.
    pub logged: Logged,
}

/// How ending a login came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ended {
    /// It has ended; the entry in the log.
    Ended(Logged),
    /// The subject has no such live login. Nothing was done.
    NotThere,
}

/// How ending all logins came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedAll {
    /// How many logins ended.
    pub count: u64,
    /// The new epoch.
    pub epoch: u64,
    /// The login that goes on.
    pub spared: Option<LoginId>,
    /// The entry in the log.
    pub logged: Logged,
}

/// An access token of this position was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Confirmation {
    /// The login.
    pub login: LoginId,
    /// The token.
    pub position: Position,
}

/// A login was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The login.
    pub login: LoginId,
    /// How long ago.
    pub ago: Duration,
    /// How long after that use it ends unless it is used again.
    pub idle: Duration,
}

/// A small document.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// Rises with each save, from 1.
    pub version: u64,
    /// What it says; sealed by whoever wrote it.
    pub bytes: Vec<u8>,
}

/// Shows none of its content.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("version", &self.version).finish_non_exhaustive()
    }
}
