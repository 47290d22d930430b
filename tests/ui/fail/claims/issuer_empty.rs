use auth_core::Claims;

#[derive(Claims)]
#[claims(issuer = "")]
pub struct User {
    #[claim(subject)]
    pub id: String,
}

fn main() {}
