use auth_core::{Claims, Scopes};
use auth_tests::Permission;

#[derive(Claims)]
pub struct User {
    #[claim(subject)]
    pub id: String,
    pub scope: Scopes<Permission>,
}

fn main() {}
