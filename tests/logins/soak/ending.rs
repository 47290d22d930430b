//! Ends of every kind, changes of claims, and what must not end by them.

use auth_core::login::LoginError;
use auth_core::web::LoginAttempt;
use auth_tests::shop::assert_refused;
use auth_tests::{Call, Fault, Gate, Op, eventually, in_time, joined, subject, token_id_of};
use http::{Method, StatusCode};

use super::model::{Fact, Login};
use super::world::{Soak, user};

/// With what a request of a login is made.
#[derive(Clone, Debug)]
pub(super) enum By {
    Token(String),
    Cookie(String),
}

impl By {
    pub(super) fn call(&self, method: Method, path: &str) -> Call {
        match self {
            Self::Token(token) => Call::new(method, path).bearer(token),
            Self::Cookie(cookie) => Call::from_page(method, path, cookie),
        }
    }
}

impl Soak {
    /// A credential of that login that works now: a session cookie, or an access token, refreshed if need be.
    pub(super) async fn credential(&mut self, person: usize, login: usize, at: usize) -> Option<By> {
        let of = &self.people[person].logins[login];
        if let Some(cookie) = of.cookie() {
            return self.is_source_up.then(|| By::Cookie(cookie.to_owned()));
        }
        of.held.as_ref()?;
        let tokens = self.refresh_well(person, login, at).await?;
        Some(By::Token(tokens.access_token().to_owned()))
    }

    fn ended(&mut self, person: usize, at: usize, which: impl Fn(&Login) -> bool) {
        self.counter += 1;
        let (fact, counter) = (self.fact(at), self.counter);
        let live = self.people[person].logins.iter_mut().filter(|login| login.end.is_none());
        for login in live.filter(|login| which(login)) {
            (login.end, login.touched) = (Some(fact.clone()), counter);
        }
    }

    /// A request that ends something, repeated until it is answered with 204 (or 401: it has ended).
    async fn insist(&mut self, at: usize, by: &By, method: Method, path: &str, ops: &[Op]) -> StatusCode {
        let broken = self.random.one_in(5).then(|| self.break_one(at, ops));
        let node = self.node(at);
        let answer = node.send(by.call(method.clone(), path)).await;
        broken.into_iter().for_each(|op| self.heal(at, op));
        match (answer.status, broken) {
            (StatusCode::NO_CONTENT, _) => answer.status,
            (StatusCode::SERVICE_UNAVAILABLE, Some(_)) => {
                let again = node.send(by.call(method, path)).await;
                let is_over = [StatusCode::NO_CONTENT, StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND];
                assert!(is_over.contains(&again.status), "{again:?}");
                again.status
            }
            _ => panic!("{answer:?}"),
        }
    }

    pub(super) async fn sign_out(&mut self, at: usize) {
        let Some((person, login)) = self.any_login(|_| true) else { return };
        let Some(by) = self.credential(person, login, at).await else { return };
        self.say(format!("{}'s {login} signs out on node {at}", self.people[person].name));
        self.insist(at, &by, Method::POST, "/auth/logout", &[Op::End]).await;
        let id = self.people[person].logins[login].id;
        self.ended(person, at, |login| login.id == id);
        if let By::Cookie(cookie) = by {
            self.node(at).get_by_cookie("/cart", &cookie).await.assert_text("empty");
        }
    }

    /// One device ends another one, or tries to end one of another person.
    pub(super) async fn end_another(&mut self, at: usize) {
        let (Some((person, login)), Some((other, ending))) =
            (self.any_login(|_| true), self.any_login(|_| true))
        else {
            return;
        };
        let Some(by) = self.credential(person, login, at).await else { return };
        let id = self.people[other].logins[ending].id;
        let name = self.people[person].name.clone();
        self.say(format!("{name}'s {login} ends {ending} of {other} on node {at}"));
        let path = format!("/auth/logins/{id}");
        if person != other {
            return self.node(at).send(by.call(Method::DELETE, &path)).await.assert_not_found();
        }
        let answer = self.insist(at, &by, Method::DELETE, &path, &[Op::End]).await;
        self.ended(person, at, |login| login.id == id);
        if answer == StatusCode::NOT_FOUND {
            // It ended with the lost answer, of which this node knows nothing.
            self.people[person].logins[ending].end = Some(Fact::new(self.now, []));
        }
    }

    pub(super) async fn end_the_others(&mut self, at: usize) {
        let Some((person, login)) = self.any_login(|_| true) else { return };
        let Some(by) = self.credential(person, login, at).await else { return };
        self.say(format!("{}'s {login} ends the others on node {at}", self.people[person].name));
        // As in an application where the password is changed: a sign-in with the old one is under way.
        let (node, name) = (self.node(at), subject(&self.people[person].name));
        let ticket = in_time(node.auth.begin(&name)).await.unwrap();
        let user = self.claims(person);
        self.insist(at, &by, Method::DELETE, "/auth/logins", &[Op::EndAll]).await;
        let id = self.people[person].logins[login].id;
        self.ended(person, at, |login| login.id != id);
        let late = in_time(node.auth.login_tokens_with(&ticket, LoginAttempt::unknown(), user)).await;
        let is_refused = match late {
            Err(LoginError::Changed) => true,
            Err(LoginError::Source(_)) => !self.is_source_up,
            _ => false,
        };
        assert!(is_refused, "{late:?}");
    }

    pub(super) async fn end_all_of(&mut self, person: usize, at: usize) {
        let (node, name) = (self.node(at), subject(&self.people[person].name));
        let broken = self.random.one_in(5).then(|| self.break_one(at, &[Op::EndAll]));
        let first = in_time(node.auth.end_all_logins(&name)).await;
        broken.into_iter().for_each(|op| self.heal(at, op));
        if let Err(error) = first {
            assert!(broken.is_some(), "{error:?}");
            in_time(node.auth.end_all_logins(&name)).await.unwrap();
        }
        self.ended(person, at, |_| true);
    }

