//! What can be wrong with making a login.

use std::num::NonZeroU32;

use auth_core::clock::Clock as _;
use auth_core::id::LoginId;
use auth_core::store::{
    Created, EndReason, Limit, Logged, LoginRow, LoginStore as _, NewLogin, NewSession, Realm, SessionRow,
    SessionStore as _, StoreError, Ticket, Timed,
};

use crate::broken::{Answer, Broken, dawdle};
use crate::fault::Fault::*;

pub(crate) async fn create(
    store: &Broken,
    realm: &Realm,
    ticket: &Ticket,
    login: &NewLogin,
    session: Option<&NewSession>,
    limit: Option<Limit>,
) -> Answer<Created> {
    let (mut given, mut login, mut limit) = (ticket.clone(), login.clone(), limit);
    let mut carrier = session;
    let refused = |created| Ok(Timed::new(created, store.clock.now()));
    match store.fault() {
        TicketIgnored => given = store.memory.ticket(realm, &login.subject).await?.value,
        TicketsLast => given.lifetime *= 2,
        TicketsFromTheFuture if ticket.issued_at > store.clock.now().millis() => {
            return refused(Created::Outdated);
        }
        DropsUserAgent => login.user_agent = None,
        DropsExtra => login.extra.clear(),
        DropsSession => carrier = None,
        NeverFreesIds if store.remembered(realm, login.id).is_some() => return refused(Created::IdTaken),
        CreatesLoginFirst => {
            let key = session.map(|session| session.key);
            if let Some(key) = key
                && store.memory.session(realm, &key).await?.value.is_some()
            {
                let _ = store.memory.create(realm, &given, &login, None, limit).await?;
                return refused(Created::IdTaken);
            }
        }
        Overwrites => free(store, realm, &login).await?,
        IdNotAtomic => {
            if store.memory.login(realm, login.id).await?.value.is_some() {
                return refused(Created::IdTaken);
            }
            dawdle().await;
            free(store, realm, &login).await?;
        }
        SparedDoesNotCount if store.spared.lock().unwrap().is_some() => {
            limit = limit.map(|limit| of_size(limit, limit.most().saturating_add(1)));
        }
        ReplacedCounts if login.replaces.is_some() => {
            let less = |most: NonZeroU32| NonZeroU32::new(most.get() - 1).unwrap_or(most);
            limit = limit.map(|limit| of_size(limit, less(limit.most())));
        }
        ReplacesAnybodys | ReplacesFirst => {
            if let Some(old) = login.replaces
                && let Some(live) = store.memory.login(realm, old).await?.value
                && (store.has(ReplacesAnybodys) || live.row.subject == login.subject)
            {
                let _ = store
                    .memory
                    .end(realm, &live.row.subject, old, EndReason::Replaced, login.retention)
                    .await?;
            }
        }
        ReplacesNothing => login.replaces = None,
        DeadCount => {
            let made = store.made.lock().unwrap();
            let of = |(realm_of, row): &&(Realm, LoginRow)| realm_of == realm && row.subject == login.subject;
            let count = made.values().filter(of).count();
            if limit.is_some_and(|limit| limit.surplus(count).is_none()) {
                return refused(Created::LimitReached);
            }
        }
        _ => {}
    }
    let mut evicted = Vec::new();
    let counts = [EvictsFirst, LimitNotAtomic, EvictsNewest].contains(&store.fault());
    if let Some(limit) = limit.take_if(|_| counts) {
        let surplus = surplus(store, realm, &login, limit).await?;
        if store.has(LimitNotAtomic) {
            dawdle().await;
        }
        let Some(surplus) = surplus else { return refused(Created::LimitReached) };
        evicted = evict(store, realm, surplus).await?;
    }
    let by_age = limit.take_if(|_| store.has(EvictsByAge));
    let mut answer = store.memory.create(realm, &given, &login, carrier, limit).await?;
    if answer.value == Created::IdTaken && store.has(IdsPerRealm) {
        let id = LoginId::from_bytes([0xee; 16]);
        answer =
            store.memory.create(realm, &given, &NewLogin { id, ..login.clone() }, carrier, limit).await?;
    }
    if let Some(limit) = by_age {
        let most = usize::try_from(limit.most().get()).unwrap();
        let all = store.memory.list(realm, &login.subject, None, NonZeroU32::MAX).await?.value;
        let oldest = all.into_iter().skip(most).map(|login| login.row).collect();
        evicted = evict(store, realm, oldest).await?;
    }
    if let Created::Made { login: row, replaced, evicted: ended } = &mut answer.value {
        store.made.lock().unwrap().insert(row.id, (realm.clone(), row.clone()));
        if let Some(new) = session {
            let carried = SessionRow {
                key: new.key,
                login: Some(row.id),
                data: new.data.clone(),
                version: 1,
                expires_at: row.expires_at,
            };
            store.sessions.lock().unwrap().insert(new.key, (realm.clone(), carried));
        }
        ended.extend(evicted);
        *replaced = replaced.map(|logged| store.logged(logged));
        for (_, logged) in ended {
            *logged = store.logged(*logged);
        }
        match store.fault() {
            IdleUncapped => row.idle_expires_at = answer.now.after(login.idle),
            TicketIgnored => row.begun_under = ticket.epoch,
            _ => {}
        }
    }
    Ok(answer)
}

/// Makes the id free, whoever has it.
async fn free(store: &Broken, realm: &Realm, login: &NewLogin) -> Result<(), StoreError> {
    if let Some(live) = store.memory.login(realm, login.id).await?.value {
        let _ = store
            .memory
            .end(realm, &live.row.subject, login.id, EndReason::Replaced, login.retention)
            .await?;
    }
    Ok(())
}

async fn surplus(
    store: &Broken,
    realm: &Realm,
    login: &NewLogin,
    limit: Limit,
) -> Result<Option<Vec<LoginRow>>, StoreError> {
    let mut live = store.memory.list(realm, &login.subject, None, NonZeroU32::MAX).await?.value;
    if !store.has(EvictsNewest) {
        live.reverse();
    }
    let Some(surplus) = limit.surplus(live.len()) else { return Ok(None) };
    Ok(Some(live.into_iter().take(surplus).map(|login| login.row).collect()))
}

fn of_size(limit: Limit, most: NonZeroU32) -> Limit {
    match limit {
        Limit::EvictOldest(_) => Limit::EvictOldest(most),
        Limit::Refuse(_) => Limit::Refuse(most),
    }
}

async fn evict(
    store: &Broken,
    realm: &Realm,
    rows: Vec<LoginRow>,
) -> Result<Vec<(LoginId, Logged)>, StoreError> {
    let mut evicted = Vec::new();
    for row in rows {
        let ended =
            store.memory.end(realm, &row.subject, row.id, EndReason::Evicted, row.retention).await?.value;
        if let Some(logged) = ended {
            evicted.push((row.id, logged));
        }
    }
    Ok(evicted)
}
