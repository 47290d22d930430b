use auth_core::Claims;

#[derive(Claims)]
#[claims(lifetime = "15m")]
pub struct User {
    #[claim(subject)]
    pub id: String,
}

fn main() {}
