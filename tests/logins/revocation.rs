//! What was ended or revoked stays so: on one node, on two over one store.

mod epochs;
mod list;
mod nodes;
mod running;
mod staleness;
mod tokens;
