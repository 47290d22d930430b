//! Requests and calls that are dropped, stores and observers that panic, nodes that stop, and processes that die:
//! SQLite, before and after the commit.

mod cancelled;
mod dropped;
mod killed;
mod panicking;
mod stopped;
