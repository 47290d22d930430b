use auth_core::Role;

#[derive(Clone, Copy, PartialEq, Eq, Role)]
pub enum Level {
    #[role(includes())]
    Customer,
}

fn main() {}
