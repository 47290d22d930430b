//! Implements [`FamilyStore`].

use std::time::Duration;

use async_trait::async_trait;

use super::RedisStore;
use super::arguments::Arguments;
use super::logins::BATCH;
use super::run::{all_partitions, known};
use crate::id::{LoginId, Position};
use crate::store::{
    Family, FamilyStore, GraceStart, LiveLogin, Partition, Realm, Rotated, Rotation, StoreError, Timed,
};

#[async_trait]
impl FamilyStore for RedisStore {
    async fn rotate(&self, realm: &Realm, rotation: &Rotation) -> Result<Timed<Rotated>, StoreError> {
        let Some(partition) = known(Partition::of_login(rotation.login)) else {
            return Ok(Timed::new(Rotated::NotLive, self.only_time(realm).await?));
        };
        let arguments = Arguments::new()
            .login(rotation.login)
            .number(rotation.presented.generation)
            .number(rotation.presented.branch)
            .bytes(rotation.secret.as_bytes())
            .bytes(rotation.successor.as_bytes())
            .bytes(&rotation.nonce)
            .duration(rotation.grace)
            .duration(rotation.idle)
            .duration(rotation.retention);
        let reply = self.run(&self.shared.scripts.rotate, realm, partition, &arguments).await?;
        let rotated = match &*reply.text(1)? {
            "rotated" => Rotated::Rotated(reply.live_login(2, rotation.login)?),
            "live" => Rotated::Unchanged(reply.live_login(2, rotation.login)?),
            _ => Rotated::NotLive,
        };
        reply.timed(rotated)
    }

    async fn replace_family(
        &self,
        realm: &Realm,
        id: LoginId,
        expected: &Family,
        new: &Family,
        grace: GraceStart,
        retention: Duration,
    ) -> Result<Timed<Option<LiveLogin>>, StoreError> {
        let Some(partition) = known(Partition::of_login(id)) else {
            return Ok(Timed::new(None, self.only_time(realm).await?));
        };
        let start = Arguments::new().login(id).duration(retention).number(u8::from(grace == GraceStart::Now));
        let fields = fields(expected).into_iter().zip(fields(new));
        let arguments = fields.fold(start, |arguments, ((name, expected), (_, new))| {
            arguments.text(name).bytes(&expected).bytes(&new)
        });
        let reply = self.run(&self.shared.scripts.replace_family, realm, partition, &arguments).await?;
        let replaced = (reply.text(1)? == "live").then(|| reply.live_login(2, id)).transpose()?;
        reply.timed(replaced)
    }

    async fn confirm(&self, realm: &Realm, used: &[(LoginId, Position)]) -> Result<Timed<()>, StoreError> {
        let mut now = None;
        for partition in all_partitions() {
            let here: Vec<_> =
                used.iter().filter(|(login, _)| Partition::of_login(*login) == partition).collect();
            for batch in here.chunks(BATCH) {
                let arguments = batch.iter().fold(Arguments::new(), |arguments, (login, position)| {
                    arguments.login(*login).number(position.generation).number(position.branch)
                });
                now =
                    Some(self.run(&self.shared.scripts.confirm, realm, partition, &arguments).await?.now()?);
            }
        }
        self.time_or(realm, now).await
    }
}

/// The fields of a family by their names; what is absent is empty.
fn fields(family: &Family) -> [(&'static str, Vec<u8>); 10] {
    let text = |number: i64| number.to_string().into_bytes();
    [
        ("generation", text(family.position.generation.into())),
        ("branch", text(family.position.branch.into())),
        ("previous_branch", family.previous_branch.map(|branch| text(branch.into())).unwrap_or_default()),
        ("current", family.current.as_bytes().to_vec()),
        ("previous", family.previous.map(|secret| secret.as_bytes().to_vec()).unwrap_or_default()),
        ("nonce", family.nonce.to_vec()),
        ("rotated_at", text(family.rotated_at.millis())),
        ("confirmed", text(family.confirmed.into())),
        ("shared", text(family.shared.into())),
        ("counted", text(family.counted.into())),
    ]
}
