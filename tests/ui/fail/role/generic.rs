use auth_core::Role;

#[derive(Clone, Copy, PartialEq, Eq, Role)]
pub enum Level<const N: usize> {
    Admin,
}

fn main() {}
