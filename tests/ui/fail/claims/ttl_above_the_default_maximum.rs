use auth_core::Claims;

#[derive(Claims)]
#[claims(ttl = "2h")]
pub struct User {
    #[claim(subject)]
    pub id: String,
}

fn main() {}
