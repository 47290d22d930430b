use auth_core::Role;

#[derive(Clone, Copy, PartialEq, Eq, Role)]
pub enum Level {
    #[role(name = "client", name = "customer")]
    Customer,
}

fn main() {}
