//! Signing in, with sessions and with tokens: limits, browsers that were signed in before, sign-ins that are overtaken.

use auth_core::clock::Timestamp;
use auth_core::id::LoginId;
use auth_core::login::{LoginError, Tokens};
use auth_core::store::Limit;
use auth_core::web::LoginAttempt;
use auth_tests::{Fault, Gate, Op, claims_of, in_time, joined, subject};
use http::{Method, StatusCode};

use super::model::{Cookie, Fact, Login, MOST, SESSION_IDLE, TOKEN_IDLE, Token};
use super::world::Soak;

/// What the browser had before.
#[derive(Clone, Debug)]
enum Before {
    Nothing,
    Anonymous {
        cart: String,
    },
    /// A session of that person.
    Login {
        person: usize,
        login: usize,
    },
}

impl Soak {
    /// An access token of somebody, as it is issued now.
    pub(super) fn token_of(&self, person: usize, text: &str) -> Token {
        let claims = claims_of(text);
        let at = |name: &str| Timestamp::from_seconds(claims[name].as_i64().unwrap());
        let person = &self.people[person];
        Token {
            text: text.to_owned(),
            version: person.changes.len(),
            is_admin: person.is_admin(),
            issued_at: at("iat"),
            expires_at: at("exp"),
            revoked: None,
        }
    }

    /// A login of somebody began with these tokens.
    pub(super) fn began_with(&mut self, person: usize, id: LoginId, tokens: &Tokens) -> usize {
        let mut login = Login::new(id, TOKEN_IDLE, self.store_time());
        login.tokens.push(self.token_of(person, tokens.access_token()));
        login.held = tokens.refresh_token().map(str::to_owned);
        self.add(person, login)
    }

    fn add(&mut self, person: usize, mut login: Login) -> usize {
        self.counter += 1;
        login.touched = self.counter;
        self.people[person].logins.push(login);
        self.people[person].logins.len() - 1
    }

    pub(super) async fn sign_in_with_tokens(&mut self, at: usize) {
        let person = self.any_person();
        self.say(format!("{} signs in with tokens on node {at}", self.people[person].name));
        let before = self.listed(person).await;
        let broken = self.random.one_in(6).then(|| self.break_one(at, &[Op::Ticket, Op::Create]));
        let (node, user) = (self.node(at), self.claims(person));
        let answer = in_time(node.auth.login_tokens(LoginAttempt::unknown(), user)).await;
        broken.into_iter().for_each(|op| self.heal(at, op));
        let begun = self.hear();
        match answer {
            Ok(tokens) => {
                let [id] = begun[..] else { panic!("not one login began: {begun:?}") };
                self.evicted(person, at, &before, None, id).await;
                self.began_with(person, id, &tokens);
            }
            Err(error) => self.refused_sign_in(person, &error, broken, &before, None).await,
        }
    }

    pub(super) async fn sign_in_with_a_session(&mut self, at: usize) {
        let person = self.any_person();
        let (before, cookies) = self.browser(at).await;
        let name = self.people[person].name.clone();
        self.say(format!("{name} signs in with a session on node {at}, after {before:?}"));
        let listed = self.listed(person).await;
        let own = match before {
            Before::Login { person: of, login } if of == person => Some(self.people[of].logins[login].id),
            _ => None,
        };
        let ops = [Op::Ticket, Op::Create, Op::Session, Op::End, Op::DeleteSession];
        let broken = self.random.one_in(6).then(|| self.break_one(at, &ops));
        let answer = self.node(at).browser(Method::POST, &format!("/login/{name}"), &cookies).await;
        broken.into_iter().for_each(|op| self.heal(at, op));
        let begun = self.hear();
        if answer.status != StatusCode::NO_CONTENT {
            let error = match answer.status {
                StatusCode::CONFLICT => LoginError::LimitReached,
                StatusCode::SERVICE_UNAVAILABLE => LoginError::Changed,
                _ => panic!("{answer:?}"),
            };
            self.refused_sign_in(person, &error, broken, &listed, own).await;
            return self.browser_after(before, broken).await;
        }
        let [id] = begun[..] else { panic!("not one login began: {begun:?}") };
        self.evicted(person, at, &listed, own, id).await;
        let mut login = Login::new(id, SESSION_IDLE, self.store_time());
        login.cookies.push(Cookie { pair: answer.cookie(), dead: None });
        login.cart = match &before {
            Before::Nothing => None,
            Before::Anonymous { cart } => Some(cart.clone()),
            Before::Login { person: of, login } if *of == person => {
                self.people[*of].logins[*login].cart.clone()
            }
            // The data of another person in the same browser is not theirs.
            Before::Login { .. } => None,
        };
        self.add(person, login);
        if let Before::Login { person: of, login } = before
            && of != person
        {
            match broken {
                Some(_) => self.browser_after(before, broken).await,
                None => self.people[of].logins[login].end = Some(self.fact(at)),
            }
        }
    }

    /// What may have ended with a sign-in during which something went wrong.
    async fn browser_after(&mut self, before: Before, broken: Option<Op>) {
        if let (Some(_), Before::Login { person, login }) = (broken, before) {
            let id = self.people[person].logins[login].id;
            self.may_have_ended(person, |login| login.id == id).await;
        }
    }

