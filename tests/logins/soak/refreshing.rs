//! Refreshing: lost responses, several tabs, a store that fails during a step, and requests that are stalled or dropped.

use std::time::Duration;

use auth_core::login::{RefreshError, Tokens};
use auth_tests::shop::refresh_of;
use auth_tests::{Fault, GRACE, Gate, MILLISECOND, Op, SECOND, joined};

use super::world::Soak;

const OPS: [Op; 5] = [Op::Rotate, Op::ReplaceFamily, Op::SaveClaims, Op::Login, Op::Confirm];

impl Soak {
    fn with_tokens(&mut self) -> Option<(usize, usize, String)> {
        let (person, login) = self.any_login(|login| login.held.is_some())?;
        let held = self.people[person].logins[login].held.clone().unwrap();
        Some((person, login, held))
    }

    /// The client got the answer, whichever of its tabs asked.
    fn receive(&mut self, person: usize, login: usize, tokens: &Tokens) {
        let (token, now) = (self.token_of(person, tokens.access_token()), self.store_time());
        self.counter += 1;
        let counter = self.counter;
        let login = &mut self.people[person].logins[login];
        login.held = Some(refresh_of(tokens));
        login.tokens.push(token);
        if login.tokens.len() > 3 {
            login.tokens.remove(0);
        }
        login.refreshed(now);
        login.touched = counter;
    }

    /// One refresh whose answer arrives, on a node with which nothing is wrong.
    pub(super) async fn refresh_well(&mut self, person: usize, login: usize, at: usize) -> Option<Tokens> {
        let held = self.people[person].logins[login].held.clone().unwrap();
        let answer = self.node(at).refresh(&held).await;
        match answer {
            Ok(tokens) => {
                self.receive(person, login, &tokens);
                Some(tokens)
            }
            Err(RefreshError::Unavailable(_)) if !self.is_source_up => {
                let now = self.store_time();
                self.people[person].logins[login].may_be_used(now);
                None
            }
            Err(error) => panic!("an honest client is refused on node {at}: {error:?}"),
        }
    }

    /// An honest client refreshes; its response may get lost, and the store may fail.
    pub(super) async fn refresh(&mut self, at: usize) {
        let Some((person, login, held)) = self.with_tokens() else { return };
        let is_lost = self.random.one_in(3);
        let name = &self.people[person].name;
        self.say(format!("{name}'s {login} refreshes on node {at}, lost: {is_lost}"));
        let broken = self.random.one_in(5).then(|| self.break_one(at, &OPS));
        let answer = self.node(at).refresh(&held).await;
        broken.into_iter().for_each(|op| self.heal(at, op));
        let now = self.store_time();
        match answer {
            Ok(tokens) if !is_lost => self.receive(person, login, &tokens),
            Ok(_) => self.people[person].logins[login].may_be_used(now),
            Err(RefreshError::Unavailable(_)) => {
                let has_reason = broken.is_some() || !self.is_source_up || !self.is_up(at);
                assert!(has_reason, "node {at} is not available without a reason");
                self.people[person].logins[login].may_be_used(now);
            }
            Err(error) => panic!("an honest client is refused on node {at}: {error:?}"),
        }
    }

    /// Two tabs with one storage refresh at once, on any nodes.
    pub(super) async fn refresh_in_two_tabs(&mut self, at: usize, elsewhere: usize) {
        let Some((person, login, held)) = self.with_tokens() else { return };
        let name = &self.people[person].name;
        self.say(format!("{name}'s {login} refreshes in two tabs, on nodes {at} and {elsewhere}"));
        let answers = [self.node(at).refreshing(&held), self.node(elsewhere).refreshing(&held)];
        let mut handed_out = Vec::new();
        for answer in answers {
            match joined(answer).await {
                Ok(tokens) => handed_out.push(tokens),
                // Two requests that save changed claims: one is to ask again.
                Err(RefreshError::Unavailable(_)) => {}
                Err(error) => panic!("an honest client is refused: {error:?}"),
            }
        }
        if let [one, other] = &handed_out[..] {
            assert_eq!(refresh_of(one), refresh_of(other), "two tabs got two successors");
        }
        let now = self.store_time();
        self.people[person].logins[login].may_be_used(now);
        match self.random.index(handed_out.len()) {
            Some(_) if self.random.one_in(4) => {}
            Some(index) => self.receive(person, login, &handed_out[index]),
            None => drop(self.refresh_well(person, login, at).await),
        }
    }

