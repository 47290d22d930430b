use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim]
    pub id: String,
    #[claim(subject)]
    pub name: String,
}

fn main() {}
