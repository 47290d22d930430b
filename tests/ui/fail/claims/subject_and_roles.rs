use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim(subject, roles)]
    pub id: String,
}

fn main() {}
