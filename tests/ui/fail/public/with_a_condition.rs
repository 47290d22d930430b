use auth_core::public;

#[public(role(Role::Admin))]
pub async fn handler() {}

fn main() {}
