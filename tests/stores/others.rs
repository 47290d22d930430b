//! What can be wrong with the log, with what it is asked, and with documents.

use std::num::NonZeroU32;

use auth_core::clock::Clock as _;
use auth_core::store::{
    Cursor, DocumentStore as _, EndReason, Ids, LogEntry, Mark, Page, Realm, Reset, RevocationStore as _,
    Revoked, Standing, StoreError, Timed,
};

use crate::broken::{Answer, Broken, dawdle};
use crate::fault::Fault::*;

pub(crate) async fn page(store: &Broken, realm: &Realm, cursor: &Cursor, most: NonZeroU32) -> Answer<Page> {
    let most = if store.has(PagesUnbounded) { NonZeroU32::MAX } else { most };
    let forgets = store.has(PurgesTheNewest) && store.was_purged() && !cursor.is_start();
    let start = Cursor::start();
    let Timed { value: mut page, now } =
        store.memory.page(realm, if forgets { &start } else { cursor }, most).await?;
    if forgets {
        page.reset = Some(Reset::UnknownMark);
    }
    let hidden = store.hidden.lock().unwrap().clone();
    page.entries.retain(|entry| !hidden.contains(&entry.mark));
    match store.fault() {
        DropsAtExpiry => page.entries.retain(|entry| entry.expires_at > now),
        ForgetsReasons => {
            for entry in &mut page.entries {
                if let Revoked::Login(_, reason) = &mut entry.revoked {
                    *reason = EndReason::SignedOut;
                }
            }
        }
        ForgetsResets => page.reset = None,
        JunkIsAnError if page.reset == Some(Reset::Malformed) => {
            return Err(StoreError::new("not a cursor"));
        }
        LostIsPurged => page.reset = page.reset.map(|_| Reset::Purged),
        PurgedIsLost => page.reset = page.reset.map(|_| Reset::UnknownMark),
        NeverMore => page.has_more = false,
        _ => {}
    }
    Ok(Timed::new(page, now))
}

pub(crate) async fn standing(store: &Broken, realm: &Realm, ids: Ids<'_>) -> Answer<Standing> {
    let mut asked = ids;
    match store.fault() {
        StandingIgnoresBegunUnder => asked.begun_under = None,
        StandingIgnoresKey => asked.key = None,
        StandingIgnoresLogin => asked.login = None,
        StandingIgnoresSession => asked.session = None,
        StandingIgnoresToken => asked.token = None,
        EpochIsInclusive => {
            asked.subject = asked.subject.map(|(subject, epoch)| (subject, epoch + 1));
            asked.begun_under = asked.begun_under.map(|epoch| epoch + 1);
        }
        _ => {}
    }
    let now = store.clock.now();
    let time = match store.fault() {
        HonoursNoMargin => now.after(LogEntry::MARGIN),
        HonoursLonger => store.a_moment_ago(),
        _ => now,
    };
    let answer = store.at(time, store.memory.standing(realm, &asked)).await?;
    let without = Ids { login: None, ..ids };
    let alone = store.memory.standing(realm, &without).await?.value;
    Ok(answer.map(|standing| match (store.fault(), standing) {
        (StandingIgnoresSpared, _) if alone == Standing::Gone => Standing::Gone,
        (OutdatedIsGone, Standing::Outdated) => Standing::Gone,
        (OutdatedIsGood, Standing::Outdated) => Standing::Good,
        (_, standing) => standing,
    }))
}

pub(crate) async fn write_back(store: &Broken, realm: &Realm, entries: &[LogEntry]) -> Answer<()> {
    let mut entries = entries.to_vec();
    for entry in &mut entries {
        match (store.fault(), &mut entry.revoked) {
            (NewMarks, _) => entry.mark = Mark::random().unwrap(),
            (ThresholdsFall, Revoked::ClaimsChanged { below, .. }) => {
                *store.written.lock().unwrap() = Some(*below);
            }
            (WriteBackSparesNone, Revoked::AllEnded { spared, .. }) => *spared = None,
            _ => {}
        }
    }
    if store.has(WriteBackDoesNothing) {
        entries.clear();
    }
    store.memory.write_back(realm, &entries).await
}

pub(crate) async fn save_document(
    store: &Broken,
    realm: &Realm,
    name: &str,
    expected: u64,
    bytes: &[u8],
) -> Answer<bool> {
    let read = async || {
        let stored = store.memory.document(realm, name).await?.value;
        Ok::<_, StoreError>(stored.map_or(0, |document| document.version))
    };
    let (mut expected, mut bytes) = (expected, bytes);
    match store.fault() {
        WritesBlindly => expected = read().await?,
        DocumentNotAtomic if read().await? == expected => {
            dawdle().await;
            expected = read().await?;
        }
        TruncatesDocuments => bytes = bytes.get(..64 * 1024).unwrap_or(bytes),
        _ => {}
    }
    store.memory.save_document(realm, name, expected, bytes).await
}
