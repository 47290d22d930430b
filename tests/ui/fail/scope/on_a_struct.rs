use auth_core::Scope;

#[derive(Clone, Copy, PartialEq, Eq, Scope)]
pub struct Access;

fn main() {}
