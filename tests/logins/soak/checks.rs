//! The promises, looked up with requests that are no uses.

use auth_core::login::RefreshError;
use http::StatusCode;

use super::model::{Expected, Seen};
use super::world::Soak;

/// One credential in the model: whose, of which login, and the text.
#[derive(Clone, Debug)]
struct Presented {
    person: usize,
    login: usize,
    credential: Credential,
}

#[derive(Clone, Debug)]
enum Credential {
    Token(usize),
    Cookie(usize),
}

impl Soak {
    /// After every step: the lists of all users, some credentials on some nodes, and from time to time everything.
    pub(super) async fn check(&mut self, tally: &mut super::Tally) {
        self.hear();
        for person in 0..self.people.len() {
            self.check_list(person).await;
        }
        let all = self.presentable();
        match self.random.one_in(12) {
            true => {
                for presented in &all {
                    for at in 0..self.places.len() {
                        self.check_one(presented, at, tally).await;
                    }
                }
                self.check_refused_refreshes(tally).await;
            }
            false => {
                // Those that were made or ended last come last.
                for back in 0..8.min(all.len()) {
                    let at = self.any_place();
                    self.check_one(&all[all.len() - 1 - back], at, tally).await;
                }
                for _ in 0..6 {
                    let at = self.any_place();
                    if let Some(index) = self.random.index(all.len()) {
                        self.check_one(&all[index], at, tally).await;
                    }
                }
            }
        }
        self.hear();
    }

    /// The limit is exact, what ended is not listed, and what did not is.
    async fn check_list(&self, person: usize) {
        let listed = self.listed(person).await;
        let logins = &self.people[person].logins;
        let name = &self.people[person].name;
        assert!(listed.len() <= super::model::MOST, "{name} has too many logins: {listed:?}");
        for id in &listed {
            let known = logins.iter().find(|login| login.id == *id);
            let known = known.unwrap_or_else(|| panic!("nobody signed {name} in as {id}"));
            assert!(known.end.is_none(), "{name}'s {id} ended, and is listed");
        }
        for login in logins.iter().filter(|login| login.is_live()) {
            assert!(listed.contains(&login.id), "{name}'s {} was signed out", login.id);
        }
    }

    fn presentable(&self) -> Vec<Presented> {
        let mut all = Vec::new();
        for (person, of) in self.people.iter().enumerate() {
            for (login, of) in of.logins.iter().enumerate() {
                let tokens = (0..of.tokens.len()).map(Credential::Token);
                let cookies = (0..of.cookies.len()).map(Credential::Cookie);
                let presented = |credential| Presented { person, login, credential };
                all.extend(tokens.chain(cookies).map(presented));
            }
        }
        let newest = |presented: &Presented| self.people[presented.person].logins[presented.login].touched;
        all.sort_by_key(newest);
        all
    }

    async fn check_one(&mut self, presented: &Presented, at: usize, tally: &mut super::Tally) {
        let seen = self.probe(presented, at).await;
        let expected = self.expected(presented, at);
        let Presented { person, login, .. } = *presented;
        assert!(
            expected.allows(seen),
            "{seen:?} instead of {expected:?} on node {at} for {presented:?}: {:#?}, changes {:?}, {:?}",
            self.people[person].logins[login],
            self.people[person].changes,
            self.moment(at),
        );
        tally.saw(seen);
        let now = self.store_time();
        if seen.is_accepted() {
            self.people[person].logins[login].may_be_used(now);
        }
    }

    fn expected(&self, presented: &Presented, at: usize) -> Expected {
        let person = &self.people[presented.person];
        let (login, moment) = (&person.logins[presented.login], self.moment(at));
        match presented.credential {
            Credential::Token(token) => person.expect_token(login, &login.tokens[token], &moment),
            Credential::Cookie(cookie) => person.expect_cookie(login, &login.cookies[cookie], &moment),
        }
    }

    /// Only administrators may use the route: for others it is no use of the login.
    async fn probe(&self, presented: &Presented, at: usize) -> Seen {
        let (person, node) = (&self.people[presented.person], &self.places[at].node);
        let login = &person.logins[presented.login];
        let (answer, scheme) = match presented.credential {
            Credential::Token(token) => (node.get("/admin", &login.tokens[token].text).await, "jwt"),
            Credential::Cookie(cookie) => {
                (node.get_by_cookie("/admin", &login.cookies[cookie].pair).await, "session")
            }
        };
        match answer.status {
            StatusCode::OK => {
                answer.assert_text(&format!("{}, by {scheme}", person.name));
                Seen::Admin
            }
            StatusCode::FORBIDDEN => Seen::Customer,
            StatusCode::UNAUTHORIZED => Seen::Refused,
            StatusCode::SERVICE_UNAVAILABLE => Seen::Unavailable,
            _ => panic!("{answer:?}"),
        }
    }

    /// No refresh token of a login that ended is accepted again, wherever: the store decides.
    async fn check_refused_refreshes(&mut self, tally: &mut super::Tally) {
        for person in &self.people {
            for login in person.logins.iter().filter(|login| login.end.is_some()) {
                let Some(held) = &login.held else { continue };
                for (at, place) in self.places.iter().enumerate() {
                    let answer = place.node.refresh(held).await;
                    match (place.down_since, &answer) {
                        (_, Err(RefreshError::InvalidGrant)) => tally.saw(Seen::Refused),
                        (Some(_), Err(RefreshError::Unavailable(_))) => tally.saw(Seen::Unavailable),
                        _ => panic!("{}'s ended {} on node {at}: {answer:?}", person.name, login.id),
                    }
                }
            }
        }
    }
}
