//! What happens around the requests: time, clocks that step, nodes that start, stores and sources that do not answer.

use std::time::Duration;

use auth_tests::{Fault, GRACE, LEEWAY, MILLISECOND, MINUTE, Op, SECOND, STALENESS, TTL};

use super::world::Soak;

impl Soak {
    pub(super) fn wait(&mut self) {
        let random = &mut self.random;
        let time = match random.below(24) {
            0..10 => Duration::from_millis(random.below(3000)),
            10..14 => GRACE - MILLISECOND + random.below(3) as u32 * MILLISECOND,
            14..18 => STALENESS + random.below(2) as u32 * MILLISECOND,
            18..21 => Duration::from_secs(random.below(120)),
            21 | 22 => TTL + random.below(10) as u32 * SECOND,
            _ if random.one_in(4) => Duration::from_secs(60 * 60 * (1 + random.below(7))),
            _ => 5 * MINUTE + LEEWAY,
        };
        self.say(format!("{time:?} pass"));
        self.pass(time);
    }

    /// The store's clock steps by less than ten minutes, and every node hears of it.
    pub(super) async fn step_the_store(&mut self) {
        if !self.places.iter().all(|place| place.down_since.is_none() && !place.is_deaf) {
            return;
        }
        let step = Duration::from_secs(1 + self.random.below(9 * 60));
        let is_back = self.random.one_in(2);
        self.say(format!("the store's clock steps by {step:?}, back: {is_back}"));
        let now = self.store_time();
        self.step_clock(if is_back { now.before(step) } else { now.after(step) });
        for at in 0..self.places.len() {
            self.catch_up(at).await;
        }
    }

    /// A node stops, without a word, and another one starts in its place.
    pub(super) async fn restart(&mut self, at: usize) {
        self.say(format!("node {at} starts anew"));
        let place = self.start().await;
        self.places[at] = place;
        self.has_read(at);
    }

    pub(super) fn lose_the_store(&mut self, at: usize) {
        self.say(format!("node {at} does not reach its store"));
        self.places[at].node.store.set_down(true);
        let now = self.now;
        self.places[at].down_since.get_or_insert(now);
    }

    pub(super) fn lose_the_log(&mut self, at: usize) {
        self.say(format!("node {at} cannot read the log"));
        self.places[at].node.store.always(Op::Page, Fault::Before);
        self.places[at].is_deaf = true;
    }

    pub(super) async fn mend(&mut self, at: usize) {
        self.say(format!("node {at} reaches its store and reads the log"));
        let place = &mut self.places[at];
        place.node.store.set_down(false);
        place.node.store.heal(Op::Page);
        (place.down_since, place.is_deaf) = (None, false);
        self.catch_up(at).await;
    }

    pub(super) fn turn_the_source(&mut self) {
        let Some(directory) = &self.directory else { return };
        self.is_source_up = !self.is_source_up;
        directory.set_down(!self.is_source_up);
        self.say(format!("the claims source answers: {}", self.is_source_up));
    }

    /// What a node does by itself: read the log, and write uses down.
    pub(super) async fn work_off(&mut self, at: usize) {
        self.say(format!("node {at} works off"));
        if !self.places[at].is_deaf {
            self.catch_up(at).await;
        }
        self.node(at).flush().await;
    }

    /// What all nodes do by themselves, for a while.
    pub(super) async fn purge(&mut self) {
        self.say("the store deletes what has expired".to_owned());
        auth_tests::in_time(self.world.store.purge()).await.unwrap();
    }
}
