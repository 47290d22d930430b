use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim(subject)]
    pub id: String,
    #[claim(rename = "cardNumber")]
    pub card: String,
}

fn main() {}