    pub(super) async fn end_all(&mut self, at: usize) {
        let person = self.any_person();
        self.say(format!("everything of {} ends on node {at}", self.people[person].name));
        self.end_all_of(person, at).await;
    }

    /// Ends that login from elsewhere.
    pub(super) async fn end_one_of(&mut self, person: usize, login: usize, at: usize) {
        let (id, name) = (self.people[person].logins[login].id, subject(&self.people[person].name));
        assert!(in_time(self.node(at).auth.end_login(&name, id)).await.unwrap());
        self.ended(person, at, |login| login.id == id);
    }

    /// A person signs out, the client disconnects, and the store is slow: the login ends nevertheless.
    pub(super) async fn sign_out_and_go(&mut self, at: usize) {
        let Some((person, login)) = self.any_login(|_| true) else { return };
        let Some(by) = self.credential(person, login, at).await else { return };
        self.say(format!("{}'s {login} signs out on node {at} and goes", self.people[person].name));
        let (node, gate) = (self.node(at), Gate::closed());
        let stop = if self.random.one_in(2) { Fault::StopBefore } else { Fault::StopAfter };
        node.store.next(Op::End, stop(gate.clone()));
        let leaving = tokio::spawn(node.send(by.call(Method::POST, "/auth/logout")));
        gate.reached().await;
        leaving.abort();
        gate.open();
        eventually("the end of a login", async || {
            let call = by.call(Method::GET, "/me");
            (node.send(call).await.status == StatusCode::UNAUTHORIZED).then_some(())
        })
        .await;
        let id = self.people[person].logins[login].id;
        self.ended(person, at, |login| login.id == id);
    }

    /// One access token is revoked; its login goes on.
    pub(super) async fn revoke_one_token(&mut self, at: usize) {
        let Some((person, login)) = self.any_login(|login| !login.tokens.is_empty()) else { return };
        let (name, fact) = (self.people[person].name.clone(), self.fact(at));
        self.say(format!("a token of {name}'s {login} is revoked on node {at}"));
        let token = self.people[person].logins[login].tokens.last_mut().unwrap();
        let id = token_id_of(&token.text);
        token.revoked.get_or_insert(fact).tell(at);
        in_time(self.node(at).auth.revoke_token(&subject(&name), id)).await.unwrap();
    }

    /// A person becomes an administrator, or stops being one.
    pub(super) async fn change_claims(&mut self, at: usize) {
        let person = self.any_person();
        let name = self.people[person].name.clone();
        self.say(format!("{name}'s claims change on node {at}"));
        let is_admin = self.directory.is_some() && !self.people[person].is_admin();
        if let Some(directory) = &self.directory {
            directory.put(user(&name, is_admin));
        }
        let broken = self.random.one_in(4).then(|| self.break_one(at, &[Op::ClaimsChanged, Op::EndAll]));
        let (node, of) = (self.node(at), subject(&name));
        let first = in_time(node.auth.claims_changed(&of)).await;
        broken.into_iter().for_each(|op| self.heal(at, op));
        if let Err(error) = first {
            assert!(broken.is_some(), "{error:?}");
            in_time(node.auth.claims_changed(&of)).await.unwrap();
        }
        self.changed(person, at, is_admin);
        if self.directory.is_none() {
            // Nobody knows the new claims.
            self.ended(person, at, |_| true);
        }
    }

    fn changed(&mut self, person: usize, at: usize, is_admin: bool) {
        let fact = self.fact(at);
        self.people[person].roles.push(is_admin);
        self.people[person].changes.push(fact);
    }

    /// A person is disabled, and refused on every node that knows of it; later the person is enabled again.
    pub(super) async fn disable(&mut self, at: usize) {
        let Some(directory) = self.directory.clone().filter(|_| self.is_source_up) else { return };
        let person = self.any_person();
        let (name, user) = (self.people[person].name.clone(), self.claims(person));
        self.say(format!("{name} is disabled on node {at}"));
        directory.remove(&name);
        let node = self.node(at);
        node.claims_changed(&name).await;
        let signing_in = in_time(node.auth.login_tokens(LoginAttempt::unknown(), user.clone())).await;
        assert!(matches!(signing_in, Err(LoginError::Gone)), "{signing_in:?}");
        for login in self.people[person].logins.iter().filter(|login| login.is_live()) {
            if let Some(cookie) = login.cookie() {
                node.get_by_cookie("/me", cookie).await.assert_invalid_session();
            } else if let Some(held) = &login.held {
                assert_refused(&node.refresh(held).await);
            }
        }
        directory.put(user);
        self.changed(person, at, self.people[person].is_admin());
        self.end_all_of(person, at).await;
    }

    /// A token of one user decides, whatever cookie comes with it.
    pub(super) async fn bearer_and_cookie_of_two(&mut self, at: usize) {
        let (Some((one, first)), Some((other, second))) =
            (self.any_login(|login| login.held.is_some()), self.any_login(|login| !login.cookies.is_empty()))
        else {
            return;
        };
        let Some(tokens) = self.refresh_well(one, first, at).await else { return };
        let cookie = self.people[other].logins[second].cookie().unwrap().to_owned();
        self.say(format!(
            "a token of {} comes with a cookie of {}",
            self.people[one].name, self.people[other].name
        ));
        let call = Call::from_page(Method::GET, "/me", &cookie).bearer(tokens.access_token());
        let answer = joined(tokio::spawn(self.node(at).send(call))).await;
        answer.assert_text(&format!("{}, by jwt", self.people[one].name));
    }
}
