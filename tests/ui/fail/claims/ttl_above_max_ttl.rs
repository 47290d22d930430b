use auth_core::Claims;

#[derive(Claims)]
#[claims(ttl = "10m", max_ttl = "5m")]
pub struct User {
    #[claim(subject)]
    pub id: String,
}

fn main() {}
