use auth_core::Scope;

#[derive(Clone, Copy, PartialEq, Eq, Scope)]
pub enum Access {
    Read,
    #[scope(includes(Read))]
    Write,
}

fn main() {}
