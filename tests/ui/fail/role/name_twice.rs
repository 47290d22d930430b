use auth_core::Role;

#[derive(Clone, Copy, PartialEq, Eq, Role)]
pub enum Level {
    Customer,
    #[role(name = "customer")]
    Client,
}

fn main() {}
