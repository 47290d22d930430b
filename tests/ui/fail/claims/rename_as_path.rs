use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim(subject)]
    pub id: String,
    #[claim(rename = email)]
    pub mail: String,
}

fn main() {}
