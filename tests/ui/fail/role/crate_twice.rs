use auth_core::Role;

#[derive(Clone, Copy, PartialEq, Eq, Role)]
#[role(crate = auth_core, crate = auth_core)]
pub enum Level {
    Customer,
}

fn main() {}
