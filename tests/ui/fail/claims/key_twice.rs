use auth_core::Claims;

#[derive(Claims)]
#[claims(ttl = "15m", ttl = "10m")]
pub struct User {
    #[claim(subject)]
    pub id: String,
}

fn main() {}
