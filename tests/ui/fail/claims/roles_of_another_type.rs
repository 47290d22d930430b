use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim(subject)]
    pub id: String,
    #[claim(roles)]
    pub roles: Vec<String>,
}

fn main() {}
