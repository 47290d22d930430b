use auth_core::Role;

#[derive(Clone, Copy, PartialEq, Eq, Role)]
#[role(name = "level")]
pub enum Level {
    Customer,
}

fn main() {}
