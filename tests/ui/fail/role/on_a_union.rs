use auth_core::Role;

#[derive(Role)]
pub union Level {
    a: u8,
    b: i8,
}

fn main() {}
