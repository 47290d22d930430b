use auth_core::Claims;

#[derive(Claims)]
#[claims(audience = " ")]
pub struct User {
    #[claim(subject)]
    pub id: String,
}

fn main() {}