    /// A tab sends the token that another tab has just replaced, within the grace: it gets the same successor.
    pub(super) async fn refresh_in_a_late_tab(&mut self, at: usize, elsewhere: usize) {
        let Some((person, login, held)) = self.with_tokens() else { return };
        let Some(tokens) = self.refresh_well(person, login, at).await else { return };
        let is_used = self.random.one_in(2);
        let wait = self.random.below(8) * SECOND.as_millis() as u64;
        let name = self.people[person].name.clone();
        self.say(format!(
            "{name}'s {login} in a late tab on node {elsewhere}, {wait} ms after node {at}; used: {is_used}"
        ));
        if is_used {
            self.use_token(person, tokens.access_token(), at).await;
        }
        self.pass(Duration::from_millis(wait));
        let answer = self.node(elsewhere).refresh(&held).await;
        let late = answer.unwrap_or_else(|error| panic!("an honest tab is refused: {error:?}"));
        if refresh_of(&tokens) != held {
            assert_eq!(refresh_of(&late), refresh_of(&tokens), "two tabs got two successors");
        }
        self.receive(person, login, &late);
    }

    /// A use, which is written down.
    pub(super) async fn use_token(&mut self, person: usize, access: &str, at: usize) {
        let node = self.node(at);
        node.get("/me", access).await.assert_text(&format!("{}, by jwt", self.people[person].name));
        node.flush().await;
    }

    /// A refresh stops at the store. Meanwhile the login ends, or the client disconnects, or the grace passes.
    pub(super) async fn refresh_that_stalls(&mut self, at: usize, elsewhere: usize) {
        let Some((person, login, held)) = self.with_tokens() else { return };
        let stop: fn(Gate) -> Fault =
            if self.random.one_in(2) { Fault::StopBefore } else { Fault::StopAfter };
        let meanwhile = self.random.below(3);
        let name = self.people[person].name.clone();
        self.say(format!(
            "{name}'s {login} refreshes on node {at} and stalls, {meanwhile} on node {elsewhere}"
        ));
        let (gate, refresh) = self.node(at).refreshing_up_to(Op::Rotate, stop, &held).await;
        match meanwhile {
            0 => {
                self.end_one_of(person, login, elsewhere).await;
                gate.open();
                match joined(refresh).await {
                    // Rotated before: the tokens that it got have ended.
                    Ok(tokens) => self.people[person].logins[login].held = Some(refresh_of(&tokens)),
                    Err(RefreshError::InvalidGrant | RefreshError::Unavailable(_)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
            1 => {
                refresh.abort();
                gate.open();
                // Two requests that save changed claims: one is to ask again.
                if let Err(RefreshError::InvalidGrant) = self.node(elsewhere).refresh(&held).await {
                    panic!("an honest client is refused after it went away");
                }
                drop(self.refresh_well(person, login, elsewhere).await);
            }
            _ => {
                let more = self.random.below(20) as u32 * SECOND;
                self.pass(GRACE + more + MILLISECOND);
                gate.open();
                match joined(refresh).await {
                    Ok(tokens) => self.receive(person, login, &tokens),
                    Err(RefreshError::Unavailable(_)) if !self.is_source_up => {}
                    Err(error) => panic!("an honest client is refused after a stall: {error:?}"),
                }
            }
        }
    }
}
