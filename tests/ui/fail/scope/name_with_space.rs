use auth_core::Scope;

#[derive(Clone, Copy, PartialEq, Eq, Scope)]
pub enum Access {
    #[scope(name = "orders read")]
    Read,
}

fn main() {}
