//! Requests and calls that are dropped half way, nodes that stop, and processes that die: SQLite, before and after the commit.

mod cancelled;
mod dropped;
mod killed;
mod stopped;
