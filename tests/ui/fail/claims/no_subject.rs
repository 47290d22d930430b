use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    pub id: String,
    pub email: String,
}

fn main() {}
