use auth_core::Role;

#[derive(PartialEq, Eq, Role)]
pub enum Level {
    Customer,
}

fn main() {}
