//! The rows of a store, and the arguments and results of its calls.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::hash::SecretHash;
use super::log::Mark;
use crate::clock::Timestamp;
use crate::hash::sha256;
use crate::id::{LoginId, ParseIdError, Position, Subject};
use crate::random::random_bytes;
use crate::requirement::Scheme;

/// A result, and the store's time at which it was true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timed<T> {
    /// The result.
    pub value: T,
    /// The store's time.
    pub now: Timestamp,
}

impl<T> Timed<T> {
    /// A result at the time `now`.
    pub const fn new(value: T, now: Timestamp) -> Self {
        Self { value, now }
    }

    /// Applies `map` to the result and keeps the time.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Timed<U> {
        Timed { value: map(self.value), now: self.now }
    }
}

/// The namespace of data in a store. 1 to 512 bytes without control characters. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Realm(Arc<str>);

impl Realm {
    /// The realm with this name; `None` when the name is empty, longer than 512 bytes, or contains a control
    /// character.
    pub fn new(name: &str) -> Option<Self> {
        let is_good = (1..=512).contains(&name.len()) && !name.bytes().any(|byte| byte.is_ascii_control());
        is_good.then(|| Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The number of the partition that contains a subject's data: less than
/// [`LoginStore::partitions`](super::LoginStore::partitions).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(u8);

impl Partition {
    /// The partition of data that concerns the whole realm: 0.
    pub const REALM: Self = Self(0);

    /// The partition with this number.
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// The partition of a subject in a store with `partitions` partitions: the first byte of the SHA-256 of the
    /// subject, modulo `partitions`.
    pub fn of(subject: &Subject, partitions: NonZeroU32) -> Self {
        let [first, ..] = sha256(subject.as_str().as_bytes());
        Self(u8::try_from(u32::from(first) % partitions).unwrap_or(0))
    }

    /// The partition of a login: the first byte of its id.
    pub const fn of_login(id: LoginId) -> Self {
        let [number, ..] = *id.as_bytes();
        Self(number)
    }

    /// A new login id in this partition. All bytes except the first are random.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the system's random number generator fails.
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

/// A sign-in that has begun: the state of the subject at that time. The login that is created with it is refused if
/// the subject's logins were ended, or its claims changed, in the meantime.
///
/// It is not a credential: the application must still authenticate the user. It may be kept in session data, or
/// encrypted in a form, while the user enters a second factor. It expires after 15 minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The subject, for whom alone a login can be created.
    pub subject: Subject,
    /// The subject's epoch.
    pub epoch: u64,
    /// The store's time when it was issued, in milliseconds since the Unix epoch.
    pub issued_at: i64,
    /// How long it is valid, in milliseconds.
    pub lifetime: u64,
}

impl Ticket {
    /// How long a ticket is valid: 15 minutes, which leaves time for a second factor.
    pub const LIFETIME: Duration = Duration::from_secs(15 * 60);

    /// A ticket of a subject with this epoch, issued at `now`.
    pub fn new(subject: &Subject, epoch: u64, now: Timestamp) -> Self {
        let lifetime = u64::try_from(Self::LIFETIME.as_millis()).unwrap_or(u64::MAX);
        Self { subject: subject.clone(), epoch, issued_at: now.millis(), lifetime }
    }

    /// Whether it has expired at the time `now`. A ticket from the future (the clock went back) has not.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.since(Timestamp::from_millis(self.issued_at)) > Duration::from_millis(self.lifetime)
    }
}

/// A login to be created. The store derives the times from its own clock and the durations.
#[derive(Clone)]
pub struct NewLogin {
    /// The id of the login, in the partition of its subject.
    pub id: LoginId,
    /// The subject.
    pub subject: Subject,
    /// Whether it uses a session cookie or tokens.
    pub kind: Scheme,
    /// The absolute lifetime: the login then expires even if it is in use.
    pub lifetime: Duration,
    /// The idle lifetime: the login expires when it was not used for this time.
    pub idle: Duration,
    /// How long credentials of the login can outlive its end.
    pub retention: Duration,
    /// The browser or program (`User-Agent`); at most 256 bytes.
    pub user_agent: Option<String>,
    /// The address that the sign-in came from; at most 64 bytes.
    pub address: Option<String>,
    /// The claims, as JSON. They must be loaded after the ticket was issued.
    pub claims: Vec<u8>,
    /// The hash of the first refresh secret; `None` for a session.
    pub secret: Option<SecretHash>,
    /// Additional data of later versions, as a JSON object; may be empty. Members that a version does not know are
    /// kept.
    pub extra: Vec<u8>,
    /// The login of the same subject that is replaced: it ends in the same step, with
    /// [`EndReason::Replaced`](super::EndReason::Replaced), and does not count for the limit. If the id is that of a
    /// login that is not live, or of another subject, nothing happens to it.
    pub replaces: Option<LoginId>,
}

impl NewLogin {
    /// The row of the login if it begins at `now`.
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

/// Does not show the claims.
impl fmt::Debug for NewLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewLogin")
            .field("id", &self.id)
            .field("subject", &self.subject)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A stored login: one row, whose size does not grow with the number of rotations.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginRow {
    /// The id of the login.
    pub id: LoginId,
    /// The subject.
    pub subject: Subject,
    /// Whether it uses a session cookie or tokens.
    pub kind: Scheme,
    /// When the login began.
    pub created_at: Timestamp,
    /// When the login was last used, to about a minute.
    pub last_seen_at: Timestamp,
    /// When the subject last authenticated.
    pub authenticated_at: Timestamp,
    /// When the login expires even if it is in use.
    pub expires_at: Timestamp,
    /// When the login expires unless it is used before.
    pub idle_expires_at: Timestamp,
    /// The browser or program (`User-Agent`).
    pub user_agent: Option<String>,
    /// The address that the sign-in came from.
    pub address: Option<String>,
    /// The claims, as JSON.
    pub claims: Vec<u8>,
    /// The epoch of the ticket with which the login was created.
    pub begun_under: u64,
    /// The subject's epoch under which the claims were loaded.
    pub epoch: u64,
    /// When the claims were loaded.
    pub claims_loaded_at: Timestamp,
    /// How long credentials of the login can outlive its end.
    pub retention: Duration,
    /// The refresh token family; `None` for a session.
    pub family: Option<Family>,
    /// Additional data of later versions, as a JSON object; may be empty.
    pub extra: Vec<u8>,
}

impl LoginRow {
    /// Whether the login has expired at the time `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at || now >= self.idle_expires_at
    }
}

/// Does not show the claims.
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

/// The refresh token family of a login. Events are ordered by position, never by time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// The position of the current token.
    pub position: Position,
    /// The branch of the token that the last rotation replaced; its generation is one less than the current one.
    pub previous_branch: Option<u16>,
    /// The hash of the current secret.
    pub current: SecretHash,
    /// The hash of the secret that the last rotation replaced.
    pub previous: Option<SecretHash>,
    /// The nonce with which the current secret was derived from the previous one.
    pub nonce: [u8; 16],
    /// When the grace period of the current token began, by the store's clock; the Unix epoch for the first token.
    pub rotated_at: Timestamp,
    /// Whether the client is known to have received the current token.
    pub confirmed: bool,
    /// The number of consecutive generations in which the predecessor was presented again, within the grace period,
    /// after the current token was used.
    pub shared: u32,
    /// Whether the current generation is included in `shared`.
    pub counted: bool,
}

impl Family {
    /// The family of a new login.
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

/// When the grace period of a changed family begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraceStart {
    /// It is not changed.
    Keep,
    /// It begins at the store's time of the change.
    Now,
}

/// A rotation of the current token: the token that must be the current one, and its successor.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The login.
    pub login: LoginId,
    /// The token that was presented.
    pub presented: Position,
    /// The hash of its secret.
    pub secret: SecretHash,
    /// The hash of the successor's secret, at generation + 1, branch 0.
    pub successor: SecretHash,
    /// The nonce with which the successor was derived.
    pub nonce: [u8; 16],
    /// The grace period: within this time after a rotation there is no other.
    pub grace: Duration,
    /// The idle lifetime of the login, from now on.
    pub idle: Duration,
    /// How long credentials issued from now on can outlive the login's end.
    pub retention: Duration,
}

