use auth_core::Claims;

#[derive(Claims)]
#[claims(max_ttl = "5m")]
pub struct User {
    #[claim(subject)]
    pub id: String,
}

fn main() {}
