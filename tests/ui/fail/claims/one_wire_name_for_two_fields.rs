use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim(subject)]
    pub id: String,
    pub email: String,
    #[claim(rename = "email")]
    pub mail: String,
}

fn main() {}
