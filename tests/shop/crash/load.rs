//! Clients that keep the shop busy, and remember what it answered.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use auth_tests::program::{Call, Remote, Shop, password};
use auth_tests::{Answer, Tokens, within};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// How many clients of each kind there are.
const EACH: usize = 4;
const USERS: [&str; EACH] = ["alice", "bob", "carol", "root"];

/// What the clients know.
#[derive(Default)]
pub(crate) struct Load {
    /// Logins that refresh again and again: the last token each got.
    refreshing: Vec<Tokens>,
    /// Logins whose end was answered: an access token or a cookie, and a refresh token for the former.
    ended: Vec<Ended>,
    /// Orders that were answered.
    orders: BTreeMap<i64, Value>,
    /// Refreshes that got no answer.
    lost: usize,
    stolen: usize,
}

enum Ended {
    Session(String),
    Tokens(Tokens),
}

impl Load {
    /// How many logins were ended because a token came back.
    pub(crate) fn stolen(&self) -> usize {
        self.stolen
    }

    /// The logins without a theft.
    pub(crate) fn honest(&self) -> Vec<String> {
        self.refreshing.iter().map(Tokens::login).collect()
    }

    /// Whether the shop still knows all that it answered.
    pub(crate) async fn check(&mut self, shop: &Shop) {
        for tokens in &mut self.refreshing {
            let answer = shop.refresh(&tokens.refresh).send().await;
            assert_eq!(answer.status, 200, "a client lost its login: {answer:?}");
            *tokens = Tokens::of(&answer);
            let me = shop.get("/api/me").bearer(&tokens.access).send().await;
            assert_eq!(me.status, 200, "{me:?}");
        }
        for ended in &self.ended {
            match ended {
                Ended::Session(cookie) => {
                    let me = shop.get("/api/me").cookie(cookie).send().await;
                    assert_eq!(me.status, 401, "an ended session came back: {me:?}");
                }
                Ended::Tokens(tokens) => {
                    let me = shop.get("/api/me").bearer(&tokens.access).send().await;
                    assert_eq!(me.status, 401, "an ended login came back: {me:?}");
                    shop.refresh(&tokens.refresh).send().await.assert_invalid_grant();
                }
            }
        }
        let root = shop.tokens("root").await;
        let all = shop.get("/api/orders").bearer(&root.access).send().await.json();
        let all: BTreeMap<i64, &Value> =
            all.as_array().unwrap().iter().map(|order| (order["id"].as_i64().unwrap(), order)).collect();
        for (id, order) in &self.orders {
            assert_eq!(all.get(id), Some(&order), "an order is not what was answered");
        }
    }

    /// Starts the clients. They go on where they were, and stop when the shop does.
    pub(crate) async fn run(mut self, shop: &Shop) -> Running {
        while self.refreshing.len() < EACH {
            let user = USERS[self.refreshing.len()];
            self.refreshing.push(shop.tokens(user).await);
        }
        let answered = Arc::new(AtomicUsize::new(0));
        let mut clients = JoinSet::new();
        for (number, tokens) in std::mem::take(&mut self.refreshing).into_iter().enumerate() {
            clients.spawn(refresh(Client::new(shop, &answered), tokens, number));
        }
        for user in USERS {
            let access = shop.tokens(user).await.access;
            clients.spawn(order(Client::new(shop, &answered), access));
            clients.spawn(come_and_go(Client::new(shop, &answered), user));
        }
        Running { known: self, clients, answered }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (orders, ended) = (self.orders.len(), self.ended.len());
        write!(
            f,
            "{orders} orders, {ended} ended logins ({} stolen), {} refreshes without an answer",
            self.stolen, self.lost
        )
    }
}

/// Clients at work.
pub(crate) struct Running {
    known: Load,
    clients: JoinSet<Load>,
    answered: Arc<AtomicUsize>,
}

impl Running {
    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// Waits until all clients have noticed that the shop is gone.
    pub(crate) async fn stop(mut self) -> Load {
        for learnt in within("all clients notice that the shop is gone", self.clients.join_all()).await {
            self.known.refreshing.extend(learnt.refreshing);
            self.known.ended.extend(learnt.ended);
            self.known.orders.extend(learnt.orders);
            self.known.lost += learnt.lost;
            self.known.stolen += learnt.stolen;
        }
        self.known
    }
}

/// One of them, on its own connections.
struct Client {
    shop: Remote,
    answered: Arc<AtomicUsize>,
}

impl Client {
    fn new(shop: &Shop, answered: &Arc<AtomicUsize>) -> Self {
        Self { shop: shop.remote(), answered: answered.clone() }
    }

    /// `None` when the shop is gone, half an answer included.
    async fn send(&self, call: Call) -> Option<Answer> {
        let answer = call.try_send().await.ok()?;
        self.answered.fetch_add(1, Ordering::Relaxed);
        Some(answer)
    }
}

/// Refreshes without end; every other client uses each new access token first.
async fn refresh(client: Client, mut tokens: Tokens, number: usize) -> Load {
    let mut known = Load::default();
    loop {
        match client.send(client.shop.refresh(&tokens.refresh)).await {
            Some(answer) => tokens = Tokens::of(&answer),
            None => {
                known.lost = 1;
                break;
            }
        }
        if number.is_multiple_of(2) {
            match client.send(client.shop.get("/api/me").bearer(&tokens.access)).await {
                Some(me) => assert_eq!(me.status, 200, "{me:?}"),
                None => break,
            }
        }
    }
    known.refreshing.push(tokens);
    known
}

/// Places orders without end.
async fn order(client: Client, access: String) -> Load {
    let mut known = Load::default();
    for number in 0.. {
        let body = json!({ "item": format!("thing {number}"), "quantity": 1 + number % 99 });
        let Some(answer) = client.send(client.shop.post("/api/orders").bearer(&access).json(&body)).await
        else {
            break;
        };
        assert_eq!(answer.status, 201, "{answer:?}");
        let order = answer.json();
        assert_eq!((&order["item"], &order["quantity"]), (&body["item"], &body["quantity"]));
        known.orders.insert(order["id"].as_i64().unwrap(), order);
    }
    known
}

/// Signs in and out again without end: with a token, with a session, and with a token that then comes back stolen.
async fn come_and_go(client: Client, user: &'static str) -> Load {
    let mut known = Load::default();
    while let Some(()) = once(&client, user, &mut known).await {}
    known
}

async fn once(client: &Client, user: &str, known: &mut Load) -> Option<()> {
    let shop = &client.shop;
    let body = json!({ "username": user, "password": password(user) });
    let tokens = Tokens::of(&client.send(shop.post("/api/login").json(&body)).await?);
    client.send(shop.post("/auth/logout").bearer(&tokens.access)).await?.assert_empty(204);
    known.ended.push(Ended::Tokens(tokens));

    let form = [("username", user), ("password", password(user))];
    let cookie = client.send(shop.post("/login").same_origin().form(&form)).await?.session_cookie();
    client.send(shop.post("/logout").same_origin().cookie(&cookie)).await?.assert_redirect("/");
    known.ended.push(Ended::Session(cookie));

    let first = Tokens::of(&client.send(shop.post("/api/login").json(&body)).await?);
    let second = Tokens::of(&client.send(shop.refresh(&first.refresh)).await?);
    let third = Tokens::of(&client.send(shop.refresh(&second.refresh)).await?);
    client.send(shop.refresh(&first.refresh)).await?.assert_invalid_grant();
    known.stolen += 1;
    known.ended.push(Ended::Tokens(third));
    Some(())
}
