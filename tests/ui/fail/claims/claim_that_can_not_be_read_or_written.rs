use auth_core::Claims;

#[derive(Claims)]
pub struct User {
    #[claim(subject)]
    pub id: String,
    pub level: Level,
}

pub struct Level(pub u64);

fn main() {}