    /// A browser, and its cookies.
    async fn browser(&mut self, at: usize) -> (Before, String) {
        let signed_in = self.any_login(|login| !login.cookies.is_empty());
        match (self.random.below(4), signed_in) {
            (0, _) => {
                self.counter += 1;
                let cart = format!("anonymous-{}", self.counter);
                let answer = self.node(at).browser(Method::POST, &format!("/cart/{cart}"), "").await;
                let cookie = answer.cookie();
                (Before::Anonymous { cart }, cookie)
            }
            (1 | 2, Some((person, login))) => {
                let cookie = self.people[person].logins[login].cookie().unwrap().to_owned();
                (Before::Login { person, login }, cookie)
            }
            _ => (Before::Nothing, String::new()),
        }
    }

    /// A sign-in succeeded: if the limit required it, the oldest login was evicted, and no other.
    async fn evicted(
        &mut self,
        person: usize,
        at: usize,
        before: &[LoginId],
        replaced: Option<LoginId>,
        new: LoginId,
    ) {
        let after = self.listed(person).await;
        let replaced = replaced.filter(|old| before.contains(old));
        let stay = before.len() - usize::from(replaced.is_some());
        assert_eq!(after.len(), MOST.min(stay + 1), "{before:?} {after:?}, {replaced:?}");
        assert!(after.contains(&new));
        if matches!(self.limit, Limit::Refuse(_)) {
            assert!(stay < MOST, "a login too many: {before:?}");
        }
        // Newest first: the last one goes.
        let mut gone: Vec<_> =
            before.iter().filter(|id| Some(**id) != replaced).copied().skip(MOST - 1).collect();
        gone.extend(replaced);
        for id in before {
            assert_eq!(!after.contains(id), gone.contains(id), "{before:?} {after:?}");
        }
        let fact = self.fact(at);
        let logins = self.people[person].logins.iter_mut();
        logins.filter(|login| gone.contains(&login.id)).for_each(|login| login.end = Some(fact.clone()));
    }

    /// A sign-in failed. With a broken store the login may exist, but no client has its credentials.
    async fn refused_sign_in(
        &mut self,
        person: usize,
        error: &LoginError,
        broken: Option<Op>,
        before: &[LoginId],
        replaced: Option<LoginId>,
    ) {
        let stay = before.iter().filter(|id| Some(**id) != replaced).count();
        let is_full = matches!(self.limit, Limit::Refuse(_)) && stay >= MOST;
        match error {
            LoginError::LimitReached => assert!(is_full, "refused with {before:?}"),
            LoginError::Source(_) => assert!(!self.is_source_up),
            _ => assert!(broken.is_some() || !self.is_source_up, "{error:?}"),
        }
        if broken.is_none() {
            return assert_eq!(self.listed(person).await, before);
        }
        self.may_have_ended(person, |_| true).await;
        for id in self.listed(person).await {
            if !self.people[person].logins.iter().any(|login| login.id == id) {
                let mut orphan = Login::new(id, TOKEN_IDLE, self.store_time());
                orphan.may_be_over = true;
                self.add(person, orphan);
            }
        }
    }

    /// It is unknown whether the store ended these: it says so itself, and no node need know.
    pub(super) async fn may_have_ended(&mut self, person: usize, may: impl Fn(&Login) -> bool) {
        let (listed, fact) = (self.listed(person).await, Fact::new(self.now, []));
        let live = self.people[person].logins.iter_mut().filter(|login| login.is_live());
        for login in live.filter(|login| !listed.contains(&login.id) && may(login)) {
            login.end = Some(fact.clone());
        }
    }

    /// A sign-in takes long, and meanwhile the password is changed, or everything ended: it does not come about.
    pub(super) async fn sign_in_too_late(&mut self, at: usize, elsewhere: usize) {
        let person = self.any_person();
        let name = self.people[person].name.clone();
        let user = self.claims(person);
        // Without the source there are no claims, and the sign-in does not come to the store.
        if self.random.one_in(2) || !self.is_source_up {
            self.say(format!("{name}'s sign-in on node {at} is overtaken on node {elsewhere}"));
            let ticket = in_time(self.node(at).auth.begin(&subject(&name))).await.unwrap();
            self.end_all_of(person, elsewhere).await;
            let late =
                in_time(self.node(at).auth.login_tokens_with(&ticket, LoginAttempt::unknown(), user)).await;
            let has_source = self.is_source_up;
            let is_refused = matches!(late, Err(LoginError::Changed))
                || (!has_source && matches!(late, Err(LoginError::Source(_))));
            assert!(is_refused, "{late:?}");
            return;
        }
        self.say(format!("{name}'s sign-in stalls on node {at}, overtaken on node {elsewhere}"));
        let (node, gate) = (self.node(at), Gate::closed());
        node.store.next(Op::Create, Fault::StopBefore(gate.clone()));
        let signing_in = {
            let node = node.clone();
            tokio::spawn(async move { node.auth.login_tokens(LoginAttempt::unknown(), user).await })
        };
        gate.reached().await;
        self.end_all_of(person, elsewhere).await;
        gate.open();
        let late = joined(signing_in).await;
        assert!(matches!(late, Err(LoginError::Changed)), "{late:?}");
    }
}
