//! Transport: how a credential travels, what stands beside it, and where a browser is sent.

mod accept;
mod authorization;
mod caching;
mod cookies;
mod redirect;
mod upload;