/// The result of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Rotated {
    /// The token was rotated. Contains the login afterwards.
    Rotated(LiveLogin),
    /// The condition was not met, and nothing changed. Contains the login as it is.
    Unchanged(LiveLogin),
    /// There is no live login with this id.
    NotLive,
}

/// A live login, and the state of its subject at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveLogin {
    /// The login.
    pub row: LoginRow,
    /// The current epoch of its subject, under which new claims are loaded.
    pub subject_epoch: u64,
    /// Claims that were loaded under an epoch below this one are outdated.
    pub outdated_below: u64,
}

impl LiveLogin {
    /// Whether the claims in the row are outdated.
    pub const fn is_outdated(&self) -> bool {
        self.row.epoch < self.outdated_below
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
        let (millis, id) = text.split_once('.').ok_or(ParseIdError::CURSOR)?;
        let created_at = Timestamp::from_millis(millis.parse().map_err(|_| ParseIdError::CURSOR)?);
        Ok(Self { created_at, id: id.parse()? })
    }
}

/// Identifies a session: the hash of the secret in the cookie, and the partition, which the cookie contains too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey {
    /// The partition of the session.
    pub partition: Partition,
    /// The hash of the secret.
    pub hash: SecretHash,
}

/// A session to be created.
#[derive(Clone)]
pub struct NewSession {
    /// The key, in the partition of the login that the session carries, if any.
    pub key: SessionKey,
    /// The application's data, as JSON.
    pub data: Vec<u8>,
    /// The lifetime of the session. A session that carries a login also ends when the login expires.
    pub lifetime: Duration,
}

