use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim(subject)]
    pub id: String,
    #[claim(rename = "")]
    pub email: String,
}

fn main() {}
