use auth_core::Claims;

#[derive(Claims)]
#[claims(ttl = "0m")]
pub struct User {
    #[claim(subject)]
    pub id: String,
}

fn main() {}
