use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim(subjct)]
    pub id: String,
}

fn main() {}
