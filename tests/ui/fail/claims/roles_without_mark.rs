use auth_core::{Claims, Roles};
use auth_tests::Role;

#[derive(Claims)]
pub struct User {
    #[claim(subject)]
    pub id: String,
    pub roles: Roles<Role>,
}

fn main() {}
