use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim(subject)]
    pub id: Id,
}

pub struct Id(pub u64);

fn main() {}
