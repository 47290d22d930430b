//! What was ended or revoked stays so: on one node, on two over one store, and whatever gets lost between them.

mod epochs;
mod list;
mod lost;
mod nodes;
mod running;
mod staleness;
mod tokens;
