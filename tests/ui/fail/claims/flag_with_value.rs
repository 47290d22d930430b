use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim(subject = true)]
    pub id: String,
}

fn main() {}
