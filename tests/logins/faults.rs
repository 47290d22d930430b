//! Requests that are dropped half way, nodes that stop, and processes that die: SQLite, before and after the commit.

mod dropped;
mod killed;
mod stopped;
