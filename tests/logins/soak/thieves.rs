//! Copies of refresh tokens in other hands: whatever the order in which the owner and the thief come, the login ends.

use auth_tests::shop::{assert_refused, refresh_of};
use auth_tests::{GRACE, MILLISECOND, SECOND};

use super::model::Token;
use super::world::Soak;

impl Soak {
    /// A thief copies the token in an owner's storage. One of the two comes after the other, more than the grace later.
    pub(super) async fn steal(&mut self, at: usize, elsewhere: usize) {
        if !self.is_source_up {
            return;
        }
        let Some((person, login)) = self.any_login(|login| login.held.is_some()) else { return };
        let way = self.random.below(5);
        self.say(format!(
            "a thief has a token of {}'s {login}, way {way}, owner on node {at}, thief on node {elsewhere}",
            self.people[person].name
        ));
        self.pass_every_grace();
        let stolen = self.people[person].logins[login].held.clone().unwrap();
        let (caught, on) = match way {
            0 => (self.thief_comes_late(person, login, at, stolen).await, elsewhere),
            1 => (self.thief_comes_first(person, login, elsewhere, &stolen).await, at),
            2 => (self.thief_does_not_use_it(person, login, at, elsewhere, &stolen).await, elsewhere),
            3 => (self.thief_has_an_old_one(person, login, at, stolen).await, elsewhere),
            _ => (self.thief_comes_within_the_grace(person, login, at, elsewhere, stolen).await, elsewhere),
        };
        assert_refused(&self.node(on).refresh(&caught).await);
        self.thefts += 1;
        let fact = self.fact(on);
        self.people[person].logins[login].end = Some(fact);
        self.hear();
        let held = self.people[person].logins[login].held.clone().unwrap();
        assert_refused(&self.node(at).refresh(&held).await);
    }

    /// The owner refreshes and uses what it got.
    async fn owner_goes_on(&mut self, person: usize, login: usize, at: usize) {
        let tokens = self.refresh_well(person, login, at).await.unwrap();
        self.use_token(person, tokens.access_token(), at).await;
    }

    async fn thief_comes_late(&mut self, person: usize, login: usize, at: usize, stolen: String) -> String {
        self.owner_goes_on(person, login, at).await;
        self.pass(GRACE + MILLISECOND);
        stolen
    }

    /// The thief's access token belongs to the login and ends with it.
    async fn thief_comes_first(&mut self, person: usize, login: usize, thief: usize, stolen: &str) -> String {
        let tokens = self.node(thief).refresh(stolen).await.unwrap();
        self.use_token(person, tokens.access_token(), thief).await;
        let token: Token = self.token_of(person, tokens.access_token());
        self.people[person].logins[login].tokens.push(token);
        self.pass(GRACE + MILLISECOND);
        stolen.to_owned()
    }

    async fn thief_does_not_use_it(
        &mut self,
        person: usize,
        login: usize,
        at: usize,
        thief: usize,
        stolen: &str,
    ) -> String {
        let tokens = self.node(thief).refresh(stolen).await.unwrap();
        self.pass(GRACE + MILLISECOND);
        self.owner_goes_on(person, login, at).await;
        refresh_of(&tokens)
    }

    async fn thief_has_an_old_one(
        &mut self,
        person: usize,
        login: usize,
        at: usize,
        stolen: String,
    ) -> String {
        for _ in 0..2 {
            self.owner_goes_on(person, login, at).await;
            self.pass(GRACE + MILLISECOND);
        }
        self.owner_goes_on(person, login, at).await;
        stolen
    }

    /// Within the grace the thief gets what the owner got; the next generation tells.
    async fn thief_comes_within_the_grace(
        &mut self,
        person: usize,
        login: usize,
        at: usize,
        thief: usize,
        stolen: String,
    ) -> String {
        self.owner_goes_on(person, login, at).await;
        self.pass(SECOND);
        let same = self.node(thief).refresh(&stolen).await.unwrap();
        let held = self.people[person].logins[login].held.clone().unwrap();
        assert_eq!(refresh_of(&same), held);
        self.pass(GRACE + MILLISECOND);
        self.owner_goes_on(person, login, at).await;
        self.pass(GRACE + MILLISECOND);
        held
    }
}
