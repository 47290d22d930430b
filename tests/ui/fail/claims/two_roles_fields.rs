use auth_core::{Claims, Roles};
use auth_tests::Role;

#[derive(Claims)]
pub struct User {
    #[claim(subject)]
    pub id: String,
    #[claim(roles)]
    pub roles: Roles<Role>,
    #[claim(roles)]
    pub others: Roles<Role>,
}

fn main() {}
