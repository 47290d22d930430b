use auth_core::Claims;

#[derive(Claims)]
#[claims(crate)]
pub struct User {
    #[claim(subject)]
    pub id: String,
}

fn main() {}
