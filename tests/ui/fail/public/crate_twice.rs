use auth_core::public;

#[public(crate = auth_core, crate = auth_core)]
pub async fn handler() {}

fn main() {}
