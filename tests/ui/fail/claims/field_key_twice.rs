use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim(subject)]
    pub id: String,
    #[claim(rename = "mail")]
    #[claim(rename = "e_mail")]
    pub email: String,
}

fn main() {}
