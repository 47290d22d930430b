use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim(subject)]
    pub ssn: String,
}

fn main() {}
