use auth_core::Claims;

#[derive(Claims)]
#[claims(ttl = "1s500ms")]
pub struct User {
    #[claim(subject)]
    pub id: String,
}

fn main() {}
