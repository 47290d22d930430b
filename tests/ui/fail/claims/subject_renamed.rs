use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim(subject, rename = "id")]
    pub id: String,
}

fn main() {}
