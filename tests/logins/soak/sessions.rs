//! What a session holds, and its ids: no data of one user comes to another.

use http::{Method, StatusCode};

use super::model::Cookie;
use super::world::Soak;

impl Soak {
    fn with_session(&mut self) -> Option<(usize, usize, String)> {
        let (person, login) = self.any_login(|login| !login.cookies.is_empty())?;
        let cookie = self.people[person].logins[login].cookie()?.to_owned();
        Some((person, login, cookie))
    }

    pub(super) async fn fill_a_cart(&mut self, at: usize) {
        let Some((person, login, cookie)) = self.with_session() else { return };
        self.counter += 1;
        let item = format!("{}-{}", self.people[person].name, self.counter);
        self.say(format!("{item} goes into a cart on node {at}"));
        let answer = self.node(at).browser(Method::POST, &format!("/cart/{item}"), &cookie).await;
        assert_eq!((answer.status, answer.set_cookies().len()), (StatusCode::NO_CONTENT, 0), "{answer:?}");
        self.people[person].logins[login].cart = Some(item);
    }

    /// Every session holds its own.
    pub(super) async fn look_into_all_carts(&mut self, at: usize) {
        self.say(format!("the carts are read on node {at}"));
        for person in &self.people {
            for login in &person.logins {
                for (index, cookie) in login.cookies.iter().enumerate() {
                    let answer = self.places[at].node.get_by_cookie("/cart", &cookie.pair).await;
                    let own = login.cart.as_deref().unwrap_or("empty");
                    let is_over = login.end.is_some() || index + 1 < login.cookies.len();
                    match is_over {
                        // The data are in the store alone, where they ended at once.
                        true => answer.assert_ok("empty", "of a session that ended"),
                        false if login.may_be_over => {
                            assert!([own, "empty"].contains(&&*answer.body), "{own}: {answer:?}");
                        }
                        false => answer.assert_ok(own, "of a session"),
                    }
                }
            }
        }
    }

    pub(super) async fn change_an_id(&mut self, at: usize) {
        let Some((person, login, cookie)) = self.with_session() else { return };
        self.say(format!("{}'s {login} gets a new id on node {at}", self.people[person].name));
        let answer = self.node(at).browser(Method::POST, "/new-id", &cookie).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
        let new = answer.cookie();
        assert_ne!(new, cookie);
        let fact = self.fact(at);
        let cookies = &mut self.people[person].logins[login].cookies;
        cookies.last_mut().unwrap().dead = Some(fact);
        cookies.push(Cookie { pair: new, dead: None });
        if cookies.len() > 3 {
            cookies.remove(0);
        }
    }

    /// Somebody uses a credential.
    pub(super) async fn use_one(&mut self, at: usize) {
        let Some((person, login)) = self.any_login(|_| true) else { return };
        let Some(by) = self.credential(person, login, at).await else { return };
        let name = self.people[person].name.clone();
        self.say(format!("{name}'s {login} is used on node {at}"));
        let answer = self.node(at).send(by.call(Method::GET, "/me")).await;
        let scheme = if matches!(by, super::ending::By::Token(_)) { "jwt" } else { "session" };
        answer.assert_text(&format!("{name}, by {scheme}"));
        let now = self.store_time();
        self.people[person].logins[login].may_be_used(now);
    }
}
