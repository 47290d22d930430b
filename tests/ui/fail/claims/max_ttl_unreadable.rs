use auth_core::Claims;

#[derive(Claims)]
#[claims(max_ttl = "1")]
pub struct User {
    #[claim(subject)]
    pub id: String,
}

fn main() {}
