use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim(subject)]
    pub id: String,
    #[claim(subject)]
    pub email: String,
}

fn main() {}
