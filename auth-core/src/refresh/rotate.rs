//! The rule of rotation against a store: one conditional statement on the happy path, the rule on every other.

use std::time::Duration;

use zeroize::Zeroizing;

use super::family::{Pair, Verdict, decide};
use super::pepper::{Pepper, Peppers};
use super::token::ParsedToken;
use crate::clock::Timestamp;
use crate::id::{LoginId, Position, Subject};
use crate::random::{RandomError, random_bytes};
use crate::store::{EndReason, Family, LoginRow, LoginStore, Rotation, StoreError};

/// How often a lost race is tried again. Each try that loses means that another request moved the family on, so the
/// next one finds it within the grace; more than two are a store that does not keep its contract.
const TRIES: usize = 8;

/// Whether a refresh must bring the access token that came with the refresh token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pairing {
    /// The refresh token is enough.
    #[default]
    Optional,
    /// The access token of the same generation must come along, expired or not, as a bearer token. A refresh without it
    /// is theft: the login is revoked.
    Required,
}

/// A token that was accepted, and what replaces it.
#[derive(Debug)]
pub struct Rotated {
    /// The login, as it is now.
    pub login: LoginRow,
    /// The token to hand out.
    pub token: ParsedToken,
    /// Why it was accepted.
    pub verdict: Verdict,
}

/// Why a refresh token was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// Newer than the store: a commit was lost, by a restore or a failover.
    #[error("the refresh token is ahead of the store")]
    AheadOfStore {
        /// The login.
        login: LoginId,
    },
    /// The login is not there: signed out, revoked, expired.
    #[error("the login has ended")]
    Ended,
    /// The system gave no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The token was used up before, so somebody else holds it too. The login is revoked.
    #[error("the refresh token was used before; the login is revoked")]
    Reused {
        /// The login, revoked now.
        login: LoginId,
        /// Whose it was.
        subject: Subject,
        /// How many generations behind the presented token was.
        generations: u32,
        /// How long ago the login was last rotated.
        age: Duration,
    },
    /// The store did not answer, or it is not known whether it committed. The client keeps its token and tries again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A genuine tag on a secret that is not the login's.
    #[error("the refresh token is unknown")]
    UnknownSecret {
        /// The login.
        login: LoginId,
    },
}

/// What a rotation needs to know besides the token.
#[derive(Clone, Copy, Debug)]
pub struct RotationPolicy {
    /// How long a predecessor is answered with the same successor.
    pub grace: Duration,
    /// How long an unused login lasts.
    pub idle: Duration,
    /// Until when an entry for a revoked login must live.
    pub log_until: Timestamp,
}

/// Presents a token, with the access token that [`Pairing`] may ask for or without.
///
/// # Cancel safety
///
/// Dropped half way, the rotation has happened or not; presenting the same token again gives the same answer.
///
/// # Errors
///
/// [`RefreshError`].
pub async fn rotate(
    store: &dyn LoginStore,
    peppers: &Peppers,
    token: &ParsedToken,
    pair: Pair,
    policy: &RotationPolicy,
    now: Timestamp,
) -> Result<Rotated, RefreshError> {
    if pair == Pair::Complete
        && let Some(rotated) = advance(store, peppers, token, policy, now).await?
    {
        return Ok(rotated);
    }
    for _ in 0..TRIES {
        let login = store.load_login(token.login, now).await?.ok_or(RefreshError::Ended)?;
        let family = login.family.clone().ok_or(RefreshError::Ended)?;
        let verdict = decide(&family, &token.presentation(pair), policy.grace, now);
        let answer = match verdict {
            Verdict::Rotate => advance(store, peppers, token, policy, now).await?,
            Verdict::Repeat => repeat(store, token, login, family, now).await?,
            Verdict::RepeatSuccessor => {
                let token = current_successor(peppers, token, &family)
                    .ok_or(RefreshError::UnknownSecret { login: login.id })?;
                Some(Rotated { login, token, verdict })
            }
            Verdict::ReplaceSuccessor => replace(store, peppers, token, login, family, now).await?,
            Verdict::Theft { generations } => {
                let age = now.since(family.rotated_at.max(login.created_at));
                return Err(revoke_stolen(store, login, generations, age, policy, now).await?);
            }
            Verdict::AheadOfStore => return Err(RefreshError::AheadOfStore { login: login.id }),
            Verdict::UnknownSecret => return Err(RefreshError::UnknownSecret { login: login.id }),
        };
        if let Some(rotated) = answer {
            return Ok(rotated);
        }
    }
    Err(StoreError::new("the family moved on at every try").into())
}

