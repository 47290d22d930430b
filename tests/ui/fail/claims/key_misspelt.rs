use auth_core::Claims;

#[derive(Claims)]
#[claims(isuer = "https://shop.example")]
pub struct User {
    #[claim(subject)]
    pub id: String,
}

fn main() {}
