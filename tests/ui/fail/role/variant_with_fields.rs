use auth_core::Role;

#[derive(Clone, Copy, PartialEq, Eq, Role)]
pub enum Level {
    Customer,
    Clerk(u8),
}

fn main() {}