/// Does not show the data.
impl fmt::Debug for NewSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A stored session.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// The key of the session.
    pub key: SessionKey,
    /// The login that the session carries, if any.
    pub login: Option<LoginId>,
    /// The application's data, as JSON.
    pub data: Vec<u8>,
    /// The version: 1 at first, and one more after each change.
    pub version: u64,
    /// When the session expires. A session that carries a login also ends when the login expires.
    pub expires_at: Timestamp,
}

/// Does not show the data.
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

/// The result of replacing the hash of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Renamed {
    /// The session has the new hash. Contains the log entry about the old hash, if the session carries a login.
    Renamed(Option<Logged>),
    /// The session is not live, or the new hash is taken. Nothing changed.
    Refused,
}

/// The result of creating a login.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::large_enum_variant, reason = "matched where it is returned, never stored")]
pub enum Created {
    /// The login was created.
    Made {
        /// The row.
        login: LoginRow,
        /// The log entry of the login that was replaced; `None` if no login was replaced.
        replaced: Option<Logged>,
        /// The logins that ended because of the limit, oldest first, each with its log entry.
        evicted: Vec<(LoginId, Logged)>,
    },
    /// After the ticket was issued, all logins of the subject were ended or its claims changed; or the ticket has
    /// expired. Nothing changed.
    Outdated,
    /// The id of the login, or the hash of the session, is taken. Nothing changed.
    IdTaken,
    /// The subject has as many logins as the limit allows. Nothing changed.
    LimitReached,
}

/// An entry that a call appended to the log. The node expects it in the next page that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The mark of the entry.
    pub mark: Mark,
    /// When the entry expires.
    pub expires_at: Timestamp,
}

/// The result of ending all logins of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedAll {
    /// The number of logins that ended.
    pub count: u64,
    /// The new epoch.
    pub epoch: u64,
    /// The login that was kept, if any.
    pub spared: Option<LoginId>,
    /// The log entry.
    pub logged: Logged,
}

/// A report that a login was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The login.
    pub login: LoginId,
    /// How long ago it was used.
    pub ago: Duration,
    /// How long after that use it expires unless it is used again.
    pub idle: Duration,
}

/// A small document.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// The version: 1 at first, and one more after each change.
    pub version: u64,
    /// The content. Secrets in it are encrypted by the writer.
    pub bytes: Vec<u8>,
}

/// Does not show the content.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("version", &self.version).finish_non_exhaustive()
    }
}
