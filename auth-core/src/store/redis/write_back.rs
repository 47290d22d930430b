//! Writing back entries that nodes know and the log lacks.

use super::RedisStore;
use super::arguments::Arguments;
use super::cursor::expiry_text;
use super::logins::BATCH;
use super::run::{all_partitions, partitions};
use crate::store::hex::hex;
use crate::store::{LogEntry, Realm, Revoked, StoreError, Timed};

impl RedisStore {
    pub(super) async fn write_entries_back(
        &self,
        realm: &Realm,
        entries: &[LogEntry],
    ) -> Result<Timed<()>, StoreError> {
        let mut now = None;
        for partition in all_partitions() {
            let here: Vec<_> =
                entries.iter().filter(|entry| entry.revoked.partition(partitions()) == partition).collect();
            for batch in here.chunks(BATCH) {
                let arguments =
                    batch.iter().fold(Arguments::new(), |arguments, entry| with(arguments, entry));
                let reply = self.run(&self.shared.scripts.write_back, realm, partition, &arguments).await?;
                now = Some(reply.now()?);
            }
        }
        let floors =
            entries.iter().map(|entry| if let Revoked::Floor(floor) = entry.revoked { floor } else { 0 });
        if let Some(floor) = floors.max().filter(|floor| *floor > 0) {
            self.shared.raise_floor(realm, floor).await?;
        }
        self.time_or(realm, now).await
    }
}

/// Adds mark, expiry, kind, item, login and number.
fn with(arguments: Arguments, entry: &LogEntry) -> Arguments {
    let none = String::new;
    let (kind, item, login, number) = match &entry.revoked {
        Revoked::Login(id, reason) => ("login", none(), hex(id.as_bytes()), reason.code().into()),
        Revoked::AllEnded { subject, below, spared } => {
            let spared = spared.map(|id| hex(id.as_bytes())).unwrap_or_default();
            ("all_ended", subject.as_str().to_owned(), spared, *below)
        }
        Revoked::ClaimsChanged { subject, below } => {
            ("claims_changed", subject.as_str().to_owned(), none(), *below)
        }
        Revoked::Session(key) => ("session", hex(key.hash.as_bytes()), none(), 0),
        Revoked::Token(_, token) => ("token", hex(token.as_bytes()), none(), 0),
        Revoked::Key(key) => ("key", key.as_str().to_owned(), none(), 0),
        Revoked::Floor(floor) => ("floor", none(), none(), *floor),
        // The script ignores it.
        Revoked::Unknown => ("unknown", none(), none(), 0),
    };
    arguments
        .mark(entry.mark)
        .text(&expiry_text(entry.expires_at))
        .text(kind)
        .text(&item)
        .text(&login)
        .epoch(number)
}
