use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim(subject)]
    pub id: String,
    #[claim(scopes)]
    pub scopes: Vec<String>,
}

fn main() {}
