use auth_core::Claims;

#[derive(Claims)]
#[claims(ttl = "a quarter")]
pub struct User {
    #[claim(subject)]
    pub id: String,
}

fn main() {}
