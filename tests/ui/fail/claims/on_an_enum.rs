use auth_core::Claims;

#[derive(Claims)]
pub enum User {
    Known,
}

fn main() {}
