use auth_core::{Claims, Scopes};
use auth_tests::Permission;

#[derive(Claims)]
pub struct User {
    #[claim(subject)]
    pub id: String,
    #[claim(scopes)]
    pub scopes: Scopes<Permission>,
    #[claim(scopes)]
    pub others: Scopes<Permission>,
}

fn main() {}