/// Revokes the login of a token that somebody else holds too.
async fn revoke_stolen(
    store: &dyn LoginStore,
    login: LoginRow,
    generations: u32,
    age: Duration,
    policy: &RotationPolicy,
    now: Timestamp,
) -> Result<RefreshError, StoreError> {
    if !store.end_login(&login.subject, login.id, EndReason::Stolen, policy.log_until, now).await? {
        return Ok(RefreshError::Ended);
    }
    Ok(RefreshError::Reused { login: login.id, subject: login.subject, generations, age })
}

/// The happy path: the presented token is the current one, out of the grace.
async fn advance(
    store: &dyn LoginStore,
    peppers: &Peppers,
    token: &ParsedToken,
    policy: &RotationPolicy,
    now: Timestamp,
) -> Result<Option<Rotated>, RefreshError> {
    let Some(generation) = token.position.generation.checked_add(1) else { return Err(RefreshError::Ended) };
    let nonce = random_bytes()?;
    let next = successor(peppers.current(), token, Position { generation, branch: 0 }, &nonce);
    let rotation = Rotation {
        login: token.login,
        position: token.position,
        presented: token.hash(),
        successor: next.hash(),
        nonce,
        grace: policy.grace,
        idle_expires_at: now.after(policy.idle),
    };
    let login = store.rotate(&rotation, now).await?;
    Ok(login.map(|login| Rotated { login, token: next, verdict: Verdict::Rotate }))
}

/// The current token within the grace: it has reached its owner, so it is confirmed.
async fn repeat(
    store: &dyn LoginStore,
    token: &ParsedToken,
    mut login: LoginRow,
    family: Family,
    now: Timestamp,
) -> Result<Option<Rotated>, RefreshError> {
    if !family.confirmed {
        let confirmed = Family { confirmed: true, ..family.clone() };
        if !store.swap_family(login.id, &family, &confirmed, now).await? {
            return Ok(None);
        }
        login.family = Some(confirmed);
    }
    let token = ParsedToken { secret: Zeroizing::new(*token.secret), ..*token };
    Ok(Some(Rotated { login, token, verdict: Verdict::Repeat }))
}

/// The token at `position` that follows `token`.
fn successor(pepper: &Pepper, token: &ParsedToken, position: Position, nonce: &[u8; 16]) -> ParsedToken {
    let secret = pepper.successor(token.login, position, nonce, &token.secret);
    ParsedToken { pepper: pepper.id(), login: token.login, position, secret }
}

/// The successor again, byte for byte. Peppers may have changed since it was made: the stored hash tells which it was.
fn current_successor(peppers: &Peppers, token: &ParsedToken, family: &Family) -> Option<ParsedToken> {
    let mut successors = peppers.all().map(|pepper| successor(pepper, token, family.position, &family.nonce));
    successors.find(|next| next.hash() == family.current)
}

/// The successor never reached its owner: a new branch takes its place.
async fn replace(
    store: &dyn LoginStore,
    peppers: &Peppers,
    token: &ParsedToken,
    mut login: LoginRow,
    family: Family,
    now: Timestamp,
) -> Result<Option<Rotated>, RefreshError> {
    let Some(branch) = family.position.branch.checked_add(1) else { return Err(RefreshError::Ended) };
    let nonce = random_bytes()?;
    let position = Position { branch, ..family.position };
    let next = successor(peppers.current(), token, position, &nonce);
    let replaced =
        Family { position, current: next.hash(), nonce, rotated_at: now, confirmed: false, ..family.clone() };
    if !store.swap_family(login.id, &family, &replaced, now).await? {
        return Ok(None);
    }
    login.family = Some(replaced);
    Ok(Some(Rotated { login, token: next, verdict: Verdict::ReplaceSuccessor }))
}
